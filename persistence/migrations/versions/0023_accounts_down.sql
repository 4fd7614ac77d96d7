-- The way back: everybody who is active can do everything again, and signs in anew.
DROP TABLE invitations, api_keys, sessions;
DROP TRIGGER users_access ON users;
DROP FUNCTION announce_access;
DROP INDEX users_tenant;
ALTER TABLE users DROP COLUMN role, DROP COLUMN session_version;
