-- What proves who somebody is beyond a password: the same tables in a tenant's file, where `person`
-- is a member, and in the platform's, where it is an administrator.

-- Codes of an authenticator app (RFC 6238).
CREATE TABLE authenticators (
    person    BLOB PRIMARY KEY NOT NULL CHECK (length(person) = 16),
    secret    BLOB NOT NULL,
    -- When its first code was given.
    confirmed INTEGER NOT NULL,
    -- The newest time step whose code was used: a code works once.
    last_step INTEGER NOT NULL
);

-- Authenticator apps that are being set up. `holder` is the ticket or the session that was shown the
-- secret: what somebody else was shown is never the one that counts.
CREATE TABLE enrolments (
    holder  BLOB PRIMARY KEY NOT NULL,
    person  BLOB NOT NULL CHECK (length(person) = 16),
    secret  BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX enrolments_by_person ON enrolments (person);

CREATE TABLE recovery_codes (
    person    BLOB NOT NULL CHECK (length(person) = 16),
    code_hash BLOB NOT NULL,
    created   INTEGER NOT NULL,
    used      INTEGER,
    PRIMARY KEY (person, code_hash)
) WITHOUT ROWID;

-- Wrong codes in a row, over all sign-ins of somebody.
CREATE TABLE factor_failures (
    person   BLOB PRIMARY KEY NOT NULL CHECK (length(person) = 16),
    failures INTEGER NOT NULL,
    since    INTEGER NOT NULL
);

-- Sign-ins that wait for one more factor. `password` is the hash that was proven or, when another
-- factor came first, the one at that time: a changed password ends what was begun before.
CREATE TABLE sign_ins (
    token_hash BLOB PRIMARY KEY NOT NULL,
    person     BLOB NOT NULL CHECK (length(person) = 16),
    password   TEXT NOT NULL,
    proven     TEXT NOT NULL,
    wanted     TEXT NOT NULL CHECK (wanted IN ('second-factor', 'enrolment')),
    client     TEXT NOT NULL CHECK (client IN ('browser', 'api')),
    failures   INTEGER NOT NULL DEFAULT 0,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
);
CREATE INDEX sign_ins_by_person ON sign_ins (person);
