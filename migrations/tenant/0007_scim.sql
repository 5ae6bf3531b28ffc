-- Provisioning (SCIM 2.0): the members whom an identity provider keeps. A row whose `name_hash` is
-- null belongs to somebody whom it has removed: kept, without attributes, for when they come back.
CREATE TABLE scim_users (
    user          BLOB PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name_hash     BLOB UNIQUE,
    external_hash BLOB,
    display_hash  BLOB,
    attributes    BLOB,
    -- Whether the provider wants them to be able to sign in.
    active        INTEGER NOT NULL,
    -- Disabled by provisioning, which may enable them again.
    held          INTEGER NOT NULL,
    -- The last role that provisioning gave.
    given         TEXT NOT NULL,
    created       INTEGER NOT NULL,
    changed       INTEGER NOT NULL
);
CREATE INDEX scim_users_by_external ON scim_users (external_hash);
CREATE INDEX scim_users_by_display ON scim_users (display_hash);

-- Every address that a provider names; blind indexes.
CREATE TABLE scim_addresses (
    user         BLOB NOT NULL REFERENCES scim_users (user) ON DELETE CASCADE,
    address_hash BLOB NOT NULL,
    PRIMARY KEY (user, address_hash)
) WITHOUT ROWID;
CREATE INDEX scim_addresses_by_hash ON scim_addresses (address_hash);

CREATE TABLE scim_groups (
    id            BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name_hash     BLOB NOT NULL UNIQUE,
    external_hash BLOB,
    details       BLOB NOT NULL,
    version       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    changed       INTEGER NOT NULL
);
CREATE INDEX scim_groups_by_external ON scim_groups (external_hash);

CREATE TABLE scim_members (
    team BLOB NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
    user BLOB NOT NULL REFERENCES scim_users (user) ON DELETE CASCADE,
    PRIMARY KEY (team, user)
) WITHOUT ROWID;
CREATE INDEX scim_members_by_user ON scim_members (user, team);
