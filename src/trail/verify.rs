//! Verifying a log, on somebody's request.

use std::sync::Arc;

use super::{TrailError, Verified};
use crate::audit::event::{Outcome, Resource};
use crate::audit::verify::Verification;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditVerify, PlatformAuditVerify};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// Hears how many entries are done, of how many.
pub type OnProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Checks every entry, link, tile and signature of a tenant's log. The check is recorded after it.
pub async fn verify(
    tenants: &Tenants,
    grant: &Grant<AuditVerify>,
) -> Result<Verification, TrailError> {
    verify_with(tenants, grant, Arc::new(|_, _| ())).await
}

/// The same for the platform's own log.
pub async fn verify_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditVerify>,
) -> Result<Verification, TrailError> {
    verify_with(tenants, grant, Arc::new(|_, _| ())).await
}

/// Begins a verification that goes on by itself, unless one of this log is under way; pages ask
/// [`Verified::state`] how far it has come. `P` is a permission to verify the realm's log.
pub fn start_verification<P: Permission>(
    tenants: &Tenants,
    verified: &Verified,
    grant: &Grant<P>,
) -> bool {
    let realm = grant.realm();
    if !verified.begin(realm) {
        return false;
    }
    let (tenants, verified, grant) = (tenants.clone(), verified.clone(), grant.clone());
    let heard = verified.clone();
    let progress: OnProgress = Arc::new(move |done, total| heard.progress(realm, done, total));
    tokio::spawn(async move {
        // Whatever becomes of it, it is no longer under way.
        let ended = verified.ends(realm);
        match verify_with(&tenants, &grant, progress).await {
            Ok(verification) => verified.note(realm, &verification),
            Err(error) => {
                tracing::error!(%error, "a log could not be verified");
                verified.fail(realm, error.to_string());
            }
        }
        drop(ended);
    });
    true
}

/// The same, and tells how far it has come. `P` is a permission to verify the realm's log.
pub async fn verify_with<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    progress: OnProgress,
) -> Result<Verification, TrailError> {
    let _turn = tenants.turn_to_verify(grant.realm()).await;
    let disclosed = tenants.disclose(grant, move |tx| {
        let verification = tx.verify_log(progress.as_ref())?.with_past(tx.verify_past_logs()?);
        let event = verified(&verification);
        Ok::<_, TrailError>((verification, event))
    });
    Ok(disclosed.await?.value)
}

fn verified(verification: &Verification) -> Event {
    let mut event = Event::new(catalogue::AUDIT_VERIFIED);
    event.resource = Some(Resource::new("audit_log", verification.log_id.to_string()));
    event.outcome = if verification.ok { Outcome::Success } else { Outcome::Failure };
    let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
    say("size", verification.size.into());
    say("head", verification.head.to_string().into());
    if let Some(first_bad) = verification.first_bad {
        say("firstBad", first_bad.into());
    }
    if let Some(reason) = verification.reason {
        say("reason", reason.into());
    }
    if !verification.past.is_empty() {
        say("pastLogs", verification.past.len().into());
    }
    if let Some(broken) = verification.broken_past() {
        say("brokenPastLog", broken.log_id.to_string().into());
    }
    event
}
