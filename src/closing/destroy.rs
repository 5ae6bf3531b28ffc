//! Destroying closed tenants whose time of grace is over. Each step is done once however often it
//! is tried: it is begun (the tenant leaves the registry, and how its log ended is written down), its
//! files are closed, its root key is destroyed (ledger first), its directory is removed, and the
//! certificate is entered. One that was interrupted is completed by the next run.

use std::sync::Arc;

use data_encoding::BASE64;

use super::certificate::Certified;
use super::repo::{self, End, LogEnd, Stored};
use super::{ClosingError, ClosingState};
use crate::audit::event::Resource;
use crate::audit::proof::Prover;
use crate::audit::read::{self, Opener};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{HoldManage, TenantClose};
use crate::authz::{Caller, Grant, Realm};
use crate::backup::{self, restore};
use crate::config::Ageing;
use crate::retention::clock::{self, Reading};
use crate::retention::holds;
use crate::store::StoreError;
use crate::tenants::{AuditEvents, SystemWrite, Tenants, root_of};

/// Why keys are destroyed, as the ledger of erasures says it.
const CAUSE: &str = "tenant destroyed";

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    pub destroyed: u64,
    /// Kept by a legal hold.
    pub held: u64,
    /// Could not be completed; the operating log says why.
    pub failed: u64,
}

/// Destroys what is due, and completes what was interrupted. One that fails does not keep the others.
///
/// # Errors
/// What the platform's own file answers.
pub async fn destroy_due(
    tenants: &Tenants,
    grant: &Grant<TenantClose>,
    job: &str,
    ageing: Option<Ageing>,
) -> Result<Destroyed, ClosingError> {
    let Reading { now, in_doubt } = clock::reading(tenants, Realm::Platform).await?;
    let read = tenants.read(grant, move |tx| Ok::<_, ClosingError>(repo::due(tx, now)?));
    let mut due = read.await?;
    if in_doubt {
        // What was begun has no way back whatever the time.
        due.retain(|closing| closing.state == ClosingState::Destroying);
        tracing::warn!("the clock is in doubt: no closed tenant's time of grace ends by it");
    }
    let mut done = Destroyed::default();
    for closing in due {
        let slug = closing.slug.clone();
        let steps = Steps { tenants, grant, job };
        match steps.to_the_end(closing, ageing).await {
            Ok(true) => done.destroyed += 1,
            Ok(false) => {
                tracing::warn!(
                    tenant = slug,
                    "a legal hold keeps a closed tenant from being destroyed"
                );
                done.held += 1;
            }
            Err(error) => {
                tracing::error!(tenant = slug, %error, "a closed tenant is not destroyed yet");
                done.failed += 1;
            }
        }
    }
    Ok(done)
}

/// What the steps need.
pub(super) struct Steps<'a> {
    pub tenants: &'a Tenants,
    pub grant: &'a Grant<TenantClose>,
    pub job: &'a str,
}

impl Steps<'_> {
    /// False when a legal hold forbids it.
    async fn to_the_end(
        &self,
        closing: Stored,
        ageing: Option<Ageing>,
    ) -> Result<bool, ClosingError> {
        let Some(closing) = self.begin(closing).await? else { return Ok(false) };
        self.destroy(&closing).await?;
        self.finish(closing, ageing).await?;
        Ok(true)
    }

    /// Nothing when a legal hold forbids it. From here on there is no way back.
    pub(super) async fn begin(&self, closing: Stored) -> Result<Option<Stored>, ClosingError> {
        if closing.state == ClosingState::Destroying {
            return Ok(Some(closing));
        }
        // Nobody takes it back meanwhile.
        let _held = self.tenants.hold_states().await;
        let (id, caller): (_, Arc<Caller>) = (closing.id, self.grant.caller().clone());
        let authorized = self.tenants.authorize::<HoldManage>(&caller, &closing.slug, self.job);
        let (own, _) = authorized.await.map_err(crate::tenants::DoorError::from)?;
        let looked = self.tenants.read(&own, |tx| {
            let size = read::size(tx)?;
            let root = Prover::of_log(tx).and_then(|prover| {
                prover.root(size).map_err(|error| StoreError::Sql(error.to_string().into()))
            })?;
            let log = Opener::new(tx, tx.shared_keys())?.log();
            let end = LogEnd { log, size, root: BASE64.encode(root.bytes()) };
            Ok::<_, ClosingError>((holds::any(tx)?.is_some(), end))
        });
        let (held, log) = looked.await?;
        if held != closing.held {
            let note =
                self.tenants.system_write(Realm::Platform, SystemWrite::JobProgress, move |tx| {
                    Ok(repo::hold(tx, id, held)?)
                });
            note.await?;
        }
        if held {
            return Ok(None);
        }
        let (begun, end) = (closing.clone(), log.clone());
        let unregistered = self.tenants.unregister(self.grant, closing.tenant, move |tx| {
            let found = repo::find(tx, begun.id)?.ok_or(ClosingError::NotFound)?;
            if found.state != ClosingState::Closed {
                return Err(ClosingError::NotClosed);
            }
            repo::begin(tx, begun.id, &end)?;
            Ok::<_, ClosingError>(event(catalogue::TENANT_DESTROY_BEGUN, &begun))
        });
        unregistered.await?;
        Ok(Some(Stored { state: ClosingState::Destroying, log: Some(log), ..closing }))
    }

    pub(super) async fn destroy(&self, closing: &Stored) -> Result<(), ClosingError> {
        let id = closing.tenant;
        self.tenants.close_files(id).await?;
        self.tenants.destroy_tenant_root(id, CAUSE).await?;
        restore::forget(self.tenants, id).await?;
        Ok(self.tenants.remove_files(id).await?)
    }

    async fn finish(&self, closing: Stored, ageing: Option<Ageing>) -> Result<(), ClosingError> {
        let key = root_of(closing.tenant);
        let ledger = self.tenants.ledger_line(key).await?.ok_or(ClosingError::NotFound)?;
        let notary = self.tenants.notary().clone();
        let elsewhere = backup::catalogue::beyond_reach(self.tenants).await?;
        let written = self.tenants.write(self.grant, move |tx| {
            let found = repo::find(tx, closing.id)?.ok_or(ClosingError::NotFound)?;
            if found.state == ClosingState::Destroyed {
                return Ok(((), AuditEvents::none()));
            }
            let (time, log) = (tx.runtime().now(), found.log.as_ref());
            let certified = Certified {
                closing: &found,
                key,
                ledger: &ledger,
                log: log.ok_or(ClosingError::NotFound)?,
                time,
                keys_until: ageing.map(|ageing| ageing.keys_gone(time)),
                data_until: ageing.map(|ageing| ageing.data_gone(time)),
                elsewhere: &elsewhere,
            };
            let certificate = certified.sign(notary.signer())?;
            let Certified { keys_until, data_until, .. } = certified;
            let end = End { time, keys_until, data_until, certificate: &certificate };
            repo::finish(tx, found.id, &end)?;
            let mut event = event(catalogue::TENANT_DESTROYED, &found);
            event.custom_fields.insert("certificate".into(), certificate.as_str().into());
            Ok::<_, ClosingError>(((), event.into()))
        });
        written.await.map(|_| ())
    }
}

fn event(action: catalogue::Action, closing: &Stored) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("tenant", closing.tenant.to_string()));
    event.custom_fields.insert("closing".into(), closing.id.to_string().into());
    event.custom_fields.insert("slug".into(), closing.slug.as_str().into());
    event.custom_fields.insert("key".into(), root_of(closing.tenant).to_string().into());
    event
}
