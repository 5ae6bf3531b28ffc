//! Requests that nobody decided in time.

use super::ApprovalError;
use super::list::Party;
use super::pass::about;
use super::repo::{self, Decision};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::ApprovalRequest;
use crate::tenants::{AuditEvents, Tenants};

/// Ends what is past its time; answers with how many there were.
pub async fn expire(
    tenants: &Tenants,
    grant: &Grant<ApprovalRequest>,
) -> Result<u64, ApprovalError> {
    let now = tenants.runtime().now();
    let found = tenants.read(grant, move |tx| Ok::<_, ApprovalError>(repo::expired(tx, now)?));
    // Nothing waits for the writer of a tenant in which nothing has expired.
    if found.await?.is_empty() {
        return Ok(0);
    }
    let me = Party::of(&grant.caller().principal);
    let written = tenants.write(grant, move |tx| {
        let (mut count, mut events) = (0, AuditEvents::none());
        for stored in repo::expired(tx, now)? {
            let decision = Decision { state: "expired", decider: &me, answer: None, now };
            if repo::decide(tx, stored.id, &decision)? {
                let mut event = about(catalogue::APPROVAL_EXPIRED, stored.id);
                let requested_by = serde_json::to_value(&stored.requester).unwrap_or_default();
                event.custom_fields.insert("requestedBy".into(), requested_by);
                (count, events) = (count + 1, events.and(event));
            }
        }
        Ok::<_, ApprovalError>((count, events))
    });
    Ok(written.await?.value)
}
