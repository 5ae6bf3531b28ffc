//! Signing out at both ends: here and at the provider that somebody came from.

use zeroize::Zeroizing;

use super::oidc::{self, Oidc};
use super::{Protocol, SendAway, SsoError, find, repo, saml};
use crate::args;
use crate::audit::event::{Actor, Resource};
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authn::sso::Vouched;
use crate::authz::{Realm, RequestContext};
use crate::kernel::id::{ProviderId, SessionId, UserId};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{AuditEvents, DoorError, ReadTx, SystemWrite, Tenant, Tenants, WriteTx};

/// Whose word a session began with, for asking before it ends.
pub async fn vouched_for(
    tenants: &Tenants,
    tenant: &Tenant,
    session: SessionId,
) -> Result<Option<Vouched>, SsoError> {
    let realm = Realm::Tenant(tenant.id);
    let look = tenants.credentials(realm, move |tx: &ReadTx<'_>| Vouched::of(tx, session));
    Ok(look.await?)
}

/// Where the browser goes so that the provider hears of it too, after the session here has ended.
/// `browser` is the value of the cookie that marks it. Nothing for providers that have no address to
/// sign out at.
pub async fn begin(
    tenants: &Tenants,
    oidc: &Oidc,
    base_url: &str,
    tenant: &Tenant,
    vouched: &Vouched,
    browser: Zeroizing<String>,
) -> Result<Option<SendAway>, SsoError> {
    let Some(found) = find(tenants, tenant, vouched.provider).await? else { return Ok(None) };
    match &found.provider.settings.protocol {
        Protocol::Saml(_) => {
            saml::sign_out(tenants, base_url, tenant, &found, vouched, browser).await
        }
        Protocol::Oidc(_) => {
            // As it is registered at the provider: to the letter, without anything behind it.
            let back = format!("{base_url}/t/{}/login", tenant.slug);
            let url = oidc::logout_url(oidc, tenants, &found, &vouched.session, &back, None);
            Ok(url.await?.map(SendAway::Redirect))
        }
    }
}

/// Whom a provider signs out.
pub(super) struct Departed<'a> {
    pub provider: ProviderId,
    /// What the provider calls the person.
    pub name: &'a str,
    /// What it calls their sessions; all of the person's when there is none.
    pub sessions: &'a [String],
    /// The name is not what people are known by here, but comes with their sessions.
    pub by_other_name: bool,
}

/// Ends their sessions, at once and on every connection.
pub(super) fn end(
    tx: &mut WriteTx<'_, SystemWrite>,
    departed: &Departed<'_>,
) -> Result<AuditEvents, DoorError> {
    let theirs = theirs(tx, departed)?;
    let whom = match departed.by_other_name {
        true => Whom::OfTheseSessions,
        false => Whom::Person(repo::linked(tx, departed.provider, departed.name)?),
    };
    Ok(end_these(tx, departed.provider, &theirs, whom, None)?)
}

/// Who is signed out, as far as the provider's message says it.
#[derive(Clone, Copy)]
pub(super) enum Whom {
    /// By the name that people are known by here; nobody for one that nobody has.
    Person(Option<UserId>),
    /// It names sessions, or people by another name.
    OfTheseSessions,
}

/// Ends these sessions on a provider's word, which came with `request` if it came from itself; and
/// sign-ins that wait for a second factor, for they would begin one more.
pub(super) fn end_these(
    tx: &mut WriteTx<'_, SystemWrite>,
    provider: ProviderId,
    theirs: &[(SessionId, UserId)],
    whom: Whom,
    request: Option<&RequestContext>,
) -> Result<AuditEvents, StoreError> {
    let about = |event: &mut Event, user: Option<UserId>| {
        event.actor = user.map(|user| Actor::new("user", user.to_string()));
        if let Some(request) = request {
            authn::links::from_stranger(event, request);
        }
    };
    let mut events = AuditEvents::none();
    for (session, user) in theirs {
        tx.execute("DELETE FROM sessions WHERE id = $1", args![*session])?;
        let mut event = Event::new(catalogue::SESSION_ENDED);
        about(&mut event, Some(*user));
        event.resource = Some(Resource::new("session", session.to_string()));
        event.custom_fields.insert("cause".into(), "identity-provider".into());
        events = events.and(event);
    }
    let mut people: Vec<_> = theirs.iter().map(|(_, user)| *user).collect();
    people.dedup();
    end_waiting(tx, whom, &people)?;
    let mut event = Event::new(catalogue::SSO_LOGOUT);
    about(&mut event, people.first().copied().filter(|_| people.len() == 1));
    event.resource = Some(Resource::new("identity_provider", provider.to_string()));
    event.custom_fields.insert("sessionsEnded".into(), theirs.len().into());
    Ok(AuditEvents::from(event).then(events))
}

fn end_waiting(
    tx: &mut WriteTx<'_, SystemWrite>,
    whom: Whom,
    people: &[UserId],
) -> Result<(), StoreError> {
    match whom {
        // The session that is meant has not begun: it is anybody's who waits. They begin anew.
        Whom::OfTheseSessions if people.is_empty() => return repo::end_all_waiting(tx),
        Whom::Person(Some(person)) => repo::end_waiting(tx, person)?,
        Whom::Person(None) | Whom::OfTheseSessions => {}
    }
    people.iter().try_for_each(|person| repo::end_waiting(tx, *person))
}

type Theirs = Vec<(SessionId, UserId)>;

fn theirs(tx: &WriteTx<'_, SystemWrite>, departed: &Departed<'_>) -> Result<Theirs, DoorError> {
    const SESSIONS: &str = "SELECT s.id, s.user FROM sso_sessions v
        JOIN sessions s ON s.id = v.session WHERE v.provider = $1";
    let row = |row: &crate::store::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let provider = departed.provider;
    let mut found: Theirs = Vec::new();
    if departed.sessions.is_empty() && !departed.by_other_name {
        let hash = Vouched::subject_hash(tx, provider, departed.name)?;
        let sql = format!("{SESSIONS} AND v.subject_hash = $2 ORDER BY s.user, s.id");
        return Ok(tx.query(&sql, args![provider, &hash], row)?);
    }
    if departed.sessions.is_empty() {
        found = tx.query(&format!("{SESSIONS} ORDER BY s.user, s.id"), args![provider], row)?;
    }
    for index in departed.sessions {
        let hash = Vouched::index_hash(tx, provider, index)?;
        let sql = format!("{SESSIONS} AND v.index_hash = $2 ORDER BY s.user, s.id");
        found.extend(tx.query(&sql, args![provider, &hash], row)?);
    }
    let mut kept = Vec::with_capacity(found.len());
    for (session, user) in found {
        // A provider may call several people's sessions alike.
        let vouched = Vouched::of(tx, session)?;
        let is_theirs = vouched.is_none_or(|vouched| {
            vouched.session.known_as().unwrap_or(vouched.subject) == departed.name
        });
        if is_theirs && !kept.contains(&(session, user)) {
            kept.push((session, user));
        }
    }
    Ok(kept)
}
