-- The way back: the code before does not know the part.
UPDATE conversations SET state = state - 'inbox' WHERE state ? 'inbox';
