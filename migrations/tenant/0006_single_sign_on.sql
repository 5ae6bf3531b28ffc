-- What was sent to a provider and waits for its answer. It is taken away by the first answer.
CREATE TABLE sso_requests (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    -- SHA-256 of what the answer has to bring back: `state`, `RelayState`.
    state_hash BLOB NOT NULL UNIQUE,
    provider   BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    -- SHA-256 of the cookie of the browser that was sent there.
    browser    BLOB NOT NULL,
    purpose    TEXT NOT NULL CHECK (purpose IN ('sign-in', 'test', 'confirm', 'logout')),
    -- Who is signed in already: whoever tries a provider out, confirms, or signs out.
    session    BLOB,
    state      BLOB NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
);
CREATE INDEX sso_requests_by_time ON sso_requests (expires);

-- Sign-ins that were tried out, or refused, step by step.
CREATE TABLE sso_tests (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    provider BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL CHECK (kind IN ('test', 'sign-in')),
    passed   INTEGER NOT NULL,
    report   BLOB NOT NULL,
    created  INTEGER NOT NULL
);
CREATE INDEX sso_tests_by_provider ON sso_tests (provider, created);

-- Messages that work once, until they would not work any more anyway.
CREATE TABLE sso_seen (
    provider BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    message  BLOB NOT NULL,
    expires  INTEGER NOT NULL,
    PRIMARY KEY (provider, message)
) WITHOUT ROWID;
CREATE INDEX sso_seen_by_time ON sso_seen (expires);

-- Who somebody at a provider is here.
CREATE TABLE identities (
    provider     BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    subject_hash BLOB NOT NULL,
    user         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject      BLOB NOT NULL,
    created      INTEGER NOT NULL,
    seen         INTEGER NOT NULL,
    PRIMARY KEY (provider, subject_hash)
) WITHOUT ROWID;
CREATE UNIQUE INDEX identities_by_user ON identities (user, provider);

-- The provider's side of a session: by it the provider ends the session, and is told of its end.
CREATE TABLE sso_sessions (
    session      BLOB PRIMARY KEY NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    provider     BLOB NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    subject_hash BLOB NOT NULL,
    -- Blind index of SAML's SessionIndex or OIDC's `sid`.
    index_hash   BLOB,
    details      BLOB NOT NULL,
    -- When the session ends because the provider, or the provider's settings here, say so.
    ends         INTEGER
);
CREATE INDEX sso_sessions_by_subject ON sso_sessions (provider, subject_hash);
CREATE INDEX sso_sessions_by_index ON sso_sessions (provider, index_hash);
CREATE INDEX sso_sessions_by_end ON sso_sessions (ends);

-- What was warned of because it ends, and when last: once a week is enough.
CREATE TABLE sso_warnings (
    thing  TEXT PRIMARY KEY NOT NULL,
    warned INTEGER NOT NULL
);
