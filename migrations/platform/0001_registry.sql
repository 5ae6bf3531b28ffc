CREATE TABLE tenants (
    id      BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    slug    TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'suspended', 'closed')),
    created INTEGER NOT NULL
);

-- Platform administrators. Names and addresses are sealed under a subject key of their own;
-- email_hash is a blind index.
CREATE TABLE admins (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    subject    BLOB NOT NULL CHECK (length(subject) = 16),
    email_hash BLOB NOT NULL UNIQUE,
    email      BLOB NOT NULL,
    name       BLOB NOT NULL,
    password   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    created    INTEGER NOT NULL,
    signed_in  INTEGER
);

CREATE TABLE admin_sessions (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash BLOB NOT NULL UNIQUE,
    user       BLOB NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    client     BLOB NOT NULL
);

CREATE TABLE job_schedules (
    job     TEXT PRIMARY KEY NOT NULL,
    cron    TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE job_runs (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    job      TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'interrupted')),
    started  INTEGER NOT NULL,
    finished INTEGER,
    done     INTEGER NOT NULL DEFAULT 0,
    total    INTEGER NOT NULL DEFAULT 0,
    message  TEXT
);
CREATE INDEX job_runs_by_job ON job_runs (job, started);
