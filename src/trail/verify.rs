//! Verifying a log, on somebody's request.

use super::TrailError;
use crate::audit::event::{Outcome, Resource};
use crate::audit::verify::{self as chain, Verification};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditVerify, PlatformAuditVerify};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// Checks every entry, link and tile of a tenant's log. The check is recorded after it.
pub async fn verify(
    tenants: &Tenants,
    grant: &Grant<AuditVerify>,
) -> Result<Verification, TrailError> {
    run(tenants, grant).await
}

/// The same for the platform's own log.
pub async fn verify_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditVerify>,
) -> Result<Verification, TrailError> {
    run(tenants, grant).await
}

async fn run<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Verification, TrailError> {
    let clock = tenants.runtime().clock.clone();
    let disclosed = tenants.disclose(grant, move |tx| {
        let verification = chain::verify(tx, clock.as_ref())?;
        let event = verified(&verification);
        Ok::<_, TrailError>((verification, event))
    });
    Ok(disclosed.await?.value)
}

fn verified(verification: &Verification) -> Event {
    let mut event = Event::new(catalogue::AUDIT_VERIFIED);
    event.resource = Some(Resource::new("audit_log", verification.log_id.to_string()));
    event.outcome = if verification.ok { Outcome::Success } else { Outcome::Failure };
    event.custom_fields.insert("size".into(), verification.size.into());
    event.custom_fields.insert("head".into(), verification.head.to_string().into());
    if let Some(first_bad) = verification.first_bad {
        event.custom_fields.insert("firstBad".into(), first_bad.into());
    }
    event
}
