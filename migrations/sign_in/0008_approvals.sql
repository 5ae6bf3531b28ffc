-- What somebody asked a second person to approve. `details` holds the act and the reason, sealed.
CREATE TABLE approvals (
    id             BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    details        BLOB NOT NULL,
    requester_kind TEXT NOT NULL,
    requester      TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'withdrawn', 'expired')),
    created        INTEGER NOT NULL,
    expires        INTEGER NOT NULL,
    decided        INTEGER,
    decider_kind   TEXT,
    decider        TEXT,
    -- Why it was refused, sealed.
    answer         BLOB
);
CREATE INDEX approvals_by_state ON approvals (state, expires);
