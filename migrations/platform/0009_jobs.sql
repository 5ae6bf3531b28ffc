-- Runs of jobs: who asked for them, what they said while they ran, whether somebody cancelled them.
ALTER TABLE job_runs ADD COLUMN origin TEXT NOT NULL DEFAULT 'schedule'
    CHECK (origin IN ('schedule', 'start', 'missed', 'person', 'operator'));
-- The administrator who started it.
ALTER TABLE job_runs ADD COLUMN requester BLOB CHECK (length(requester) = 16);
-- A cancelled run's state is 'interrupted'.
ALTER TABLE job_runs ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
-- Sealed.
ALTER TABLE job_runs ADD COLUMN output BLOB;
