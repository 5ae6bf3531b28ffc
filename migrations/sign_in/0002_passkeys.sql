-- Passkeys (WebAuthn). The table is needed by every sign-in, to know whether there is a second factor.
CREATE TABLE passkeys (
    id              BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    person          BLOB NOT NULL CHECK (length(person) = 16),
    -- SHA-256 of the credential id, which is random and of up to 1,023 bytes.
    credential_hash BLOB NOT NULL UNIQUE,
    credential      BLOB NOT NULL,
    name            BLOB NOT NULL,
    created         INTEGER NOT NULL,
    used            INTEGER
);
CREATE INDEX passkeys_by_person ON passkeys (person);

-- What was asked of a browser and waits for its answer. A row goes with the first answer, whatever
-- that is.
CREATE TABLE ceremonies (
    -- SHA-256 of the secret that the answer brings back and of the cookie that it was made for.
    id      BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
    -- Whose passkeys may answer; nobody's in particular when that is how one becomes known.
    person  BLOB CHECK (length(person) = 16),
    state   BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires);
