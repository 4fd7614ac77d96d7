"""The conversation's rules: pure decisions, one file a subject."""
