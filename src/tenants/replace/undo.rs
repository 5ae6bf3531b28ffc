//! Undoing a restore: a restore of the state before, with the log in between kept.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::carry::Left;
use super::journal::{self, Journal, Move};
use super::stage::Stage;
use super::swap::{DATABASE, LEFT, LiveLog, all_moves, copy_log, exchanged, log_file, reopen};
use crate::audit::checkpoint;
use crate::audit::past::{self, PastLog};
use crate::kernel::id::{RestoreId, TenantId};
use crate::store::{OwnReader, Readers, Staged, StoreError, migrate};
use crate::tenants::{DoorError, Tenants};

/// What undoing a restore did.
#[derive(Clone, Debug)]
pub(crate) struct Undone {
    /// The log of the time in between, which is kept.
    pub between: Option<PastLog>,
    /// Its file instead, when it did not verify.
    pub broken: Option<Broken>,
    /// Whether the file in between could be read: if not, who may get in is as before the restore.
    pub could_read: bool,
    /// Why the file could not be opened at once that is in its place again.
    pub unopened: Option<String>,
}

/// A log that is kept as it was found, for whoever looks into it.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// Below `logs/`.
    pub file: String,
    /// Entries that it is known to have had.
    pub known: u64,
}

impl Tenants {
    /// Puts the state before a restore back. The log of the time in between is kept beside it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not kept any more.
    pub(crate) async fn undo_restore(
        &self,
        restore: RestoreId,
        tenant: TenantId,
    ) -> Result<Undone, DoorError> {
        let kept = self.inner.ground.directory.join(journal::kept(restore));
        let before = kept.join("before").join(DATABASE);
        if !before.exists() {
            return Err(StoreError::Missing(before.display().to_string().into()).into());
        }
        let stage = self.stage(self.inner.ground.runtime.id(), tenant).await?;
        // A copy is changed: whatever happens, the state before is there until it was put back.
        let to = stage.database();
        let copied = tokio::task::spawn_blocking(move || copy(&before, &to));
        copied.await.map_err(|_| StoreError::Panicked)??;
        let known = self.entries_known(tenant).await;
        let live = stage.copy_log_ahead().await?;
        let closed = self.close_for_restore(tenant).await?;
        let undone = tokio::task::spawn_blocking(move || {
            let mut undone = exchanged(stage.undo(restore, live, known), &closed, stage.restore)?;
            undone.unopened = reopen(closed, tenant);
            Ok::<_, StoreError>(undone)
        });
        Ok(undone.await.map_err(|_| StoreError::Panicked)??)
    }
}

/// Copies a data file that nobody serves, with what was not yet written back into it.
fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    for end in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        let (from, to) = (with(from), with(to));
        if from.exists() {
            std::fs::copy(&from, &to).map_err(|error| StoreError::file(&from, &error))?;
        }
    }
    Ok(())
}

impl Stage {
    fn undo(&self, restore: RestoreId, live: LiveLog, known: u64) -> Result<Undone, StoreError> {
        let ground = &self.tenants.inner.ground;
        let data = &ground.directory;
        let place = Path::new("tenants").join(self.tenant.to_string());
        let kept = journal::kept(restore);
        let reader = self.live_file(live)?;
        let mut staged = Staged::open(&self.database(), &self.file_key()?, migrate::TENANT)?;
        let log = staged.read(|tx| checkpoint::log(tx, &ground.notary))?.map(|(log, _)| log);
        let between = self.log_between(&mut staged, reader.as_ref(), live, restore)?;
        self.carry(&mut staged, reader.as_ref(), &left_behind(&data.join(&kept).join(LEFT))?)?;
        staged.finish()?;
        let could_read = reader.is_some();
        drop(reader);

        let mut out = all_moves(data, &place, &kept.join("undone"));
        if let Some(log) = &log {
            // It goes on in the data file.
            let file = log_file(&place, &log.to_string());
            if data.join(&file).exists() {
                out.push(Move { from: file, to: kept.join("undone").join("past.db") });
            }
        }
        let work = Path::new(journal::WORK).join(self.restore.to_string());
        let mut inward = vec![Move { from: work.join(DATABASE), to: place.join(DATABASE) }];
        let mut broken = None;
        if let Some(past) = &between {
            let to = log_file(&place, &past.id.to_string());
            inward.push(Move { from: work.join("past.db"), to });
        } else if live != LiveLog::Whole {
            let name = format!("broken-{}", self.restore);
            let to = log_file(&place, &name);
            if self.past_log().exists() {
                inward.push(Move { from: work.join("past.db"), to });
            } else {
                // Not even its tables can be read: the file as it is, for whoever can.
                let undone = kept.join("undone");
                for end in ["", "-wal"] {
                    let from = undone.join(format!("{DATABASE}{end}"));
                    if out.iter().any(|step| step.to == from) {
                        let to = PathBuf::from(format!("{}{end}", to.display()));
                        inward.push(Move { from, to });
                    }
                }
            }
            broken = Some(Broken { file: format!("{name}.db"), known });
        }
        let (work, tenant) = (self.restore, self.tenant);
        let (directories, leftovers) = (Vec::new(), vec![kept]);
        Journal { work, tenant, directories, out, inward, leftovers }.carry_out(data)?;
        if let Some(broken) = &broken {
            let file = self.tenant_directory().join("logs").join(&broken.file);
            let only_read = std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400));
            only_read.map_err(|error| StoreError::file(&file, &error))?;
        }
        Ok(Undone { between, broken, could_read, unopened: None })
    }

    /// Keeps the log of the time in between. Where it is the prepared file's own and went on since,
    /// that one follows it; none when nothing came since, or when it does not verify.
    fn log_between(
        &self,
        staged: &mut Staged,
        reader: Option<&OwnReader>,
        live: LiveLog,
        restore: RestoreId,
    ) -> Result<Option<PastLog>, StoreError> {
        let ground = &self.tenants.inner.ground;
        let (key, notary) = (self.file_key()?, &ground.notary);
        let (Some(reader), LiveLog::Whole) = (reader, live) else {
            let copied = reader.map(|reader| copy_log(&self.past_log(), &key, reader));
            if !matches!(copied, Some(Ok(()))) {
                journal::remove(&self.past_log())?;
            }
            return Ok(None);
        };
        if self.goes_on(staged, Some(reader))? {
            return Ok(None);
        }
        let of_live = reader.read(|tx| checkpoint::log(tx, notary))??;
        if of_live == staged.read(|tx| checkpoint::log(tx, notary))? {
            return self.begin_log_anew(staged, Some(reader), live, restore);
        }
        copy_log(&self.past_log(), &key, reader)?;
        let file = Readers::new(self.past_log(), key, 1).own()?;
        let past =
            file.read(|tx| past::of_file(tx, notary, 0, ground.runtime.now(), restore))??;
        // In the prepared file already: a process that is killed after the exchange names it no more.
        staged.change(|tx| past.iter().try_for_each(|past| past::insert(tx, past)))?;
        Ok(past)
    }
}

/// Empty after a restore that could not read the file before.
fn left_behind(path: &Path) -> Result<Left, StoreError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Left::default()),
        text => {
            let text = text.map_err(|error| StoreError::file(path, &error))?;
            serde_json::from_slice(&text)
                .map_err(|_| StoreError::Corrupt(path.display().to_string().into()))
        }
    }
}
