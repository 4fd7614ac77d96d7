-- fetch_proof --
-- What an answer rests on, for whoever asks why it was given.
SELECT message_id, proof, is_erased FROM answer_proofs
WHERE tenant_id = $1 AND message_id = $2;

-- erase_proofs --
-- A customer's words may stand in any prompt of his conversation. The rows stay, and say
-- that there was something.
UPDATE answer_proofs SET proof = '{}', is_erased = true
WHERE conversation_id = ANY($1::uuid[]) AND NOT is_erased;
