ALTER TABLE admins ADD COLUMN role TEXT NOT NULL DEFAULT 'platform-admin';
