-- How a session came to be: in a browser or for an application's tokens, by which factors, and when
-- the last one was proven (sensitive acts ask for a fresh one).
ALTER TABLE sessions ADD COLUMN client_kind TEXT NOT NULL DEFAULT 'browser';
ALTER TABLE sessions ADD COLUMN factors TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
-- The browser that it runs in, while that is remembered.
ALTER TABLE sessions ADD COLUMN device BLOB;
