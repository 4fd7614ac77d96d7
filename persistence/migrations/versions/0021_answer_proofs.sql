-- Why: an answer keeps its proof: the prompt, the questions searched, what was understood
-- and what was refused. Apart from messages and events, because lists must stay small,
-- and because it holds customers' words, which must be erasable.
CREATE TABLE answer_proofs (
    message_id uuid PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    proof jsonb NOT NULL,
    is_erased boolean NOT NULL DEFAULT false
);
CREATE INDEX answer_proofs_conversation ON answer_proofs (conversation_id)
    WHERE NOT is_erased;
