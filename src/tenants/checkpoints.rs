//! Checkpoints of open logs: signed when they have grown, kept outside of their files too.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::realm::OpenRealm;
use super::{DoorError, SystemWrite, Tenants};
use crate::audit::event::{Actor, Outcome as EventOutcome, Resource};
use crate::audit::notary::Contradiction;
use crate::audit::note::Checkpoint;
use crate::audit::{AuditLog, Event, catalogue, checkpoint};
use crate::authz::Realm;
use crate::kernel::{Runtime, Timestamp};
use crate::store::{RawWriteTx, StoreError};

/// Old checkpoints are thinned so often.
const THIN_EVERY: Duration = Duration::from_secs(86_400);

impl Tenants {
    /// Signs the logs that are open and have grown, and keeps their highest checkpoints outside of
    /// their files; how many. What is closed was signed when it closed.
    pub(crate) async fn checkpoint_logs(&self) -> Result<u64, DoorError> {
        let mut open = vec![(Realm::Platform, self.inner.platform.clone())];
        {
            let tenants = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            let tenant = |(id, cell): (_, &Arc<tokio::sync::OnceCell<_>>)| {
                cell.get().cloned().map(|realm| (Realm::Tenant(id), realm))
            };
            open.extend(tenants.iter().map(|(id, cell)| (*id, cell)).filter_map(tenant));
        }
        let (mut signed, mut failed) = (0, None);
        for (realm, files) in open {
            // One log's damage keeps none of the others from being signed.
            match self.checkpoint_one(realm, files).await {
                Ok(one) => signed += u64::from(one),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(signed), Err)
    }

    async fn checkpoint_one(&self, realm: Realm, files: Arc<OpenRealm>) -> Result<bool, DoorError> {
        let signed = sign(files.clone()).await?;
        let (now, last) = (self.now(), files.thinned.load(Ordering::Relaxed));
        if now.since(Timestamp::from_micros(last)) >= THIN_EVERY {
            files.thinned.store(now.as_micros(), Ordering::Relaxed);
            let thin = self.system_write(realm, SystemWrite::Checkpoint, move |tx| {
                Ok(checkpoint::thin(tx, now).map(|_| ())?)
            });
            thin.await?;
        }
        Ok(signed)
    }

    /// Signs a log now if it has grown since it was signed.
    pub(crate) async fn checkpoint(&self, realm: Realm) -> Result<bool, DoorError> {
        sign(self.realm(realm).await?).await
    }
}

async fn sign(realm: Arc<OpenRealm>) -> Result<bool, DoorError> {
    if realm.checkpointed.load(Ordering::Relaxed) >= realm.log_size.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let signed = tokio::task::spawn_blocking(move || realm.sign());
    Ok(signed.await.map_err(|_| StoreError::Panicked)??)
}

impl OpenRealm {
    /// Signs the log and keeps the checkpoint outside, once it is durable.
    fn sign(&self) -> Result<bool, StoreError> {
        super::realm::wait_for(&self.database, |tx, log| log.checkpoint(tx).map(|_| true))
            .inspect_err(|error| {
                tracing::warn!(what = ?SystemWrite::Checkpoint, %error, "system write failed");
            })?;
        let Some((log, origin)) =
            self.database.read_here(|tx| checkpoint::log(tx, &self.notary))??
        else {
            return Ok(true);
        };
        let watch = self.notary.watch(log, &origin)?;
        let (kept, size) = self.database.read_here(|tx| {
            let kept = watch.keep(tx)?;
            let size = checkpoint::latest(tx)?.map_or(0, |latest| latest.size);
            Ok::<_, StoreError>((kept, size))
        })??;
        self.checkpointed.store(size, Ordering::Relaxed);
        self.log_size.fetch_max(size, Ordering::Relaxed);
        if let Some(contradiction) = kept {
            super::realm::wait_for(&self.database, contradicted(&self.runtime, contradiction))?;
        }
        Ok(true)
    }
}

/// Writes down once, and says in the operating log each time, that a log does not fit a checkpoint
/// that was signed over it. It goes on serving: stopping would hide what is left.
pub(super) fn contradicted(
    runtime: &Runtime,
    contradiction: Contradiction,
) -> impl FnMut(&mut RawWriteTx<'_>, &mut AuditLog) -> Result<bool, StoreError> + Send + 'static {
    let Contradiction { checkpoint, missing } = &contradiction;
    tracing::error!(
        log = checkpoint.origin,
        signed_size = checkpoint.size,
        first_missing = missing,
        reason = contradiction.reason(),
        "an audit log contradicts a signed checkpoint; see: strongroom audit verify"
    );
    metrics::counter!("strongroom_audit_contradictions_total").increment(1);
    let now = runtime.now();
    move |tx, log| {
        let Contradiction { checkpoint, missing } = &contradiction;
        let Checkpoint { size, root, .. } = checkpoint;
        if !checkpoint::note_contradiction(tx, *size, root, *missing, now)? {
            return Ok(true);
        }
        let mut event = Event::new(catalogue::CHECKPOINT_CONTRADICTED);
        event.outcome = EventOutcome::Failure;
        event.actor = Some(Actor::new("system", "audit_log"));
        event.resource = Some(Resource::new("audit_log", log.id().to_string()));
        let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
        say("size", checkpoint.size.into());
        say("root", checkpoint.root.to_string().into());
        say("reason", contradiction.reason().into());
        if let Some(missing) = missing {
            say("firstMissing", (*missing).into());
        }
        log.append(tx, event, None).map(|_| true)
    }
}
