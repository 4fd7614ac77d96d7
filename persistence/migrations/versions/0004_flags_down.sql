DROP TABLE query_routing, conversation_variants, flag_changes, flags;
