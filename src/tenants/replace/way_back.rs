//! What going back to the release before would do, and whether it can be done.
//!
//! Whether anything would be lost is not counted along the way; it is read off the logs. No change
//! is without its entry, so a realm whose log has no entry more than the copy has lost nothing but
//! what the server keeps for itself without an entry (`SystemWrite`: when a key was last used, how
//! far a job has come). The platform's log grows by the jobs that run at every start; entries of a
//! job's beginning and end are the machinery's own, and what the job did has entries besides.
//!
//! Files are read as they lie: a tenant that cannot be opened does not keep the others from going
//! back.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::super::doors::Inner;
use super::{Realm, Tenants};
use crate::args;
use crate::audit::catalogue;
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, TenantId};
use crate::store::before::{self, Before};
use crate::store::shelf::FileShelf;
use crate::store::{RawReadTx, Readers, Sql, StoreError};
use crate::tenants::release::{self, Record};
use crate::tenants::{DoorError, Tenant};

/// Entries that are looked at to tell whether they are the machinery's own.
const LOOKED_AT: u64 = 1_000;
const OWN: [&str; 3] =
    [catalogue::JOB_STARTED.name, catalogue::JOB_COMPLETED.name, catalogue::JOB_FAILED.name];

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

/// A file of which nobody can say what would be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncompared {
    /// The tenant's short name; none for the platform.
    pub tenant: Option<String>,
    pub why: String,
}

/// What a rollback would do.
#[derive(Clone, Debug)]
pub struct WayBack {
    /// The upgrade that it undoes.
    pub record: Record,
    pub files: Vec<Before>,
    pub lost: Vec<Lost>,
    pub uncompared: Vec<Uncompared>,
    /// Tenants that were made since.
    pub made: Vec<Tenant>,
    /// Why it cannot be done at all.
    pub obstacles: Vec<String>,
}

impl WayBack {
    /// Nobody's work is lost.
    pub fn is_clean(&self) -> bool {
        self.made.is_empty() && self.uncompared.is_empty() && self.lost.iter().all(|lost| lost.own)
    }
}

impl Tenants {
    /// What going back to the release before would do; none when files are as that one left them.
    ///
    /// # Errors
    /// Whatever the disk answers.
    pub async fn way_back(&self) -> Result<Option<WayBack>, DoorError> {
        let tenants = self.clone();
        let looked = tokio::task::spawn_blocking(move || look(&tenants)).await;
        Ok(looked.map_err(|_| StoreError::Panicked)??)
    }
}

fn look(tenants: &Tenants) -> Result<Option<WayBack>, StoreError> {
    let data = &tenants.inner.ground.directory;
    let mut files = Vec::new();
    for directory in release::directories(data)? {
        files.extend(before::find(&directory)?);
    }
    let Some(record) = release::step(data, &mut files)? else { return Ok(None) };
    let (lost, uncompared, made, obstacles) = Default::default();
    let way = WayBack { record, files, lost, uncompared, made, obstacles };
    let mut look = Look { tenants, way };
    look.compare_all();
    look.find_made()?;
    look.find_obstacles()?;
    let is_something = !look.way.files.is_empty() || !look.way.obstacles.is_empty();
    Ok(is_something.then_some(look.way))
}

/// What comparing a file with its copy says.
enum Compared {
    /// The upgrade did not come as far as this file.
    Unchanged,
    Same,
    Lost(Lost),
    /// It must not go back.
    Obstacle(String),
}

struct Look<'a> {
    tenants: &'a Tenants,
    way: WayBack,
}

impl Look<'_> {
    fn inner(&self) -> &Arc<Inner> {
        &self.tenants.inner
    }

    fn compare_all(&mut self) {
        for kept in self.way.files.clone().iter().filter(|kept| !kept.is_gone) {
            let Some(realm) = self.owner_of(&kept.file) else {
                let gone = format!("{} belongs to no tenant that there is", kept.file.display());
                self.way.obstacles.push(gone);
                continue;
            };
            match self.compare(realm, kept) {
                Ok(Compared::Same) => {}
                Ok(Compared::Unchanged) => self.way.files.retain(|other| other != kept),
                Ok(Compared::Lost(lost)) => self.way.lost.push(lost),
                Ok(Compared::Obstacle(why)) => self.way.obstacles.push(why),
                Err(error) => {
                    let (tenant, why) = (self.slug_of(realm), error.to_string());
                    self.way.uncompared.push(Uncompared { tenant, why });
                }
            }
        }
    }

    fn compare(&self, realm: Realm, kept: &Before) -> Result<Compared, StoreError> {
        let keys = match realm {
            Realm::Platform => self.inner().platform.keys.clone(),
            Realm::Tenant(id) => {
                Arc::new(self.inner().ground.keys_alone(&self.inner().platform, id)?)
            }
        };
        match kept.file.ends_with("keys.db") {
            true => self.compare_keys(kept, &keys.shelf_key()),
            false => self.compare_logs(realm, kept, keys),
        }
    }

    /// A key store that goes back while its data stays would leave data without its keys.
    fn compare_keys(&self, kept: &Before, key: &Key32) -> Result<Compared, StoreError> {
        if reader(&kept.file, key, schema)? == kept.version {
            return Ok(Compared::Unchanged);
        }
        let data_goes_back = self.way.files.iter().any(|other| {
            other.file.parent() == kept.file.parent() && other.file != kept.file && !other.is_gone
        });
        if data_goes_back
            || FileShelf::count(&kept.file, key)? == FileShelf::count(&kept.copy, key)?
        {
            return Ok(Compared::Same);
        }
        Ok(Compared::Obstacle(format!(
            "{} has keys that were made since, and data that needs them stays",
            kept.file.display()
        )))
    }

    fn compare_logs(
        &self,
        realm: Realm,
        kept: &Before,
        keys: Arc<TenantKeys>,
    ) -> Result<Compared, StoreError> {
        let key = keys.file_key()?.clone();
        let since = reader(&kept.file, &key, |tx| match schema(tx)? == kept.version {
            true => Ok(None),
            false => reader(&kept.copy, &key, |copy| since(tx, copy, keys)).map(Some),
        })?;
        let Some(since) = since else { return Ok(Compared::Unchanged) };
        let (entries, views) = match since {
            Since::Nothing => return Ok(Compared::Same),
            Since::Entries(entries, views) => (entries, views),
            Since::OtherLog => {
                return Ok(Compared::Obstacle(format!(
                    "{} is not what became of its copy: it was restored from a backup since, or its \
                     log was cut",
                    kept.file.display()
                )));
            }
        };
        let time = |view: Option<&EntryView>| view.map_or(kept.time, |view| view.time);
        let is_own = |view: &EntryView| {
            OWN.contains(&view.action.as_str())
                && view.actor.as_ref().is_some_and(|actor| actor.kind == "system")
        };
        // What retention took out of the log can no longer be looked at.
        let all = views.len() as u64 == entries;
        Ok(Compared::Lost(Lost {
            tenant: self.slug_of(realm),
            entries,
            first: time(views.first()),
            last: time(views.last()),
            own: realm == Realm::Platform && all && views.iter().all(is_own),
        }))
    }

    /// Asked of the copy that goes back, not of a clock.
    fn find_made(&mut self) -> Result<(), StoreError> {
        let registered: Vec<_> = self.tenants.tenant_ids();
        let registered = registered.into_iter().filter_map(|id| self.tenants.tenant_by_id(id));
        let platform = |kept: &&Before| kept.file.ends_with("platform.db") && !kept.is_gone;
        let Some(kept) = self.way.files.iter().find(platform) else {
            let since = self.way.files.iter().map(|kept| kept.time).min();
            let since = since.map_or(self.way.record.since, |time| time.min(self.way.record.since));
            self.way.made = registered.filter(|tenant| tenant.created >= since).collect();
            return Ok(());
        };
        let key = self.inner().platform.keys.file_key()?;
        let known = |tx: &RawReadTx<'_>| {
            tx.query("SELECT id FROM tenants", &[], |row| row.get::<TenantId>(0))
        };
        let known = reader(&kept.copy, key, known)?;
        self.way.made = registered.filter(|tenant| !known.contains(&tenant.id)).collect();
        Ok(())
    }

    fn find_obstacles(&mut self) -> Result<(), StoreError> {
        let way = &mut self.way;
        for gone in way.files.iter().filter(|kept| kept.is_gone) {
            way.obstacles.push(format!(
                "what was kept of {} was deleted at {}: a key in it was destroyed then, a person was \
                 erased, or its time was over",
                gone.file.display(),
                gone.time
            ));
        }
        let ledger = &self.tenants.inner.ground.erasures;
        let destroyed = match &way.record.ledger {
            Some(then) if *then == ledger.head() => 0,
            Some(then) => ledger.head().lines.saturating_sub(then.lines).max(1),
            None => ledger.since(way.record.since)? as u64,
        };
        if destroyed > 0 {
            way.obstacles.push(format!(
                "{destroyed} keys were destroyed since {}: what was erased must not come back",
                way.record.since
            ));
        }
        let of_platform = |kept: &&Before| kept.file.ends_with("platform.db") && !kept.is_gone;
        let platform = way.files.iter().find(of_platform);
        if platform.is_none() && !way.made.is_empty() {
            way.obstacles.push(format!(
                "{} tenants were made since, which the release before cannot open",
                way.made.len()
            ));
        }
        let data = &self.tenants.inner.ground.directory;
        let apart =
            |kept: &&Before| kept.file.parent().is_some_and(|place| !same_disk(place, data));
        if let Some(kept) = way.files.iter().find(apart) {
            way.obstacles.push(format!(
                "{} is not on the file system of {}, and nothing can be moved from one to the other \
                 at once",
                kept.file.display(),
                data.display()
            ));
        }
        let Some(before) = &way.record.before else { return Ok(()) };
        let changed = before.platform < way.record.release.platform;
        if changed && platform.is_none_or(|kept| kept.version > before.platform) {
            way.obstacles.push(format!(
                "platform.db as {} left it was not kept, or another upgrade was tried since",
                before.version
            ));
        }
        Ok(())
    }

    fn owner_of(&self, file: &Path) -> Option<Realm> {
        let directory = file.parent()?;
        if directory == self.inner().ground.directory {
            return Some(Realm::Platform);
        }
        let id: TenantId = directory.file_name()?.to_str()?.parse().ok()?;
        self.tenants.tenant_by_id(id).map(|_| Realm::Tenant(id))
    }

    fn slug_of(&self, realm: Realm) -> Option<String> {
        match realm {
            Realm::Platform => None,
            Realm::Tenant(id) => {
                self.tenants.tenant_by_id(id).map(|tenant| tenant.slug.to_string())
            }
        }
    }
}

fn same_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|about| about.dev()).ok();
    device(one) == device(other)
}

fn reader<T>(
    file: &Path,
    key: &Key32,
    f: impl FnOnce(&RawReadTx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    Readers::new(file.to_owned(), key.clone(), 1).own()?.read(f)?
}

fn schema(tx: &RawReadTx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT user_version FROM pragma_user_version";
    Ok(tx.query_one(sql, &[], |row| row.get(0))?.unwrap_or(0))
}

/// What a log has that its copy has not.
enum Since {
    Nothing,
    /// How many entries, and up to a bound which; the last one always.
    Entries(u64, Vec<EntryView>),
    OtherLog,
}

fn since(
    tx: &RawReadTx<'_>,
    copy: &RawReadTx<'_>,
    keys: Arc<TenantKeys>,
) -> Result<Since, StoreError> {
    let (then, now) = (read::size(copy)?, read::size(tx)?);
    let log = |tx: &RawReadTx<'_>| {
        tx.query_one("SELECT id FROM audit_log", &[], |row| row.get::<LogId>(0))
    };
    let hash = |tx: &RawReadTx<'_>| {
        let sql = "SELECT hash FROM audit_entries WHERE seq = $1";
        tx.query_one(sql, args![then.cast_signed()], |row| row.get::<[u8; 32]>(0))
    };
    // Retention may have taken the row out since.
    let is_cut = hash(tx)?.is_some_and(|live| hash(copy).is_ok_and(|copy| copy != Some(live)));
    if now < then || log(tx)? != log(copy)? || is_cut {
        return Ok(Since::OtherLog);
    }
    if now == then {
        return Ok(Since::Nothing);
    }
    let mut numbers: Vec<u64> = (then + 1..=now).take(LOOKED_AT as usize).collect();
    if numbers.last() != Some(&now) {
        numbers.push(now);
    }
    let mut opener = Opener::new(tx, keys)?;
    Ok(Since::Entries(now - then, read::entries(tx, &mut opener, &numbers)?))
}
