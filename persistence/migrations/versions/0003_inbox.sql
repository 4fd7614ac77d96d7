-- Why: operators follow their inbox live and search it. An event now says whose it is
-- and which messages it touched, so that one index brings a tenant's changes after a
-- cursor; dead letters are listed by tenant; words are found however they are spelt.

ALTER TABLE conversation_events
    ADD COLUMN tenant_id uuid,
    ADD COLUMN message_ids uuid[] NOT NULL DEFAULT '{}';
-- Of older events only the message that each made is known: it has the event's id.
UPDATE conversation_events e SET
    tenant_id = c.tenant_id,
    message_ids = CASE WHEN EXISTS (SELECT FROM messages m WHERE m.id = e.id)
        THEN ARRAY[e.id] ELSE '{}' END
FROM conversations c WHERE c.id = e.conversation_id;
ALTER TABLE conversation_events ALTER COLUMN tenant_id SET NOT NULL;
CREATE INDEX conversation_events_feed ON conversation_events (tenant_id, shard, seq);
-- The feed goes by events: no query reads messages in this order.
DROP INDEX messages_feed;

-- What is under way or lost is little; what was sent leaves the index.
DROP INDEX outbox_unsent;
CREATE INDEX outbox_unsent ON outbox (tenant_id, delivery, updated_at DESC)
    WHERE delivery <> 'sent';

CREATE INDEX customers_tenant ON customers (tenant_id, created_at DESC, id);

-- One spelling for what is searched and for what is searched by: Persian ye, kaf and he,
-- alef without hat or hamza, Latin digits, lower case; no diacritics, kashida, spaces
-- (می‌خواهم, می خواهم and میخواهم are one word) and no punctuation. The plain translate
-- costs some microseconds a message, so an inbox is searched without an index of its
-- own: one would cost every message that is stored.
CREATE FUNCTION fold_text(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(translate(
    $1,
    -- ye, kaf, he, alef and waw in their other forms; Persian and Arabic digits
    U&'\064A\0649\06D2\06D3\0626' || U&'\0643\06AA'
        || U&'\0629\06C0\06C1\06C2\06BE\06D5'
        || U&'\0622\0623\0625\0671' || U&'\0624'
        || '۰۱۲۳۴۵۶۷۸۹' || '٠١٢٣٤٥٦٧٨٩'
    -- what is left out: spaces, joiners and direction marks, kashida, diacritics
        || U&'\0009\000A\000D\0020\00A0\00AD\200B\200C\200D\200E\200F'
        || U&'\202A\202B\202C\202D\202E\2060\FEFF\0640\0670'
        || U&'\064B\064C\064D\064E\064F\0650\0651\0652\0653\0654\0655\0656\0657\0658'
    -- and punctuation
        || '،؛؟٬٫٪«»…–—.,;:!?"''`´()[]{}<>/\|-_*~^=+&%$#@',
    'ییییی' || 'کک' || 'هههههه' || 'اااا' || 'و' || '0123456789' || '0123456789'
));
