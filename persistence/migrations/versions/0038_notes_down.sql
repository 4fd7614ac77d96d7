-- The way back: the history keeps the notes' words.
DROP TABLE notes;
