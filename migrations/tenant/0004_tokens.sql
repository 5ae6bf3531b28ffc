-- The current refresh token of a session is the session's own `token_hash`. Those that were
-- exchanged before are kept as long as the session: one that comes again was copied.
CREATE TABLE used_refresh_tokens (
    token_hash BLOB PRIMARY KEY NOT NULL,
    session    BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_refresh_tokens_by_session ON used_refresh_tokens (session);

-- Names of permissions, separated by blanks, for a key that has these and no role.
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
-- Networks (CIDR), separated by blanks, that a key works from; everywhere when empty.
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';
-- The secret before the last rotation, while it still works.
ALTER TABLE api_keys ADD COLUMN former_hash BLOB;
ALTER TABLE api_keys ADD COLUMN former_until INTEGER;
ALTER TABLE api_keys ADD COLUMN rotated INTEGER;
CREATE UNIQUE INDEX api_keys_by_former_hash ON api_keys (former_hash);

-- From where a key was used last.
ALTER TABLE api_key_use ADD COLUMN address BLOB;
