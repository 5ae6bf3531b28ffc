//! The moment of a restore in which a tenant's files are exchanged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::carry::{self, Left};
use super::journal::{self, Journal, Move};
use super::stage::Stage;
use super::{Closed, forget};
use crate::audit::past::{self, PastLog};
use crate::audit::pruning;
use crate::audit::read;
use crate::audit::verify::{Task, verify};
use crate::authz::Realm;
use crate::crypto::Key32;
use crate::kernel::id::{RestoreId, TenantId};
use crate::store::{OwnReader, RawReadTx, Readers, Staged, StoreError, files, migrate};
use crate::tenants::{DoorError, Tenants, ledger};

pub(super) const DATABASE: &str = "tenant.db";
/// The data file, which is kept until the restore is confirmed.
const DATA: [&str; 3] = ["tenant.db", "tenant.db-wal", "tenant.db-shm"];
/// What belongs to it and is of no use without it; the index has names of persons in it. `keys.db`
/// stays: what was erased since stays erased.
const DERIVED: [&str; 5] = [
    "index.db",
    "index.db-wal",
    "index.db-shm",
    "exports",
    // Commits on their way to the archive: it begins anew with another file.
    "changes",
];

/// Who is not in the restored file, in `restored/<id>/`.
pub(super) const LEFT: &str = "left.json";

/// What a swap did.
#[derive(Clone, Debug)]
pub(crate) struct Swapped {
    /// The log before, when a new one began.
    pub past: Option<PastLog>,
    /// Whether the file before could be read: if not, who may get in is as in the backup.
    pub could_read: bool,
    /// Why the restored file could not be opened at once. It is in its place all the same, and
    /// whoever asks for the tenant tries again.
    pub unopened: Option<String>,
}

impl Stage {
    /// Puts the file that was prepared in the tenant's place. Others go on working; the tenant is
    /// away for a moment.
    ///
    /// # Errors
    /// Whatever the disk answers; then everything is as before, unless the renames have begun
    /// ([`Tenants::is_being_swapped`]): then the next start completes them, and until then nobody
    /// gets in.
    pub async fn put(self) -> Result<Swapped, DoorError> {
        let live = self.copy_log_ahead().await?;
        let tenants = self.tenants.clone();
        let closed = tenants.close_for_restore(self.tenant).await?;
        let swapped = tokio::task::spawn_blocking(move || {
            let mut swapped = self.finish(live)?;
            exchanged(self.exchange(), &closed, self.restore)?;
            swapped.unopened = reopen(closed, self.tenant);
            Ok::<_, StoreError>(swapped)
        });
        Ok(swapped.await.map_err(|_| StoreError::Panicked)??)
    }

    /// While the tenant still works: copies its log, when that is whole and would lose entries, so
    /// that only what comes meanwhile is left for the moment in which it is away.
    pub(super) async fn copy_log_ahead(&self) -> Result<LiveLog, DoorError> {
        let realm = match self.tenants.realm(Realm::Tenant(self.tenant)).await {
            Ok(realm) => realm,
            Err(DoorError::Store(error)) => {
                tracing::warn!(tenant = %self.tenant, %error, "the file before cannot be read");
                return Ok(LiveLog::Unreadable);
            }
            Err(error) => return Err(error),
        };
        let (path, key) = (self.past_log(), self.file_key()?);
        let copied = tokio::task::spawn_blocking(move || {
            let readers = realm.database.readers();
            let found = verify(&Task {
                readers,
                notary: &realm.notary,
                clock: realm.runtime.clock.as_ref(),
                pruned_through: |tx| pruning::through(tx),
                outside: true,
                busy: 0,
                progress: &|_, _| (),
            });
            let live = match found {
                Ok(found) if found.ok => LiveLog::Whole,
                Ok(_) | Err(StoreError::Corrupt(_)) => return Ok(LiveLog::Broken),
                Err(error) => return Err(error),
            };
            copy_log(&path, &key, &readers.own()?)?;
            Ok::<_, StoreError>(live)
        });
        Ok(copied.await.map_err(|_| StoreError::Panicked)??)
    }

    /// With the tenant's files closed: the prepared file gets what does not go back in time.
    fn finish(&self, live: LiveLog) -> Result<Swapped, StoreError> {
        let reader = self.live_file(live)?;
        let mut staged = Staged::open(&self.database(), &self.file_key()?, migrate::TENANT)?;
        if let Some(reader) = &reader {
            let left = reader.read(|tx| staged.read(|staged| Left::behind(tx, staged)))??;
            let text = serde_json::to_vec(&left).unwrap_or_default();
            files::replace(&self.left_behind(), &text)?;
        }
        let past = match self.goes_on(&staged, reader.as_ref())? {
            true => None,
            false => self.begin_log_anew(&mut staged, reader.as_ref(), live, self.restore)?,
        };
        self.carry(&mut staged, reader.as_ref(), &Left::default())?;
        staged.finish()?;
        Ok(Swapped { past, could_read: reader.is_some(), unopened: None })
    }

    /// The file in use, when it can be read.
    pub(super) fn live_file(&self, live: LiveLog) -> Result<Option<OwnReader>, StoreError> {
        let path = self.tenant_directory().join(DATABASE);
        match live {
            LiveLog::Unreadable => Ok(None),
            _ => Readers::new(path, self.file_key()?, 1).own().map(Some),
        }
    }

    /// Whether the prepared file's log has every entry of the one in use, which goes on then.
    pub(super) fn goes_on(
        &self,
        staged: &Staged,
        live: Option<&OwnReader>,
    ) -> Result<bool, StoreError> {
        let Some(live) = live else { return Ok(false) };
        let same = live.read(|tx| staged.read(|staged| same_log(tx, staged)))??;
        if same {
            journal::remove(&self.past_log())?;
        }
        Ok(same)
    }

    /// Takes the log out of the prepared file, which follows the one in use from now on.
    pub(super) fn begin_log_anew(
        &self,
        staged: &mut Staged,
        reader: Option<&OwnReader>,
        live: LiveLog,
        restore: RestoreId,
    ) -> Result<Option<PastLog>, StoreError> {
        let ground = &self.tenants.inner.ground;
        let (key, now) = (self.file_key()?, ground.runtime.now());
        let known = self.known_size(staged, reader)?;
        match (reader, live) {
            (Some(reader), LiveLog::Whole) => copy_log(&self.past_log(), &key, reader)?,
            _ => {
                let mut past = Staged::create(&self.past_log(), &key, migrate::TENANT)?;
                staged.read(|tx| past.copy_log(tx))?;
                past.finish()?;
            }
        }
        let of_past = Readers::new(self.past_log(), key, 1).own()?;
        let notary = &ground.notary;
        let past = of_past.read(|tx| past::of_file(tx, notary, known, now, restore))??;
        let earlier = of_past.read(|tx| past::list(tx))??;
        drop(of_past);
        staged.without_log()?;
        staged
            .change(|tx| earlier.iter().chain(&past).try_for_each(|past| past::insert(tx, past)))?;
        Ok(past)
    }

    /// What does not go back in time, nor with it: what was under way is over, who may get in is as
    /// today, who was erased stays erased.
    pub(super) fn carry(
        &self,
        staged: &mut Staged,
        live: Option<&OwnReader>,
        left: &Left,
    ) -> Result<(), StoreError> {
        let ground = &self.tenants.inner.ground;
        carry::of_tenant(staged)?;
        if let Some(live) = live {
            live.read(|tx| carry::as_today(staged, tx, left, ground.runtime.now()))??;
        }
        let ledger = ledger::all(&ground.directory)?;
        forget::erased(staged, self.tenant, &self.keys, &ledger)
    }

    /// Entries that the log is known to have had: in the file in use, or signed outside of it.
    pub(super) fn known_size(
        &self,
        staged: &Staged,
        reader: Option<&OwnReader>,
    ) -> Result<u64, StoreError> {
        use crate::audit::notary::Head;
        let notary = &self.tenants.inner.ground.notary;
        let live =
            reader.map(|reader| reader.read(|tx| read::size(tx))).transpose()?.transpose()?;
        let head = staged.read(|tx| crate::audit::checkpoint::log(tx, notary))?;
        let head = match head.map(|(log, origin)| notary.head(log, &origin)).transpose()? {
            Some(Head::Kept(checkpoint)) => checkpoint.size,
            _ => 0,
        };
        Ok(live.unwrap_or(0).max(head).max(staged.read(|tx| read::size(tx))?))
    }

    pub(super) fn tenant_directory(&self) -> PathBuf {
        self.tenants.inner.ground.tenant_directory(self.tenant)
    }

    fn left_behind(&self) -> PathBuf {
        self.database().with_file_name(LEFT)
    }

    fn exchange(&self) -> Result<(), StoreError> {
        let ground = &self.tenants.inner.ground;
        let data = &ground.directory;
        let work = Path::new(journal::WORK).join(self.restore.to_string());
        let place = Path::new("tenants").join(self.tenant.to_string());
        let kept = journal::kept(self.restore);
        let before = kept.join("before");
        let mut inward = vec![Move { from: work.join(DATABASE), to: place.join(DATABASE) }];
        if self.left_behind().exists() {
            inward.push(Move { from: work.join(LEFT), to: kept.join(LEFT) });
        }
        if let Some(log) = past_log_id(&self.past_log(), &self.file_key()?)? {
            inward.push(Move { from: work.join("past.db"), to: log_file(&place, &log) });
        }
        let mut out = moves(data, &place, &before, &DATA);
        // Goes with what was prepared, at the end.
        out.extend(moves(data, &place, &work.join("old"), &DERIVED));
        let journal = Journal {
            work: self.restore,
            tenant: self.tenant,
            // Also when there is no file to keep: it says that the restore took place.
            directories: vec![before],
            out,
            inward,
            leftovers: Vec::new(),
        };
        journal.carry_out(data)
    }
}

/// How the log in use is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiveLog {
    /// Its copy has been begun.
    Whole,
    Broken,
    Unreadable,
}

/// Brings a log's copy up to its end.
pub(super) fn copy_log(path: &Path, key: &Key32, from: &OwnReader) -> Result<(), StoreError> {
    let mut copy = match path.exists() {
        true => Staged::open(path, key, migrate::TENANT)?,
        false => Staged::create(path, key, migrate::TENANT)?,
    };
    from.read(|tx| copy.copy_log(tx))??;
    copy.finish()
}

/// Whether the log goes on: nothing of it would be lost.
fn same_log(live: &RawReadTx<'_>, staged: &RawReadTx<'_>) -> Result<bool, StoreError> {
    use crate::store::Sql;
    let head = |tx: &RawReadTx<'_>| {
        let sql = "SELECT (SELECT id FROM audit_log), seq, hash FROM audit_entries
                   ORDER BY seq DESC LIMIT 1";
        tx.query_one(sql, &[], |row| {
            Ok((row.get::<[u8; 16]>(0)?, row.get::<u64>(1)?, row.get::<[u8; 32]>(2)?))
        })
    };
    Ok(head(live)?.is_some_and(|live| head(staged).is_ok_and(|staged| staged == Some(live))))
}

fn past_log_id(path: &Path, key: &Key32) -> Result<Option<String>, StoreError> {
    use crate::kernel::id::LogId;
    use crate::store::Sql;
    if !path.exists() {
        return Ok(None);
    }
    let reader = Readers::new(path.to_owned(), key.clone(), 1).own()?;
    let id = reader
        .read(|tx| tx.query_one("SELECT id FROM audit_log", &[], |row| row.get::<LogId>(0)))??;
    Ok(id.map(|id| id.to_string()))
}

pub(super) fn log_file(place: &Path, log: &str) -> PathBuf {
    place.join("logs").join(format!("{log}.db"))
}

/// What of the files in `place` goes to `target`.
fn moves(data: &Path, place: &Path, target: &Path, names: &[&str]) -> Vec<Move> {
    let names = names.iter().filter(|name| data.join(place).join(name).exists());
    names.map(|name| Move { from: place.join(name), to: target.join(name) }).collect()
}

/// Everything that belongs to a tenant's data file.
pub(super) fn all_moves(data: &Path, place: &Path, target: &Path) -> Vec<Move> {
    let mut all = moves(data, place, target, &DATA);
    all.extend(moves(data, place, target, &DERIVED));
    all
}

/// Keeps a tenant closed whose files were exchanged in part.
pub(super) fn exchanged<T>(
    result: Result<T, StoreError>,
    closed: &Closed,
    work: RestoreId,
) -> Result<T, StoreError> {
    if result.is_err() && closed.tenants.is_being_swapped(work) {
        closed.for_good.set(true);
        tracing::error!(
            tenant = %closed.tenant,
            "the files were exchanged in part: start the server again, which completes it"
        );
    }
    result
}

/// Opens the tenant's files and lets everybody in again; answers why they do not open. The exchange
/// is over by then, so that this is no failure of it.
pub(super) fn reopen(closed: Closed, tenant: TenantId) -> Option<String> {
    let inner = closed.tenants.inner.clone();
    let opened = inner.ground.open_tenant(&inner.platform, tenant);
    let mut open = inner.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // What was remembered of sessions and keys counts no more.
    inner.ground.standing.stir(Realm::Tenant(tenant));
    match opened {
        Ok(realm) => {
            open.insert(tenant, Arc::new(OnceCell::new_with(Some(Arc::new(realm)))));
            None
        }
        Err(error) => {
            tracing::error!(%tenant, %error, "a tenant cannot be opened after its files were exchanged");
            Some(error.to_string())
        }
    }
}

impl Tenants {
    /// Whether renames were begun and not ended: the next start completes them.
    pub(crate) fn is_being_swapped(&self, work: RestoreId) -> bool {
        journal::stands(&self.inner.ground.directory, work)
    }
}
