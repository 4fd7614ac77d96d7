-- The way back: answers stay, and nobody can tell any more what they rest on.
DROP TABLE answer_proofs;
