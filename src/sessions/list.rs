//! Listing sessions.

use data_encoding::HEXLOWER;

use super::model::{Session, SessionPage, Sessions, Whose};
use super::repo::SessionRow;
use super::{SessionError, people, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::{self, SessionPolicy, SignInPolicy};
use crate::authz::{Grant, Permission, Realm};
use crate::kernel::id::SessionId;
use crate::kernel::{Timestamp, limits};
use crate::tenants::{ReadTx, RealmTx, Tenants};

/// The caller's own sessions, newest first. `policy` is the installation's.
pub async fn own<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    policy: SessionPolicy,
) -> Result<Vec<Session>, SessionError> {
    let (me, _) = authn::holder(&grant.caller().principal).ok_or(SessionError::NotFound)?;
    let list = Listing::new(tenants, grant, policy);
    tenants
        .read(grant, move |tx| {
            let (times, ends) = list.times(tx)?;
            let most = limits::PAGE_ITEMS;
            let rows = repo::sessions(tx, list.realm, ends, Some(&[me]), None, most)?;
            rows.iter().map(|row| list.open(tx, row, times)).collect()
        })
        .await
}

/// A page of the sessions of others; looking is recorded.
pub async fn list<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    policy: SessionPolicy,
    wanted: Sessions,
) -> Result<SessionPage, SessionError> {
    let limit = match wanted.limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT) {
        limit @ 1..=limits::PAGE_ITEMS => limit,
        _ => return Err(SessionError::Limit),
    };
    let before = wanted.cursor.as_deref().map(cursor).transpose()?;
    let (list, whose) = (Listing::new(tenants, grant, policy), wanted.whose);
    let disclosed = tenants.disclose(grant, move |tx| {
        let (times, ends) = list.times(tx)?;
        let meant = people::meant(tx, list.realm, &whose)?;
        let meant = meant.as_deref();
        let mut rows = repo::sessions(tx, list.realm, ends, meant, before, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| HEXLOWER.encode(row.id.bytes()));
        let items: Result<Vec<_>, SessionError> =
            rows.iter().map(|row| list.open(tx, row, times)).collect();
        let page = SessionPage { items: items?, next_cursor: next };
        let event = looked(&whose, page.items.len());
        Ok::<_, SessionError>((page, event))
    });
    Ok(disclosed.await?.value)
}

/// Says whether somebody was sought, not who: that may be somebody's name.
fn looked(whose: &Whose, count: usize) -> Event {
    let mut event = Event::new(catalogue::ADMIN_PANEL_ACCESS);
    event.resource = Some(Resource::new("page", "sessions"));
    event.custom_fields.insert("count".into(), count.into());
    event.custom_fields.insert("ofOnePerson".into(), (*whose != Whose::Everybodys).into());
    event
}

fn cursor(text: &str) -> Result<SessionId, SessionError> {
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| SessionError::Cursor)?;
    Ok(SessionId::from_bytes(bytes.try_into().map_err(|_| SessionError::Cursor)?))
}

/// What is the same for every row.
struct Listing {
    realm: Realm,
    now: Timestamp,
    installation: SessionPolicy,
    current: Option<SessionId>,
}

impl Listing {
    fn new<P>(tenants: &Tenants, grant: &Grant<P>, installation: SessionPolicy) -> Self {
        let current = authn::holder(&grant.caller().principal).map(|(_, session)| session);
        let (realm, now) = (grant.realm(), tenants.runtime().now());
        Self { realm, now, installation, current }
    }

    /// How long sessions last here, and since when those must have been used and begun that do.
    fn times(
        &self,
        tx: &ReadTx<'_>,
    ) -> Result<(SessionPolicy, (Timestamp, Timestamp)), SessionError> {
        let times = self.installation.of(&SignInPolicy::read(tx)?);
        Ok((times, (self.now.minus(times.idle), self.now.minus(times.absolute))))
    }

    fn open(
        &self,
        tx: &impl RealmTx,
        row: &SessionRow,
        times: SessionPolicy,
    ) -> Result<Session, SessionError> {
        let (ip, user_agent) = row.origin(tx)?;
        Ok(Session {
            id: row.id,
            user: row.person.open(tx, self.realm)?,
            client: row.kind.clone(),
            factors: row.factors.split_whitespace().map(str::to_owned).collect(),
            ip,
            user_agent,
            started_at: row.created,
            last_seen_at: row.seen,
            ends_at: row.seen.plus(times.idle).min(row.created.plus(times.absolute)),
            current: self.current == Some(row.id),
        })
    }
}
