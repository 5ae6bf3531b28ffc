//! Logs that a realm's log follows, each in a file of its own beside the data.

use std::path::PathBuf;

use super::ReadTx;
use super::realm::OpenRealm;
use crate::audit::past::{self, PastLog, PastVerification};
use crate::audit::pruning;
use crate::audit::verify::{Task, Verification, verify};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::{RawReadTx, Readers, StoreError, files};

const GONE: &str = "its file is missing";
const UNATTESTED: &str = "it was removed, and what is kept of it is not what was signed";
const ANOTHER: &str = "its file holds another log than the one that is followed";

impl OpenRealm {
    pub(super) fn past_log_file(&self, past: &PastLog) -> PathBuf {
        let path = self.database.readers().path();
        path.with_file_name("logs").join(format!("{}.db", past.id))
    }

    pub(super) fn past_log(&self, past: &PastLog) -> Result<Readers, StoreError> {
        let path = self.past_log_file(past);
        if !path.exists() {
            return Err(StoreError::Missing(path.display().to_string().into()));
        }
        Ok(Readers::new(path, self.keys.file_key()?.clone(), 1))
    }
}

impl ReadTx<'_> {
    /// Reads in the file of a log that this one follows; none when it follows no such log, or when
    /// that was removed.
    pub(crate) fn in_past_log<T, E: From<StoreError>>(
        &self,
        log: LogId,
        f: impl FnOnce(&RawReadTx<'_>, &PastLog) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(past) = past::find(self.raw, log)?.filter(|past| past.removed.is_none()) else {
            return Ok(None);
        };
        let file = self.realm.past_log(&past)?.own()?;
        file.read(|tx| f(tx, &past))?.map(Some)
    }

    /// The logs that this one follows, the latest first, each with the time of the oldest entry
    /// that its file still has; without one when it cannot be read.
    pub(crate) fn past_logs(&self) -> Result<Vec<(PastLog, Option<Timestamp>)>, StoreError> {
        let began = |past: &PastLog| {
            let first = |tx: &RawReadTx<'_>, _: &PastLog| past::oldest(tx);
            self.in_past_log(past.id, first).ok().flatten().flatten()
        };
        let with_time = |past: PastLog| {
            let began = began(&past);
            (past, began)
        };
        Ok(past::list(self.raw)?.into_iter().map(with_time).collect())
    }

    /// When this log began, if it follows another one.
    pub(crate) fn follows_since(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(past::list(self.raw)?.first().map(|past| past.ended))
    }

    /// Removes the files of the logs that are removed; answers how many there were.
    pub(crate) fn remove_past_files(&self) -> Result<u64, StoreError> {
        let mut removed = 0;
        for past in past::list(self.raw)?.iter().filter(|past| past.removed.is_some()) {
            let path = self.realm.past_log_file(past);
            if path.exists() {
                files::remove_if_there(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Verifies the logs that this one follows.
    ///
    /// # Errors
    /// What the disk answers; a broken or missing log is an answer.
    pub(crate) fn verify_past_logs(&self) -> Result<Vec<PastVerification>, StoreError> {
        past::list(self.raw)?.iter().map(|past| self.verify_past_log(past)).collect()
    }

    fn verify_past_log(&self, past: &PastLog) -> Result<PastVerification, StoreError> {
        let mut found = PastVerification {
            ok: false,
            log_id: past.id,
            size: past.size,
            root: past.root,
            lost: past.known.saturating_sub(past.size),
            ended: past.ended,
            removed: past.removed.as_ref().map(|removal| removal.time),
            first_bad: None,
            reason: None,
        };
        if let Some(removal) = &past.removed {
            found.ok = past::is_attested(&self.realm.notary, past, removal);
            found.reason = (!found.ok).then(|| UNATTESTED.into());
            return Ok(found);
        }
        let log = match self.look_at(past) {
            Ok(log) => log,
            Err(StoreError::Missing(_)) => {
                found.reason = Some(GONE.into());
                return Ok(found);
            }
            Err(error @ (StoreError::Corrupt(_) | StoreError::WrongKey(_))) => {
                found.reason = Some(error.to_string());
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        let same = (log.log_id, log.size, log.root) == (past.id, past.size, past.root);
        (found.first_bad, found.reason) = (log.first_bad, log.reason.map(str::to_owned));
        if log.ok && !same {
            found.reason = Some(ANOTHER.into());
        }
        found.ok = log.ok && same;
        Ok(found)
    }

    fn look_at(&self, past: &PastLog) -> Result<Verification, StoreError> {
        verify(&Task {
            readers: &self.realm.past_log(past)?,
            notary: &self.realm.notary,
            clock: self.realm.runtime.clock.as_ref(),
            pruned_through: |tx| pruning::through(tx),
            // Where entries could not be brought back, the checkpoint outside says so for ever.
            outside: past.known <= past.size,
            busy: 0,
            progress: &|_, _| (),
        })
    }
}
