//! Approving, which performs the act; refusing; taking back.

use std::sync::Arc;

use super::list::{self, Approval, Party};
use super::pass::{Approved, about};
use super::repo::{self, Decision};
use super::request::check_reason;
use super::{Act, ApprovalError};
use crate::audit::catalogue::{self, Action};
use crate::authz::permission::{
    ApprovalDecide, ApprovalRequest, AuditExport, AuditShred, HoldManage, RetentionManage,
    SignInManage, SsoManage, SubjectErase, UserRole,
};
use crate::authz::{Denied, Grant, Permission, Principal, Writes, authorize};
use crate::config::Ageing;
use crate::crypto::Field;
use crate::kernel::id::{ApprovalId, ErasureId, ExportId, HoldId, ProviderId, ShredId};
use crate::privacy;
use crate::retention::{self, holds};
use crate::settings::{self, WantedSingleSignOn};
use crate::sso;
use crate::tenants::{Tenant, Tenants, WriteTx};
use crate::trail;
use crate::trail::export::{self, Exports};
use crate::users;

/// What came of an act that was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Performed {
    Shredded(ShredId),
    /// Will be ready to be fetched soon.
    Exporting(ExportId),
    RoleChanged,
    FourEyesOff,
    ProviderTrusted(ProviderId),
    SingleSignOnChanged,
    PersonErased(ErasureId),
    RetentionShortened,
    HoldLifted(HoldId),
    HoldShortened(HoldId),
}

/// Approves a request and performs it, with the approver's own right to do so. `ageing` says how long
/// backups keep what is destroyed.
///
/// # Errors
/// [`ApprovalError::Own`], [`ApprovalError::NotAPerson`], [`ApprovalError::Over`],
/// [`ApprovalError::Changed`], [`ApprovalError::Unentitled`]; whatever stands against the act.
pub async fn approve(
    exports: &Arc<Exports>,
    tenants: &Tenants,
    grant: &Grant<ApprovalDecide>,
    tenant: &Tenant,
    id: ApprovalId,
    ageing: Option<Ageing>,
) -> Result<Performed, ApprovalError> {
    let found = look(tenants, grant, id).await?;
    let by = grant.caller().principal.clone();
    let approved = Approved { id, by, requested_by: found.requested_by };
    Ok(match found.act {
        Act::ShredAudit => {
            let grant = own::<AuditShred>(grant, tenant)?;
            let done = trail::shred_approved(tenants, &grant, tenant, approved).await?;
            Performed::Shredded(done.id)
        }
        Act::ExportAudit(request) => {
            let own = own::<AuditExport>(grant, tenant)?;
            let spend = spend(tenants, grant, &approved, Act::ExportAudit(request.clone()));
            spend.await?;
            let made = export::start_approved(exports, tenants, &own, request, &approved).await?;
            Performed::Exporting(made.id)
        }
        Act::ChangeRole { member, from: _, to } => {
            let grant = own::<UserRole>(grant, tenant)?;
            users::change_role_approved(tenants, &grant, member, &to, approved).await?;
            Performed::RoleChanged
        }
        Act::FourEyesOff => {
            let grant = own::<SignInManage>(grant, tenant)?;
            settings::four_eyes_off(tenants, &grant, approved).await?;
            Performed::FourEyesOff
        }
        Act::TrustProvider(act) => {
            let grant = own::<SsoManage>(grant, tenant)?;
            let trusted = sso::trust_approved(tenants, &grant, *act, approved).await?;
            Performed::ProviderTrusted(trusted.id)
        }
        Act::SingleSignOn { only, break_glass } => {
            let grant = own::<SignInManage>(grant, tenant)?;
            let break_glass = break_glass.map(|account| account.to_string());
            let wanted = WantedSingleSignOn { only, break_glass };
            settings::change_single_sign_on_approved(tenants, &grant, wanted, approved).await?;
            Performed::SingleSignOnChanged
        }
        Act::ErasePerson { subject, request } => {
            let grant = own::<SubjectErase>(grant, tenant)?;
            let (person, reason) = ((subject, request), found.reason);
            let erased =
                privacy::erase_approved(tenants, &grant, tenant, person, &reason, approved, ageing);
            Performed::PersonErased(erased.await?.id)
        }
        Act::ShortenRetention { policies } => {
            let grant = own::<RetentionManage>(grant, tenant)?;
            retention::change_approved(tenants, &grant, &policies, approved).await?;
            Performed::RetentionShortened
        }
        Act::ShortenAuditRetention { from: _, to } => {
            let grant = own::<RetentionManage>(grant, tenant)?;
            trail::set_retention_approved(tenants, &grant, to, approved).await?;
            Performed::RetentionShortened
        }
        Act::LiftHold { hold } => {
            let grant = own::<HoldManage>(grant, tenant)?;
            let lifted = holds::lift_approved(tenants, &grant, hold, &found.reason, approved);
            Performed::HoldLifted(lifted.await?.id)
        }
        Act::ShortenHold { hold, changes, .. } => {
            let grant = own::<HoldManage>(grant, tenant)?;
            let changed = holds::change_approved(tenants, &grant, hold, changes, approved);
            Performed::HoldShortened(changed.await?.id)
        }
    })
}

/// The approver's own right to an act.
fn own<P: Permission>(
    grant: &Grant<ApprovalDecide>,
    tenant: &Tenant,
) -> Result<Grant<P>, ApprovalError> {
    Ok(authorize::<P>(grant.caller(), grant.realm(), tenant.state)?)
}

/// Uses an approval up before what it allows, where that is no transaction of its own: after a
/// crash in between it is to be asked for again.
async fn spend<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    approved: &Approved,
    act: Act,
) -> Result<(), ApprovalError> {
    let approved = approved.clone();
    let written =
        tenants.write(grant, move |tx| Ok(((), super::pass(tx, Some(&approved), act.clone())?)));
    written.await.map(|_: crate::tenants::Written<()>| ())
}

async fn look(
    tenants: &Tenants,
    grant: &Grant<ApprovalDecide>,
    id: ApprovalId,
) -> Result<Approval, ApprovalError> {
    let now = tenants.runtime().now();
    let found = tenants.read(grant, move |tx| list::waiting(tx, id, now)).await?;
    check_decider(&grant.caller().principal, &found)?;
    Ok(found)
}

/// Another person, who may do the act themselves.
fn check_decider(principal: &Principal, found: &Approval) -> Result<(), ApprovalError> {
    if !matches!(principal, Principal::User { .. }) {
        return Err(ApprovalError::NotAPerson);
    }
    if Party::of(principal) == found.requested_by {
        return Err(ApprovalError::Own);
    }
    let wanted = found.act.permission();
    match principal.permissions().has(wanted) {
        true => Ok(()),
        false => Err(Denied::Missing(wanted.name()).into()),
    }
}

/// Refuses a request, for a reason.
pub async fn refuse(
    tenants: &Tenants,
    grant: &Grant<ApprovalDecide>,
    id: ApprovalId,
    reason: &str,
) -> Result<Approval, ApprovalError> {
    let (principal, reason) = (grant.caller().principal.clone(), check_reason(reason)?);
    let end = End { id, state: "refused", action: catalogue::APPROVAL_REFUSED };
    let written = tenants.write(grant, move |tx| {
        let found = list::waiting(tx, id, tx.runtime().now())?;
        check_decider(&principal, &found)?;
        end.write(tx, &Party::of(&principal), Some(&reason))
    });
    Ok(written.await?.value)
}

/// Takes back what the caller asked for.
pub async fn withdraw(
    tenants: &Tenants,
    grant: &Grant<ApprovalRequest>,
    id: ApprovalId,
) -> Result<Approval, ApprovalError> {
    let me = Party::of(&grant.caller().principal);
    let end = End { id, state: "withdrawn", action: catalogue::APPROVAL_WITHDRAWN };
    let written = tenants.write(grant, move |tx| {
        let found = list::waiting(tx, id, tx.runtime().now())?;
        if found.requested_by != me {
            return Err(ApprovalError::NotOwn);
        }
        end.write(tx, &me, None)
    });
    Ok(written.await?.value)
}

/// How a request ends without being approved.
struct End {
    id: ApprovalId,
    state: &'static str,
    action: Action,
}

impl End {
    fn write<P>(
        &self,
        tx: &mut WriteTx<'_, P>,
        by: &Party,
        reason: Option<&str>,
    ) -> Result<(Approval, crate::tenants::AuditEvents), ApprovalError> {
        let (id, now) = (self.id, tx.runtime().now());
        let seal = |text: &str| tx.seal(Field::ApprovalDetails, id.bytes(), None, text.as_bytes());
        let answer = reason.map(seal).transpose()?;
        let decision = Decision { state: self.state, decider: by, answer: answer.as_deref(), now };
        if !repo::decide(tx, id, &decision)? {
            return Err(ApprovalError::Over("decided"));
        }
        let stored = repo::find(tx, id)?.ok_or(ApprovalError::NotFound)?;
        let over = list::open(tx, stored, now)?;
        let mut event = about(self.action, id);
        over.act.describe(&mut event);
        let requested_by = serde_json::to_value(&over.requested_by).unwrap_or_default();
        event.custom_fields.insert("requestedBy".into(), requested_by);
        if let Some(reason) = reason {
            event.custom_fields.insert("reason".into(), reason.into());
        }
        Ok((over, event.into()))
    }
}
