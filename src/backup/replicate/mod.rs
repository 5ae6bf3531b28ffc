//! Bringing every target up to date, and saying when one does not take backups.
//!
//! A backup succeeds when one target has it; the others get it from there, and so does a target that
//! is new. The ledger of erasures goes the same way.

mod alarm;
mod copy;
mod repo;
#[cfg(test)]
mod tests;

use futures_util::TryStreamExt;

pub use repo::TargetState;

use super::ledger::Copier;
use super::{BackupError, Layout, Manifest, Target, Targets, place};
use crate::audit::note::Verifier;
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun};
use crate::authz::{Grant, Realm};
use crate::kernel::id::BackupId;
use crate::tenants::{DoorError, SystemWrite, Tenants};

/// Archives copied in one run to one target; the next run goes on.
const AT_ONCE: u32 = 50;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    pub archives: u64,
    pub failing: u64,
}

/// What a target is brought up to date with.
pub struct Sync<'a> {
    pub tenants: &'a Tenants,
    pub grant: &'a Grant<PlatformBackupRun>,
    pub targets: &'a Targets,
    pub layout: Layout,
    pub copier: &'a Copier,
    /// Asked between two archives; an error ends the run.
    pub go_on: &'a (dyn Fn() -> Result<(), BackupError> + Send + std::marker::Sync),
}

impl Sync<'_> {
    /// Brings all targets up to date. One that fails keeps no other waiting for more than its
    /// time-outs, and is an entry, a mail and a metric when it does so for a quarter of an hour.
    ///
    /// # Errors
    /// What the platform's own file answers; [`BackupError::Stopped`].
    pub async fn run(&self) -> Result<Synced, BackupError> {
        let mut synced = Synced::default();
        for target in &self.targets.0 {
            let result = self.one(target, &mut synced.archives).await;
            if let Err(BackupError::Stopped | BackupError::Door(_)) = &result {
                return result.map(|_| synced);
            }
            synced.failing += u64::from(result.is_err());
            let result = result.map_err(|error| error.to_string());
            alarm::note(self.tenants, self.grant, &target.name, result).await?;
        }
        Ok(synced)
    }

    /// Answers how many lines of the ledger are there.
    async fn one(&self, target: &Target, archives: &mut u64) -> Result<u64, BackupError> {
        place::ready(target).await?;
        // Something is asked of it even when it has everything.
        let folder = self.layout.ledger();
        let mut listed = target.store.list(Some(&folder));
        listed.try_next().await.map_err(|error| target.failed(error))?;
        drop(listed);
        let ledger = self.copier.catch_up(&target.name, self.tenants.ledger()).await;
        let ledger = ledger.map_err(BackupError::NotCopied)?;
        let (name, now) = (target.name.clone(), self.tenants.runtime().now());
        let expect = self.tenants.system_write(Realm::Platform, SystemWrite::BackupCatalogue, {
            let name = name.clone();
            move |tx| Ok(repo::expect_all(tx, &name, now)?)
        });
        expect.await?;
        let missing = self
            .tenants
            .read(self.grant, move |tx| Ok::<_, DoorError>(repo::missing(tx, &name, AT_ONCE)?));
        let verifier = self.tenants.notary().verifier();
        let mut failed = None;
        for (id, note, sources) in missing.await? {
            (self.go_on)()?;
            match self.fill(target, id, &note, &sources, &verifier).await {
                Ok(()) => *archives += 1,
                // Others may be whole.
                Err(error @ BackupError::Damaged { .. }) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(ledger), Err)
    }

    /// Copies one archive from the first source that has it whole.
    async fn fill(
        &self,
        target: &Target,
        id: BackupId,
        note: &str,
        sources: &[String],
        verifier: &Verifier,
    ) -> Result<(), BackupError> {
        let manifest = Manifest::open(note, verifier)?;
        let mut last = BackupError::Unknown(id.to_string());
        let sources = sources.iter().filter(|source| **source != target.name);
        for source in sources.filter_map(|name| self.targets.0.iter().find(|t| t.name == *name)) {
            match copy::copy(source, target, &manifest, note).await {
                Ok(()) => {
                    self.mark(id, &target.name, "stored").await?;
                    return Ok(());
                }
                Err(error @ BackupError::Damaged { .. }) => {
                    tracing::error!(%error, "an archive cannot be copied");
                    self.mark(id, &source.name, "damaged").await?;
                    last = error;
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn mark(&self, id: BackupId, target: &str, state: &'static str) -> Result<(), DoorError> {
        let (target, now) = (target.to_owned(), self.tenants.runtime().now());
        let what = SystemWrite::BackupCatalogue;
        let write = self.tenants.system_write(Realm::Platform, what, move |tx| {
            Ok(repo::mark(tx, id, &target, state, now)?)
        });
        write.await
    }
}

/// How all targets are that were ever asked, with how many archives each misses.
pub async fn states(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
) -> Result<Vec<(TargetState, u64)>, DoorError> {
    let read = tenants.read(grant, |tx| {
        let states = repo::states(tx)?;
        states
            .into_iter()
            .map(|state| {
                let missing = repo::count_missing(tx, &state.target)?;
                Ok((state, missing))
            })
            .collect()
    });
    read.await
}
