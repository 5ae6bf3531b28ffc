//! Back to the release before: the files as they were before this one brought them up to date, in
//! the place of those in use.
//!
//! Whether anything would be lost is not counted along the way; it is read off the logs. No change
//! is without its entry, so a realm whose log has no entry more than the copy has lost nothing but
//! what the server keeps for itself without an entry (`SystemWrite`: when a key was last used, how
//! far a job has come). The platform's log grows by the jobs that run at every start; entries of a
//! job's beginning and end are the machinery's own, and what the job did has entries besides.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{self, Journal, Move};
use super::{Realm, Tenants};
use crate::audit::catalogue;
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::config::Settings;
use crate::crypto::TenantKeys;
use crate::kernel::id::{RestoreId, TenantId};
use crate::kernel::{Runtime, Timestamp, limits};
use crate::store::before::{self, Before, with};
use crate::store::lock::DirectoryLock;
use crate::store::shelf::FileShelf;
use crate::store::{RawReadTx, Readers, StoreError};
use crate::tenants::release::{self, Record};
use crate::tenants::{Boot, BootError, DoorError, Tenant};

/// Entries that are looked at to tell whether they are the machinery's own.
const LOOKED_AT: u64 = 1_000;
const OWN: [&str; 3] =
    [catalogue::JOB_STARTED.name, catalogue::JOB_COMPLETED.name, catalogue::JOB_FAILED.name];
/// Derived from a data file and of no use beside another one.
const DERIVED: [&str; 5] = ["index.db", "index.db-wal", "index.db-shm", "exports", "changes"];

/// Entries that a rollback takes out of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The tenant's short name; none for the platform.
    pub tenant: Option<String>,
    pub entries: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// All are the beginning and end of jobs: nobody's work.
    pub own: bool,
}

/// What a rollback would do.
#[derive(Clone, Debug)]
pub struct WayBack {
    /// The upgrade that it undoes.
    pub record: Record,
    pub files: Vec<Before>,
    pub lost: Vec<Lost>,
    /// Tenants that were made since.
    pub made: Vec<Tenant>,
    /// Why it cannot be done at all.
    pub obstacles: Vec<String>,
}

impl WayBack {
    /// Nobody's work is lost.
    pub fn is_clean(&self) -> bool {
        self.made.is_empty() && self.lost.iter().all(|lost| lost.own)
    }
}

impl Tenants {
    /// What going back to the release before would do; none when files are as that one left them.
    ///
    /// # Errors
    /// Whatever the disk answers.
    pub async fn way_back(&self) -> Result<Option<WayBack>, DoorError> {
        let data = &self.inner.ground.directory;
        let Some(record) = release::read(data)? else { return Ok(None) };
        let mut files = Vec::new();
        for directory in release::directories(data)? {
            files.extend(before::find(&directory)?);
        }
        if files.is_empty() {
            return Ok(None);
        }
        let registered = self.tenant_ids().into_iter().filter_map(|id| self.tenant_by_id(id));
        let is_new = |tenant: &Tenant| tenant.created >= record.since;
        let made = registered.filter(is_new).collect();
        let (lost, obstacles) = (Vec::new(), Vec::new());
        let mut way = WayBack { record, files, lost, made, obstacles };
        self.look_for_obstacles(&mut way)?;
        for kept in way.files.clone().iter().filter(|kept| !kept.is_gone) {
            let Some(realm) = self.owner_of(&kept.file) else {
                let gone = format!("{} belongs to no tenant that there is", kept.file.display());
                way.obstacles.push(gone);
                continue;
            };
            let is_keys = kept.file.ends_with("keys.db");
            match is_keys {
                true => self.compare_keys(realm, kept, &mut way).await?,
                false => way.lost.extend(self.compare_logs(realm, kept).await?),
            }
        }
        Ok(Some(way))
    }

    /// Deletes what is kept for longer than anybody goes back; how many files that was.
    pub(crate) async fn forget_before_upgrade(&self) -> Result<u64, DoorError> {
        let data = self.inner.ground.directory.clone();
        let days = Duration::from_secs(u64::from(limits::UPGRADE_KEPT_DAYS) * 86_400);
        let until = self.inner.ground.runtime.now().minus(days);
        let forget = move || -> Result<u64, StoreError> {
            let mut forgotten = before::forget_old_rollbacks(&data, until)?;
            for directory in release::directories(&data)? {
                let kept = before::find(&directory)?;
                for old in kept.iter().filter(|kept| !kept.is_gone && kept.time < until) {
                    before::discard(old)?;
                    forgotten += 1;
                }
            }
            Ok(forgotten)
        };
        let forgotten = tokio::task::spawn_blocking(forget).await;
        Ok(forgotten.map_err(|_| StoreError::Panicked)??)
    }

    fn look_for_obstacles(&self, way: &mut WayBack) -> Result<(), StoreError> {
        for gone in way.files.iter().filter(|kept| kept.is_gone) {
            way.obstacles.push(format!(
                "what was kept of {} was deleted at {}: a key in it was destroyed then, or its time \
                 was over",
                gone.file.display(),
                gone.time
            ));
        }
        let erased = self.inner.ground.erasures.since(way.record.since)?;
        if erased > 0 {
            way.obstacles.push(format!(
                "{erased} keys were destroyed since {}: what was erased must not come back",
                way.record.since
            ));
        }
        let goes_back = way.files.iter().any(|kept| kept.file.ends_with("platform.db"));
        if !way.made.is_empty() && !goes_back {
            way.obstacles.push(format!(
                "{} tenants were made since, which the release before cannot open",
                way.made.len()
            ));
        }
        Ok(())
    }

    fn owner_of(&self, file: &Path) -> Option<Realm> {
        let directory = file.parent()?;
        if directory == self.inner.ground.directory {
            return Some(Realm::Platform);
        }
        let id: TenantId = directory.file_name()?.to_str()?.parse().ok()?;
        self.tenant_by_id(id).map(|_| Realm::Tenant(id))
    }

    fn slug_of(&self, realm: Realm) -> Option<String> {
        match realm {
            Realm::Platform => None,
            Realm::Tenant(id) => self.tenant_by_id(id).map(|tenant| tenant.slug.to_string()),
        }
    }

    /// A key store that goes back while its data stays would leave data without its keys.
    async fn compare_keys(
        &self,
        realm: Realm,
        kept: &Before,
        way: &mut WayBack,
    ) -> Result<(), DoorError> {
        let data_goes_back = way.files.iter().any(|other| {
            other.file.parent() == kept.file.parent() && other.file != kept.file && !other.is_gone
        });
        if data_goes_back {
            return Ok(());
        }
        let key = self.realm(realm).await?.keys.shelf_key();
        let made = FileShelf::count(&kept.file, &key)? != FileShelf::count(&kept.copy, &key)?;
        if made {
            way.obstacles.push(format!(
                "{} has keys that were made since, and data that needs them stays",
                kept.file.display()
            ));
        }
        Ok(())
    }

    async fn compare_logs(&self, realm: Realm, kept: &Before) -> Result<Option<Lost>, DoorError> {
        let open = self.realm(realm).await?;
        let copy = Readers::new(kept.copy.clone(), open.keys.file_key()?.clone(), 1);
        let then = copy.own()?.read(|tx| read::size(tx))??;
        let keys = open.keys.clone();
        let between = move |tx: &RawReadTx<'_>| between(tx, keys, then);
        let Some((entries, views)) = open.database.read(between).await?? else { return Ok(None) };
        let time = |view: Option<&EntryView>| view.map_or(kept.time, |view| view.time);
        let is_own = |view: &EntryView| {
            OWN.contains(&view.action.as_str())
                && view.actor.as_ref().is_some_and(|actor| actor.kind == "system")
        };
        Ok(Some(Lost {
            tenant: self.slug_of(realm),
            entries,
            first: time(views.first()),
            last: time(views.last()),
            own: realm == Realm::Platform && entries <= LOOKED_AT && views.iter().all(is_own),
        }))
    }
}

/// How many entries follow these, and up to a bound which; the last one always.
fn between(
    tx: &RawReadTx<'_>,
    keys: std::sync::Arc<TenantKeys>,
    then: u64,
) -> Result<Option<(u64, Vec<EntryView>)>, StoreError> {
    let now = read::size(tx)?;
    if now <= then {
        return Ok(None);
    }
    let mut numbers: Vec<u64> = (then + 1..=now).take(LOOKED_AT as usize).collect();
    if numbers.last() != Some(&now) {
        numbers.push(now);
    }
    let mut opener = Opener::new(tx, keys)?;
    Ok(Some((now - then, read::entries(tx, &mut opener, &numbers)?)))
}

/// Goes back. The renames are written down before anything is closed, so that whoever opens the
/// directory next completes them, this release or the one before; what was in use is kept in the
/// directory that is answered.
///
/// # Errors
/// Whatever the disk answers.
pub async fn roll_back(
    boot: Boot,
    settings: &Settings,
    runtime: &Runtime,
    way: &WayBack,
) -> Result<PathBuf, BootError> {
    let data = settings.store.data_dir.clone();
    let id: RestoreId = runtime.id();
    let kept = Path::new(before::ROLLED_BACK).join(id.to_string());
    let owner = TenantId::from_bytes(*boot.installation.bytes());
    boot.tenants.shut_down().await;
    let journal = moves(&data, way, id, owner, &kept);
    journal.write_down(&data)?;
    drop(boot);
    let _lock = DirectoryLock::take(&data)?;
    super::resume(&data)?;
    release::forget(&data)?;
    Ok(data.join(kept))
}

fn moves(data: &Path, way: &WayBack, id: RestoreId, owner: TenantId, kept: &Path) -> Journal {
    let mut journal = Journal {
        work: id,
        tenant: owner,
        directories: vec![kept.to_owned()],
        out: Vec::new(),
        inward: Vec::new(),
        leftovers: Vec::new(),
    };
    let inside = |path: &Path| path.strip_prefix(data).unwrap_or(path).to_owned();
    for before in way.files.iter().filter(|before| !before.is_gone) {
        let file = inside(&before.file);
        let place = file.parent().unwrap_or(Path::new("")).to_owned();
        for end in ["", "-wal", "-shm"] {
            let from = with(&file, end);
            if data.join(&from).exists() {
                journal.out.push(Move { to: kept.join(&from), from });
            }
        }
        for end in ["", "-wal"] {
            let from = inside(&with(&before.copy, end));
            if data.join(&from).exists() {
                journal.inward.push(Move { from, to: with(&file, end) });
            }
        }
        if !file.ends_with("keys.db") {
            for name in DERIVED {
                let from = place.join(name);
                if data.join(&from).exists() {
                    // Goes with what was prepared, at the end.
                    let to = Path::new(journal::WORK).join(id.to_string()).join("old").join(&from);
                    journal.out.push(Move { from, to });
                }
            }
        }
        let copies = place.join(before::DIRECTORY);
        if !journal.leftovers.contains(&copies) {
            journal.leftovers.push(copies);
        }
    }
    for tenant in &way.made {
        let from = Path::new("tenants").join(tenant.id.to_string());
        if data.join(&from).exists() {
            journal.out.push(Move { to: kept.join(&from), from });
        }
    }
    journal
}
