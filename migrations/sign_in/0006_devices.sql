-- Where somebody has signed in completely: a browser, known by its cookie, or the network that an
-- application signs in from. One cookie may stand for several people. It opens nothing.
CREATE TABLE devices (
    id        BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    person    BLOB NOT NULL CHECK (length(person) = 16),
    -- SHA-256 of the cookie; of a network, a blind index.
    mark_hash BLOB NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('browser', 'api')),
    -- From where it was used last.
    client    BLOB NOT NULL,
    created   INTEGER NOT NULL,
    -- When somebody last signed in there.
    seen      INTEGER NOT NULL,
    UNIQUE (person, mark_hash)
);
CREATE INDEX devices_by_use ON devices (seen);
