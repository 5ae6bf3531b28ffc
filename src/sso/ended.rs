//! A provider says that somebody's session is over; and messages that are not believed.

use std::sync::Arc;

use super::logout::{self, Whom};
use super::{SsoError, repo};
use crate::audit::Event;
use crate::audit::catalogue::Action;
use crate::audit::event::Outcome;
use crate::authn;
use crate::authn::sso::Refusal;
use crate::authz::{Realm, RequestContext};
use crate::kernel::Timestamp;
use crate::kernel::id::ProviderId;
use crate::tenants::{Tenant, Tenants};

/// Whose sessions a provider has ended.
#[derive(Clone, Debug)]
pub struct EndedThere {
    pub provider: ProviderId,
    /// Without `indexes`: all that stand on the provider's word for this person.
    pub subject: Option<String>,
    /// What the provider calls the sessions.
    pub indexes: Vec<String>,
    /// The message's own id, which works once, and until when it would work.
    pub message: (String, Timestamp),
}

/// Ends them at once, on every connection, in a frozen tenant too; says how many there were.
///
/// # Errors
/// [`Refusal::Replayed`] when the message was used before.
pub async fn end_by_provider(
    tenants: &Tenants,
    tenant: &Tenant,
    ended: EndedThere,
    request: RequestContext,
) -> Result<usize, SsoError> {
    let ended = Arc::new(ended);
    let write = tenants.change_credentials(Realm::Tenant(tenant.id), None, move |tx| {
        let EndedThere { provider, subject, indexes, message } = &*ended;
        if !repo::use_up(tx, *provider, &message.0, message.1)? {
            return Err(SsoError::Refused(Refusal::Replayed));
        }
        let whom = match subject {
            Some(subject) => Whom::Person(repo::linked(tx, *provider, subject)?),
            None => Whom::OfTheseSessions,
        };
        let sessions = repo::sessions_of(tx, *provider, subject.as_deref(), indexes)?;
        let events = logout::end_these(tx, *provider, &sessions, whom, Some(&request))?;
        Ok((sessions.len(), events))
    });
    Ok(write.await?.value)
}

/// Records a message that was refused before anybody was known by it: `login.failed`, or
/// `sso.refused` for one that signs nobody in.
pub async fn record_refused(
    tenants: &Tenants,
    tenant: &Tenant,
    action: Action,
    provider: Option<ProviderId>,
    refusal: Refusal,
    request: &RequestContext,
) -> Result<(), SsoError> {
    let mut event = Event::new(action);
    event.outcome = Outcome::Failure;
    authn::links::from_stranger(&mut event, request);
    if let Some(provider) = provider {
        event.custom_fields.insert("provider".into(), provider.to_string().into());
    }
    event.custom_fields.insert("reason".into(), refusal.code().into());
    Ok(tenants.record_failed_sign_in(Realm::Tenant(tenant.id), event).await?)
}
