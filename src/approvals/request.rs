//! Asking for a second person.

use super::list::{self, Approval, Details, Party};
use super::pass::about;
use super::repo::{self, Stored};
use super::{Act, ApprovalError};
use crate::audit::catalogue;
use crate::authz::permission::ApprovalRequest;
use crate::authz::{Denied, Grant, Principal};
use crate::crypto::Field;
use crate::kernel::limits;
use crate::tenants::Tenants;

/// Asks for an act that the caller may do themselves, but not alone. Keys cannot ask: whoever made
/// one could approve what it asks for, and two eyes would be four.
///
/// # Errors
/// [`ApprovalError::NotAPerson`], [`ApprovalError::Reason`], [`ApprovalError::TooMany`]
pub async fn request(
    tenants: &Tenants,
    grant: &Grant<ApprovalRequest>,
    act: Act,
    reason: &str,
) -> Result<Approval, ApprovalError> {
    let (runtime, principal) = (tenants.runtime(), &grant.caller().principal);
    if !matches!(principal, Principal::User { .. } | Principal::LocalOperator { .. }) {
        return Err(ApprovalError::NotAPerson);
    }
    if !principal.permissions().has(act.permission()) {
        return Err(Denied::Missing(act.permission().name()).into());
    }
    let reason = check_reason(reason)?;
    let (id, now, requester) = (runtime.id(), runtime.now(), Party::of(principal));
    let written = tenants.write(grant, move |tx| {
        if repo::waiting(tx, now)? >= limits::APPROVALS_WAITING {
            return Err(ApprovalError::TooMany);
        }
        let details = Details { act: act.clone(), reason: reason.clone() };
        let details = serde_json::to_vec(&details).unwrap_or_default();
        let stored = Stored {
            id,
            details: tx.seal(Field::ApprovalDetails, id.bytes(), None, &details)?,
            requester: requester.clone(),
            state: "waiting".to_owned(),
            created: now,
            expires: now.plus(limits::APPROVAL_LIFE),
            decided: None,
            decider: None,
            answer: None,
        };
        repo::insert(tx, &stored)?;
        let mut event = about(catalogue::APPROVAL_REQUESTED, id);
        act.describe(&mut event);
        let said = if act.seals_its_reason() { "[sealed]" } else { reason.as_str() };
        event.custom_fields.insert("reason".into(), said.into());
        event.custom_fields.insert("expires".into(), stored.expires.to_string().into());
        Ok((list::open(tx, stored, now)?, event.into()))
    });
    Ok(written.await?.value)
}

pub(super) fn check_reason(reason: &str) -> Result<String, ApprovalError> {
    let reason = reason.trim();
    let fine = (1..=limits::LINE_BYTES).contains(&reason.len())
        && !reason.chars().any(|c| c.is_control() && c != '\n' && c != '\r');
    fine.then(|| reason.to_owned()).ok_or(ApprovalError::Reason)
}
