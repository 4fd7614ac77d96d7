-- Why: an empty chat page asks its visitor to invent a question. A channel says which
-- questions its page offers before the first message, and which one after its answer.
ALTER TABLE channels
    ADD COLUMN suggestions text[] NOT NULL DEFAULT '{}'
        CHECK (cardinality(suggestions) <= 5),
    ADD COLUMN follow_ups text[] NOT NULL DEFAULT '{}'
        CHECK (cardinality(follow_ups) <= 5);
