-- Attempts to prove who somebody is that have not succeeded, by what was tried.
CREATE TABLE sign_in_failures (
    -- Blind index of the address that was typed: what belongs to nobody is counted like the rest.
    account  BLOB NOT NULL,
    step     TEXT NOT NULL CHECK (step IN ('password', 'second-factor')),
    -- The browser that the person is known in; empty for everything else together.
    device   BLOB NOT NULL,
    failures INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (account, step, device)
) WITHOUT ROWID;
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (last);

-- Whether a browser is known to anybody here, while its tenant is being flooded.
CREATE INDEX devices_by_mark ON devices (mark_hash);
