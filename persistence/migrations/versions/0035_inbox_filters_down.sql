-- The way back: the code before reads the department from the state.
DROP VIEW inbox_rows;
ALTER TABLE conversations DROP COLUMN department, DROP COLUMN waiting_since;
UPDATE conversations SET state = state #- '{inbox,waiting_since}'
WHERE state #> '{inbox,waiting_since}' IS NOT NULL;
