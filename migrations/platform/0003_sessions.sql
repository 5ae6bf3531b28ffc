-- As a tenant's: see tenant/0002_sessions.sql.
ALTER TABLE admin_sessions ADD COLUMN client_kind TEXT NOT NULL DEFAULT 'browser';
ALTER TABLE admin_sessions ADD COLUMN factors TEXT NOT NULL DEFAULT 'password';
ALTER TABLE admin_sessions ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
ALTER TABLE admin_sessions ADD COLUMN device BLOB;
