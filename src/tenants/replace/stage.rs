//! A file that is to take a tenant's place: prepared and checked beside the ones in use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal;
use crate::args;
use crate::audit::notary::Notary;
use crate::audit::pruning;
use crate::audit::read::{self, Opener};
use crate::audit::verify::{Task, Verification, verify};
use crate::authz::Realm;
use crate::crypto::envelope::{self, Place};
use crate::crypto::{CryptoError, Field, Key32, TenantKeys};
use crate::kernel::Runtime;
use crate::kernel::id::{RestoreId, TenantId};
use crate::store::migrate::{self, Migrations};
use crate::store::{RawReadTx, Readers, Sql, Staged, StoreError, files};
use crate::tenants::{DoorError, Tenants};

/// Entries and conversations that are opened as a sample.
const SAMPLE: u64 = 16;

pub(crate) struct Stage {
    pub(super) tenants: Tenants,
    pub restore: RestoreId,
    pub tenant: TenantId,
    pub(super) keys: Arc<TenantKeys>,
    directory: PathBuf,
}

/// What was found in a file that is whole.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub log: Verification,
    pub rows: std::collections::BTreeMap<String, u64>,
}

impl Tenants {
    /// A place for what is to become this tenant's file.
    pub(crate) async fn stage(
        &self,
        restore: RestoreId,
        tenant: TenantId,
    ) -> Result<Stage, DoorError> {
        let keys = self.keys_for_restore(tenant).await?;
        let directory = journal::work(&self.inner.ground.directory, restore);
        files::private_directory(&directory)?;
        Ok(Stage { tenants: self.clone(), restore, tenant, keys, directory })
    }

    /// A tenant's keys, also when its data file cannot be opened any more.
    pub(super) async fn keys_for_restore(
        &self,
        tenant: TenantId,
    ) -> Result<Arc<TenantKeys>, DoorError> {
        match self.realm(Realm::Tenant(tenant)).await {
            Ok(realm) => Ok(realm.keys.clone()),
            Err(DoorError::Store(_)) => {
                let inner = self.inner.clone();
                let keys = tokio::task::spawn_blocking(move || {
                    inner.ground.keys_alone(&inner.platform, tenant)
                });
                Ok(Arc::new(keys.await.map_err(|_| StoreError::Panicked)??))
            }
            Err(error) => Err(error),
        }
    }
}

impl Stage {
    /// Where the file is to be written.
    pub fn database(&self) -> PathBuf {
        self.directory.join("tenant.db")
    }

    pub(super) fn past_log(&self) -> PathBuf {
        self.directory.join("past.db")
    }

    /// The key that it is to be encrypted with: the one of the file in use.
    pub fn file_key(&self) -> Result<Key32, CryptoError> {
        self.keys.file_key().cloned()
    }

    #[cfg(test)]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Checks the file against itself, its log from the first entry to the last, and opens a sample.
    /// `tables` are those whose rows are counted. Takes its time.
    ///
    /// # Errors
    /// [`StoreError`] for a file that is not whole, not this tenant's, or of a newer release.
    pub fn check(
        &self,
        tables: &std::collections::BTreeMap<String, u64>,
    ) -> Result<Checked, StoreError> {
        let ground = &self.tenants.inner.ground;
        let file = File {
            path: &self.database(),
            key: self.keys.file_key()?,
            keys: &self.keys,
            owner: self.tenant,
            migrations: migrate::TENANT,
        };
        file.check(&ground.notary, &ground.runtime, tables)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // After the swap nothing is there; a swap that was interrupted is completed at the start.
        if !self.directory.join("swap.json").exists()
            && let Err(error) = journal::remove(&self.directory)
        {
            tracing::warn!(%error, "what a restore had prepared is left; the next start removes it");
        }
    }
}

/// A file that nobody serves, and its keys.
pub(super) struct File<'a> {
    pub path: &'a Path,
    pub key: &'a Key32,
    pub keys: &'a Arc<TenantKeys>,
    pub owner: TenantId,
    pub migrations: Migrations,
}

impl File<'_> {
    pub fn check(
        &self,
        notary: &Notary,
        runtime: &Runtime,
        tables: &std::collections::BTreeMap<String, u64>,
    ) -> Result<Checked, StoreError> {
        let key = self.key;
        let mut counted = tables.clone();
        let has_log = counted.remove(pruning::ENTRIES).is_some();
        let mut rows = Staged::rows_of(self.path, key, &counted)?;
        // Brings the schema up to date, so that readers find what they know.
        Staged::open(self.path, key, self.migrations)?.close()?;
        let readers = Readers::new(self.path.to_owned(), key.clone(), 1);
        let log = std::thread::scope(|scope| {
            let whole = scope.spawn(|| Staged::check_whole(self.path, key));
            // The disk has time while the processor checks.
            let durable = scope.spawn(|| files::sync(self.path));
            let log = verify(&Task {
                readers: &readers,
                notary,
                clock: runtime.clock.as_ref(),
                pruned_through: |tx| pruning::through(tx),
                outside: false,
                // One reads all pages beside it, and takes as long.
                busy: 1,
                progress: &|_, _| (),
            });
            // What is wrong with the file says more than what is then wrong with the log in it.
            whole.join().map_err(|_| StoreError::Panicked)??;
            durable.join().map_err(|_| StoreError::Panicked)??;
            log
        })?;
        if !log.ok {
            let (seq, reason) = (log.first_bad.unwrap_or(0), log.reason.unwrap_or("unknown"));
            let what = format!("{}: audit log, entry {seq}: {reason}", self.path.display());
            return Err(StoreError::Corrupt(what.into()));
        }
        if has_log {
            // None is missing in between: that was verified.
            rows.insert(pruning::ENTRIES.to_owned(), readers.read_here(|tx| pruning::rows(tx))??);
        }
        readers.read_here(|tx| self.sample(tx))??;
        readers.close();
        Ok(Checked { log, rows })
    }

    /// Opens some of what is sealed: keys that were destroyed are no damage, wrong ones are.
    fn sample(&self, tx: &RawReadTx<'_>) -> Result<(), StoreError> {
        let size = read::size(tx)?;
        let seqs: Vec<u64> = (size.saturating_sub(SAMPLE) + 1..=size).collect();
        read::entries(tx, &mut Opener::new(tx, self.keys.clone())?, &seqs)?;
        if self.migrations.len() != migrate::TENANT.len() {
            return Ok(());
        }
        let sql = "SELECT id, subject FROM conversations ORDER BY id DESC LIMIT $1";
        let sealed = tx.query(sql, args![SAMPLE.cast_signed()], |row| {
            Ok((row.get::<[u8; 16]>(0)?, row.get::<Vec<u8>>(1)?))
        })?;
        for (row, sealed) in sealed {
            let place = Place { field: Field::ConversationSubject, row: &row, tenant: self.owner };
            let key = envelope::key_id(&sealed).and_then(|id| self.keys.by_id(id));
            match key.and_then(|key| key.open(place, &sealed).map(|_| ())) {
                Ok(()) | Err(CryptoError::KeyDestroyed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
