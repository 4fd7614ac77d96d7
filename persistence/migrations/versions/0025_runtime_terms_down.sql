-- The way back: a fenced runtime stays up until somebody stops it.
DROP TABLE runtime_terms;
