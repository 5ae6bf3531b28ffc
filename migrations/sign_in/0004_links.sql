-- One-time links: whoever holds the token may do what it is for, once, in its time. `person` is whom
-- it is about, nobody for an address that belongs to none; `password` the hash that they had then:
-- a changed password ends what was begun before.
CREATE TABLE links (
    id           BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash   BLOB NOT NULL UNIQUE,
    purpose      TEXT NOT NULL CHECK (purpose IN ('setup', 'password', 'sign-in', 'reset',
                                                  'invitation', 'registration', 'address')),
    person       BLOB CHECK (person IS NULL OR length(person) = 16),
    password     TEXT,
    address_hash BLOB,
    address      BLOB,
    details      BLOB,
    -- The browser that asked, where no other may use the link.
    browser_hash BLOB,
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    used         INTEGER
);
CREATE INDEX links_by_person ON links (person);
CREATE INDEX links_by_address ON links (address_hash, created);
