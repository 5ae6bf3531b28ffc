-- Keys that sign access tokens: what everybody may know of them, and when they do. The private
-- halves are in the key store, under the same ids.
CREATE TABLE token_keys (
    id             BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    public         BLOB NOT NULL CHECK (length(public) = 32),
    created        INTEGER NOT NULL,
    -- Published from the beginning; signs from here …
    signs_from     INTEGER NOT NULL,
    -- … to here, once there is a successor …
    signs_until    INTEGER,
    -- … and what it signed is accepted until here.
    accepted_until INTEGER
);
