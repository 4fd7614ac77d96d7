-- The way back: receivers that check signatures need the new secret of a later way
-- forward, and mails of steps under way may leave a second time.
DROP TABLE workflow_mails;
DROP TABLE workflow_signing_secrets;
