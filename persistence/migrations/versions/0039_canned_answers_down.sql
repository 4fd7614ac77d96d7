-- The way back: the answers are gone.
DROP TABLE canned_answers;
