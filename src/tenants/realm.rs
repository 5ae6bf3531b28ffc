//! One realm's open files: database, keys, search index.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::boot::Ground;
use super::checkpoints::contradicted;
use super::growth::Growth;
use super::outboxes::Outboxes;
use super::standing::Standing;
use crate::audit::event::{Actor, Resource};
use crate::audit::index::AuditIndex;
use crate::audit::notary::Notary;
use crate::audit::{AuditLog, Event, catalogue, checkpoint, past};
use crate::authz::Realm;
use crate::crypto::TenantKeys;
use crate::kernel::id::{KeyId, TenantId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::engine::Mode;
use crate::store::erasures::Erasure;
use crate::store::migrate::Migrations;
use crate::store::{Database, Job, Outcome, RawWriteTx, Sql, StoreError};

pub struct OpenRealm {
    /// The tenant's id; the installation's for the platform.
    pub owner: TenantId,
    pub platform: bool,
    pub keys: Arc<TenantKeys>,
    pub notary: Arc<Notary>,
    pub database: Database<AuditLog>,
    pub index: AuditIndex,
    pub runtime: Runtime,
    used: AtomicI64,
    /// Size of the log after the last commit, for cheap display.
    pub log_size: AtomicU64,
    /// Who wants to know that it grew.
    pub growth: Arc<Growth>,
    /// Who sends mail wants to know that there is some.
    pub outboxes: Arc<Outboxes>,
    /// Who wants to know that somebody may have lost their credentials.
    pub standing: Arc<Standing>,
    /// The generation of credentials that they were told of.
    told: AtomicU64,
    /// How far the search index is known to have come.
    pub indexed: AtomicU64,
    /// Size of the highest checkpoint that is known to be kept outside of the file too.
    pub checkpointed: AtomicU64,
    /// When old checkpoints were last thinned.
    pub thinned: AtomicI64,
}

/// Names of the files in a realm's directory.
pub struct Files {
    pub database: &'static str,
    pub platform: bool,
    pub migrations: Migrations,
    pub mode: Mode,
}

impl OpenRealm {
    /// The line for a key that is about to be destroyed now.
    pub fn erasure(&self, key: KeyId, cause: &str) -> Erasure {
        let (time, owner) = (self.runtime.now(), self.owner.to_string());
        Erasure { time, owner, key, cause: cause.to_owned() }
    }

    pub fn open(
        directory: &Path,
        files: &Files,
        owner: TenantId,
        keys: TenantKeys,
        ground: &Ground,
    ) -> Result<Self, StoreError> {
        let (keys, notary, runtime) = (Arc::new(keys), &ground.notary, &ground.runtime);
        let log = AuditLog::new(keys.clone(), notary.clone(), runtime);
        let database = Database::open(
            &directory.join(files.database),
            keys.file_key()?,
            files.migrations,
            log,
            ground.options,
            files.mode,
            &ground.workers,
        )?;
        ground.upgrade_store(&keys)?;
        let mut size = database.read_here(|tx| crate::audit::read::size(tx))??;
        if size == 0 {
            begin_log(&database)?;
            size = 1;
        }
        if let Some((log, origin)) = database.read_here(|tx| checkpoint::log(tx, notary))?? {
            let watch = notary.watch(log, &origin)?;
            let contradiction = database.read_here(|tx| watch.contradiction(tx))??;
            drop(watch);
            if let Some(contradiction) = contradiction {
                wait_for(&database, contradicted(runtime, contradiction))?;
            }
        }
        let index = AuditIndex::new(directory.join("index.db"), keys.index_key()?);
        Ok(Self {
            owner,
            platform: files.platform,
            keys,
            notary: notary.clone(),
            database,
            index,
            runtime: runtime.clone(),
            used: AtomicI64::new(runtime.now().as_micros()),
            log_size: AtomicU64::new(size),
            growth: Arc::default(),
            outboxes: Arc::default(),
            standing: Arc::default(),
            told: AtomicU64::new(0),
            indexed: AtomicU64::new(0),
            checkpointed: AtomicU64::new(0),
            thinned: AtomicI64::new(0),
        })
    }

    /// After a commit: the log has this many entries, and credentials may have changed.
    pub fn committed(&self, size: u64) {
        self.log_size.fetch_max(size, Ordering::Relaxed);
        self.growth.tell(self.place(), size);
        let generation = self.database.credentials_generation();
        if self.told.swap(generation, Ordering::AcqRel) != generation {
            self.standing.stir(self.place());
        }
    }

    /// After a commit that queued mail.
    pub fn posted(&self) {
        self.outboxes.note(self.place(), self.runtime.now());
    }

    /// After opening: mail may wait from an earlier time.
    pub fn look_for_mail(&self) -> Result<(), StoreError> {
        let sql = "SELECT min(due) FROM mail";
        let due = self.database.read_here(|tx| tx.query_one(sql, &[], |row| row.get(0)))??;
        if let Some(due) = due.flatten() {
            self.outboxes.note(self.place(), due);
        }
        Ok(())
    }

    fn place(&self) -> Realm {
        if self.platform { Realm::Platform } else { Realm::Tenant(self.owner) }
    }

    pub fn touch(&self) {
        self.used.store(self.runtime.now().as_micros(), Ordering::Relaxed);
    }

    /// Gives back the memory of a realm that stays open and has nothing to do.
    pub fn rest(&self) {
        self.database.rest();
        self.index.rest();
    }

    pub fn last_used(&self) -> Timestamp {
        Timestamp::from_micros(self.used.load(Ordering::Relaxed))
    }
}

/// A log's first entry says that it begins here, and which other it follows after a restore. Nobody
/// else has the file yet.
fn begin_log(database: &Database<AuditLog>) -> Result<(), StoreError> {
    wait_for(database, |tx: &mut RawWriteTx<'_>, log: &mut AuditLog| {
        let mut event = Event::new(catalogue::LOG_OPENED);
        event.actor = Some(Actor::new("system", "audit_log"));
        event.resource = Some(Resource::new("audit_log", log.id().to_string()));
        match past::list(tx)?.first() {
            Some(past) => past::say(&mut event, past),
            None => drop(event.custom_fields.insert("cause".into(), "new".into())),
        }
        log.append(tx, event, None).map(|_| true)
    })
}

/// Runs a job and waits for its end, on a thread that may.
pub(super) fn wait_for(
    database: &Database<AuditLog>,
    run: impl FnMut(&mut RawWriteTx<'_>, &mut AuditLog) -> Result<bool, StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    let (answer, answered) = std::sync::mpsc::channel();
    let done = move |outcome| drop(answer.send(outcome));
    database.submit(Job { run: Box::new(run), done: Box::new(done) })?;
    match answered.recv() {
        Ok(Outcome::Committed) => Ok(()),
        Ok(Outcome::Failed(error)) => Err(error),
        Ok(Outcome::RolledBack) | Err(_) => Err(StoreError::OutcomeUnknown),
    }
}

impl Drop for OpenRealm {
    fn drop(&mut self) {
        self.database.close();
    }
}
