//! Destroying the contents of a tenant's log: the keys go, the entries stay and still prove that
//! nothing was changed or left out, and nobody can ever read what they said.
//!
//! Four steps, each of which is done once however often it is tried: it is begun (an entry in the
//! platform's log names the keys), the keys are destroyed, the tenant's own log gets an entry with
//! the certificate (readable, under the new keys), and the platform's log gets it too. One that was
//! interrupted is completed by the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TrailError;
use crate::approvals::{self, Act, Approved};
use crate::audit::event::Resource;
use crate::audit::proof::Prover;
use crate::audit::read::Opener;
use crate::audit::shreds::{self, AskedBy, Certified, Shred};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditShred, PlatformAuditRecord, RetentionRead};
use crate::authz::{
    Caller, Denied, Flag, Grant, Permission, Principal, RequestContext, TenantState,
};
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, ShredId, TenantId};
use crate::retention::holds::{self, Held};
use crate::store::StoreError;
use crate::tenants::{DoorError, Tenant, Tenants, WriteTx};

/// Why keys are destroyed, as the ledger of erasures says it.
const CAUSE: &str = "audit contents destroyed";
/// Who writes into the platform's log what a tenant's own people do.
const RECORDER: &str = "audit.shred";
/// Certificates that a page lists: nobody has more.
const LISTED: u32 = 100;

/// A finished destruction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    pub id: ShredId,
    pub tenant: TenantId,
    pub keys: Vec<KeyId>,
    pub asked_by: AskedBy,
    pub asked: Timestamp,
    pub finished: Timestamp,
    /// A signed note.
    pub certificate: String,
}

impl Certificate {
    fn of(shred: Shred) -> Option<Self> {
        let Shred { id, tenant, keys, asked_by, begun, finished } = shred;
        let (finished, certificate) = finished?;
        Some(Self { id, tenant, keys, asked_by, asked: begun, finished, certificate })
    }
}

/// Destroys the contents of the tenant's log as it is now. `confirmed` is the tenant's short name,
/// typed once more.
///
/// # Errors
/// [`TrailError::Confirmation`]; [`TrailError::Held`] while a legal hold is in force, since the
/// log may say what happened to what is held; [`TrailError::Approval`] when a second person has to approve it;
/// whatever the disk answers. Called again it goes on where it
/// stopped.
pub async fn shred(
    tenants: &Tenants,
    grant: &Grant<AuditShred>,
    tenant: &Tenant,
    confirmed: &str,
) -> Result<Certificate, TrailError> {
    if confirmed.trim() != tenant.slug.as_str() {
        return Err(TrailError::Confirmation);
    }
    to_its_end(tenants, grant, tenant, None).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn shred_approved(
    tenants: &Tenants,
    grant: &Grant<AuditShred>,
    tenant: &Tenant,
    approved: Approved,
) -> Result<Certificate, TrailError> {
    to_its_end(tenants, grant, tenant, Some(approved)).await
}

/// Goes on to its end even when the caller goes away.
async fn to_its_end(
    tenants: &Tenants,
    grant: &Grant<AuditShred>,
    tenant: &Tenant,
    approved: Option<Approved>,
) -> Result<Certificate, TrailError> {
    let (tenants, grant, tenant) = (tenants.clone(), grant.clone(), tenant.clone());
    let run = tokio::spawn(async move { run(&tenants, &grant, &tenant, approved).await });
    run.await.map_err(|_| DoorError::from(StoreError::Panicked))?
}

async fn run(
    tenants: &Tenants,
    grant: &Grant<AuditShred>,
    tenant: &Tenant,
    approved: Option<Approved>,
) -> Result<Certificate, TrailError> {
    // One at a time, and nobody freezes the tenant between two steps.
    let _held = tenants.hold_states().await;
    // Nothing is begun, and no approval used up, for what cannot be done now.
    tenants.destroys(Flag::AuditShred)?;
    match tenants.tenant_by_id(tenant.id).map(|tenant| tenant.state) {
        Some(TenantState::Active) => {}
        Some(TenantState::Frozen) => return Err(DoorError::from(Denied::Frozen).into()),
        _ => return Err(DoorError::from(Denied::Suspended).into()),
    }
    let mut steps = Steps::new(tenants, grant, tenant).await?;
    steps.pass(approved).await?;
    if let Some(interrupted) = steps.interrupted().await? {
        let was_destroyed = steps.is_destroyed(&interrupted).await?;
        let certificate = steps.complete(interrupted).await?;
        if !was_destroyed {
            return Ok(certificate);
        }
        // Entries came after that; this call is to destroy them too.
    }
    let shred = steps.begin().await?;
    steps.complete(shred).await
}

/// What the steps need.
pub(super) struct Steps<'a> {
    tenants: &'a Tenants,
    grant: &'a Grant<AuditShred>,
    platform: Grant<PlatformAuditRecord>,
    tenant: &'a Tenant,
    /// Who asked for it, where two had to agree.
    approved: Option<Approved>,
}

impl<'a> Steps<'a> {
    pub(super) async fn new(
        tenants: &'a Tenants,
        grant: &'a Grant<AuditShred>,
        tenant: &'a Tenant,
    ) -> Result<Self, TrailError> {
        let recorder = recorder(grant.caller());
        let platform = tenants.authorize_platform::<PlatformAuditRecord>(&recorder, RECORDER).await;
        Ok(Self {
            tenants,
            grant,
            platform: platform.map_err(DoorError::from)?,
            tenant,
            approved: None,
        })
    }

    /// Where a second person has to approve it, uses the approval up before anything is done: after
    /// a crash in between it is to be asked for again.
    async fn pass(&mut self, approved: Option<Approved>) -> Result<(), TrailError> {
        self.approved.clone_from(&approved);
        let passed = self.tenants.write(self.grant, move |tx| {
            if let Some(hold) = holds::any(tx)? {
                return Err(Held(hold).into());
            }
            let events = approvals::pass(tx, approved.as_ref(), Act::ShredAudit)?;
            Ok::<_, TrailError>(((), events))
        });
        passed.await.map(|_| ())
    }

    async fn interrupted(&self) -> Result<Option<Shred>, TrailError> {
        let id = self.tenant.id;
        self.tenants.read(&self.platform, move |tx| Ok(shreds::unfinished(tx, id)?)).await
    }

    async fn is_destroyed(&self, shred: &Shred) -> Result<bool, TrailError> {
        let held = self.tenants.audit_keys(self.grant.realm()).await?;
        Ok(!held.iter().any(|key| shred.keys.contains(key)))
    }

    /// Writes down which keys will be destroyed, and that they will be.
    pub(super) async fn begin(&self) -> Result<Shred, TrailError> {
        let actor = self.grant.caller().principal.actor();
        let runtime = self.tenants.runtime();
        let shred = Shred {
            id: runtime.id(),
            tenant: self.tenant.id,
            keys: self.tenants.audit_keys(self.grant.realm()).await?,
            asked_by: AskedBy { kind: actor.kind.to_owned(), id: actor.id },
            begun: runtime.now(),
            finished: None,
        };
        let begun = shred.clone();
        let written = self.tenants.write(&self.platform, move |tx| {
            shreds::insert(tx, &begun)?;
            let event = about_tenant(Event::new(catalogue::AUDIT_SHRED_BEGUN), &begun);
            Ok::<_, TrailError>(((), event.into()))
        });
        written.await?;
        Ok(shred)
    }

    async fn complete(&self, shred: Shred) -> Result<Certificate, TrailError> {
        self.destroy(&shred).await?;
        let shred = self.record(shred).await?;
        self.finish(&shred).await?;
        Certificate::of(shred).ok_or(TrailError::NotFound)
    }

    pub(super) async fn destroy(&self, shred: &Shred) -> Result<(), TrailError> {
        let (realm, keys) = (self.grant.realm(), shred.keys.clone());
        self.tenants.destroy_audit_keys(realm, keys, CAUSE).await?;
        Ok(super::export::discard_all(self.tenants, self.grant).await?)
    }

    /// Signs the certificate and enters it into the tenant's log, unless it is there already.
    pub(super) async fn record(&self, shred: Shred) -> Result<Shred, TrailError> {
        let (notary, slug) = (self.tenants.notary().clone(), self.tenant.slug.clone());
        let approved = self.approved.clone();
        let written = self.tenants.write(self.grant, move |tx: &mut WriteTx<'_, AuditShred>| {
            if let Some(recorded) = shreds::find(tx, shred.id)? {
                return Ok((recorded, crate::tenants::AuditEvents::none()));
            }
            let (size, time) = (tx.first_entry() - 1, tx.runtime().now());
            let log = Opener::new(tx, tx.shared_keys())?.log();
            let root = Prover::of_log(tx).and_then(|prover| {
                prover.root(size).map_err(|error| StoreError::Sql(error.to_string().into()))
            })?;
            let certified = Certified { shred: &shred, slug: slug.as_str(), log, size, root, time };
            let certificate = certified.sign(notary.signer())?;
            let mut event = described(Event::new(catalogue::AUDIT_SHREDDED), &shred);
            event.resource = Some(Resource::new("audit_log", log.to_string()));
            event.custom_fields.insert("size".into(), size.into());
            event.custom_fields.insert("root".into(), root.to_string().into());
            event.custom_fields.insert("certificate".into(), certificate.as_str().into());
            approved.iter().for_each(|approved| approved.mark(&mut event));
            let recorded = Shred { finished: Some((time, certificate)), ..shred.clone() };
            shreds::insert(tx, &recorded)?;
            Ok::<_, TrailError>((recorded, event.into()))
        });
        Ok(written.await?.value)
    }

    /// Enters the certificate into the platform's log.
    async fn finish(&self, shred: &Shred) -> Result<(), TrailError> {
        let shred = shred.clone();
        let written = self.tenants.write(&self.platform, move |tx| {
            let Some((time, certificate)) = &shred.finished else {
                return Err(TrailError::NotFound);
            };
            shreds::finish(tx, shred.id, *time, certificate)?;
            let mut event = about_tenant(Event::new(catalogue::AUDIT_SHREDDED), &shred);
            event.custom_fields.insert("certificate".into(), certificate.as_str().into());
            Ok(((), event.into()))
        });
        written.await.map(|_| ())
    }
}

/// Certificates of a tenant's own log, the latest first. `P` is a permission to see its settings.
pub async fn certificates(
    tenants: &Tenants,
    grant: &Grant<RetentionRead>,
) -> Result<Vec<Certificate>, TrailError> {
    let found = tenants.read(grant, |tx| Ok::<_, TrailError>(shreds::finished(tx, LISTED)?));
    Ok(found.await?.into_iter().filter_map(Certificate::of).collect())
}

/// The machine's operator writes into the platform's log as such. For a tenant's member the
/// appliance does: who it was is in the tenant's log, and the platform's gets no more than an id.
fn recorder(caller: &Arc<Caller>) -> Arc<Caller> {
    let may = caller.principal.permissions().has(PlatformAuditRecord::FLAG);
    if may && caller.principal.tenant().is_none() {
        return caller.clone();
    }
    let request = RequestContext::local(caller.request.id);
    Arc::new(Caller { principal: Principal::System { job: RECORDER }, request })
}

fn described(mut event: Event, shred: &Shred) -> Event {
    let keys: Vec<String> = shred.keys.iter().map(KeyId::to_string).collect();
    event.custom_fields.insert("destruction".into(), shred.id.to_string().into());
    event.custom_fields.insert("keys".into(), keys.into());
    event
}

fn about_tenant(event: Event, shred: &Shred) -> Event {
    let mut event = described(event, shred);
    event.resource = Some(Resource::new("tenant", shred.tenant.to_string()));
    let AskedBy { kind, id } = &shred.asked_by;
    event.custom_fields.insert("askedBy".into(), format!("{kind} {id}").into());
    event
}

#[cfg(test)]
#[path = "shred_tests.rs"]
mod tests;
