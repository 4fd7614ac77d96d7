-- begin_term --
-- From here on every earlier runtime on this database knows that its time is over.
INSERT INTO runtime_terms (id) VALUES ($1)
ON CONFLICT (singleton) DO UPDATE SET id = excluded.id, began_at = now();

-- fetch_term --
-- The runtime that began last. No row: one of a release before 0025.
SELECT id, began_at FROM runtime_terms;
