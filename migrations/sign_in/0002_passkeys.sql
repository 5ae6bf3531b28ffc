-- Passkeys (WebAuthn). The table is needed by every sign-in, to know whether there is a second factor.
CREATE TABLE passkeys (
    id              BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    person          BLOB NOT NULL CHECK (length(person) = 16),
    credential_hash BLOB NOT NULL UNIQUE,
    credential      BLOB NOT NULL,
    name            BLOB NOT NULL,
    created         INTEGER NOT NULL,
    used            INTEGER
);
CREATE INDEX passkeys_by_person ON passkeys (person);
