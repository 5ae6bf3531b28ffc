-- Tenants that were closed. A row outlives its tenant: it says when everything was destroyed.
CREATE TABLE closings (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    tenant      BLOB NOT NULL CHECK (length(tenant) = 16),
    slug        TEXT NOT NULL,
    name        TEXT NOT NULL,
    -- 'destroying': begun, and to be completed; the tenant is in no other table any more.
    state       TEXT NOT NULL CHECK (state IN ('closed', 'reopened', 'destroying', 'destroyed')),
    -- What the tenant goes back to when it is reopened.
    before      TEXT NOT NULL,
    -- Who closed it, as JSON: type and id; and why, sealed.
    actor       TEXT NOT NULL,
    reason      BLOB NOT NULL,
    closed      INTEGER NOT NULL,
    -- When the time of grace ends.
    due         INTEGER NOT NULL,
    -- A legal hold was in force when the destruction was due.
    held        INTEGER NOT NULL DEFAULT 0,
    reopened    INTEGER,
    -- How the tenant's log ended, as JSON; read while it could be.
    log         TEXT,
    finished    INTEGER,
    -- When the last backups of its keys and of its data are gone; the short name is free then.
    keys_until  INTEGER,
    data_until  INTEGER,
    -- A signed note; empty until everything is destroyed.
    certificate TEXT NOT NULL DEFAULT ''
);
CREATE INDEX closings_by_tenant ON closings (tenant, state);
CREATE INDEX closings_by_state ON closings (state, due);
CREATE INDEX closings_by_slug ON closings (slug);
