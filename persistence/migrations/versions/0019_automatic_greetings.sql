-- Why: Meta's automatic greeting is echoed like an owner's answer, and an owner's answer
-- silences the AI. A channel says whether such greetings are recognised.
ALTER TABLE channels ADD COLUMN automatic_greetings text NOT NULL DEFAULT 'recognise'
    CHECK (automatic_greetings IN ('recognise', 'take_over'));
-- How many customers one text was sent to in the app; what we send has a delivery.
CREATE INDEX messages_echoes ON messages (tenant_id, md5(content), created_at)
    WHERE type = 'support' AND delivery IS NULL;
