-- Blobs named in crypto::classification are sealed; *_hash columns are blind indexes.
CREATE TABLE users (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    subject    BLOB NOT NULL CHECK (length(subject) = 16),
    email_hash BLOB NOT NULL UNIQUE,
    email      BLOB NOT NULL,
    name       BLOB NOT NULL,
    password   TEXT NOT NULL,
    role       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    created    INTEGER NOT NULL,
    signed_in  INTEGER
);

CREATE TABLE sessions (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash BLOB NOT NULL UNIQUE,
    user       BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    client     BLOB NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE api_keys (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash BLOB NOT NULL UNIQUE,
    hint       TEXT NOT NULL,
    name       BLOB NOT NULL,
    role       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER,
    revoked    INTEGER
);

-- Counters are system writes; in a table of their own they do not make cached credentials stale.
CREATE TABLE api_key_use (
    key       BLOB PRIMARY KEY NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    last_used INTEGER NOT NULL,
    uses      INTEGER NOT NULL
);

CREATE TABLE data_subjects (
    id             BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reference_hash BLOB NOT NULL UNIQUE,
    email_hash     BLOB,
    reference      BLOB NOT NULL,
    name           BLOB,
    email          BLOB,
    created        INTEGER NOT NULL
);
CREATE INDEX data_subjects_by_email ON data_subjects (email_hash);

CREATE TABLE conversations (
    id            BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    data_subject  BLOB REFERENCES data_subjects (id),
    subject       BLOB NOT NULL,
    custom_fields BLOB,
    channel       TEXT NOT NULL,
    tags          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    messages      INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    closed        INTEGER
);
CREATE INDEX conversations_by_subject ON conversations (data_subject, id);
CREATE INDEX conversations_by_state ON conversations (state, id);

CREATE TABLE messages (
    conversation BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    seq          INTEGER NOT NULL,
    id           BLOB NOT NULL CHECK (length(id) = 16),
    author_type  TEXT NOT NULL,
    author       BLOB,
    body         BLOB NOT NULL,
    sent         INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq)
) WITHOUT ROWID;
