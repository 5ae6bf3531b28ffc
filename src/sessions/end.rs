//! Ending sessions: at once, on every connection, in a frozen tenant too.

use super::{SessionError, people, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::{Grant, Withdraws};
use crate::kernel::id::SessionId;
use crate::tenants::{AuditEvents, Tenants};

/// Ends one of the caller's own sessions.
pub async fn end_own<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    session: SessionId,
) -> Result<(), SessionError> {
    let (me, _) = authn::holder(&grant.caller().principal).ok_or(SessionError::NotFound)?;
    one(tenants, grant, session, Some(me)).await
}

/// Ends all of the caller's sessions but the one that asks, and their sign-ins under way; says how
/// many sessions that were.
pub async fn end_others<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<usize, SessionError> {
    let (me, session) = authn::holder(&grant.caller().principal).ok_or(SessionError::NotFound)?;
    all_of(tenants, grant, uuid::Uuid::from_bytes(me).to_string(), Some(session)).await
}

/// Ends one session of anybody.
pub async fn end<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    session: SessionId,
) -> Result<(), SessionError> {
    one(tenants, grant, session, None).await
}

/// Ends all sessions of the person with this e-mail address or id; says how many.
pub async fn end_of<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    who: &str,
) -> Result<usize, SessionError> {
    all_of(tenants, grant, who.to_owned(), None).await
}

/// Ends all sessions of everybody in the realm but the one that asks; says how many.
pub async fn end_everybody<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<usize, SessionError> {
    let mine = authn::holder(&grant.caller().principal).map(|(_, session)| session);
    let realm = grant.realm();
    let written = tenants.withdraw(grant, move |tx| {
        let count = repo::end_everybody(tx, realm, mine)?;
        // An entry in any case: nobody is to wonder whether it was tried.
        let mut event = ended("session", "all", count);
        event.custom_fields.insert("all".into(), true.into());
        Ok::<_, SessionError>((count, event.into()))
    });
    Ok(written.await?.value)
}

async fn one<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    session: SessionId,
    only_of: Option<[u8; 16]>,
) -> Result<(), SessionError> {
    let realm = grant.realm();
    let written = tenants.withdraw(grant, move |tx| {
        let holder = repo::end(tx, realm, session)?.ok_or(SessionError::NotFound)?;
        // Undone with the rest of the transaction.
        if only_of.is_some_and(|only| only != holder) {
            return Err(SessionError::NotFound);
        }
        let mut event = Event::new(catalogue::SESSION_ENDED);
        event.resource = Some(Resource::new("session", session.to_string()));
        let holder = uuid::Uuid::from_bytes(holder).to_string();
        event.custom_fields.insert("user".into(), holder.into());
        Ok::<_, SessionError>(((), AuditEvents::from(event)))
    });
    written.await.map(|_| ())
}

async fn all_of<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    who: String,
    except: Option<SessionId>,
) -> Result<usize, SessionError> {
    let realm = grant.realm();
    let written = tenants.withdraw(grant, move |tx| {
        let person = people::one(tx, realm, &who)?;
        let count = repo::end_of(tx, realm, person, except)?;
        let id = uuid::Uuid::from_bytes(person).to_string();
        Ok::<_, SessionError>((count, ended("user", &id, count).into()))
    });
    Ok(written.await?.value)
}

fn ended(kind: &'static str, whose: &str, count: usize) -> Event {
    let mut event = Event::new(catalogue::SESSION_ENDED);
    event.resource = Some(Resource::new(kind, whose));
    event.custom_fields.insert("sessions".into(), count.into());
    event
}
