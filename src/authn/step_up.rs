//! Step-up: somebody who is signed in shows a factor again, for a sensitive act. A session that was
//! left open, or whose cookie was taken, is not enough for one.

use std::sync::Arc;

use secrecy::SecretString;

use super::person::{Person, tables};
use super::{AuthnError, Hasher};
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Principal, Realm};
use crate::kernel::Timestamp;
use crate::kernel::id::SessionId;
use crate::store::SqlMut;
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants, WriteTx};

use super::admission::Factor;

/// What a person is asked for: a second factor once they have one, until then their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Password,
    SecondFactor { has_authenticator: bool, has_passkey: bool },
}

/// Somebody with a session.
#[derive(Clone, Copy)]
struct Holder {
    realm: Realm,
    person: [u8; 16],
    session: SessionId,
}

impl Holder {
    fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::User { tenant, id, session, .. } => {
                let (realm, person) = (Realm::Tenant(*tenant), *id.bytes());
                Some(Self { realm, person, session: *session })
            }
            Principal::PlatformAdmin { id, session, .. } => {
                Some(Self { realm: Realm::Platform, person: *id.bytes(), session: *session })
            }
            _ => None,
        }
    }
}

/// What the caller has to show.
///
/// # Errors
/// [`AuthnError::NoPerson`] for anybody but a person with a session.
pub async fn step_up_asks(tenants: &Tenants, principal: &Principal) -> Result<Asked, AuthnError> {
    let Holder { realm, person, .. } = Holder::of(principal).ok_or(AuthnError::NoPerson)?;
    let look = tenants.credentials(realm, move |tx| {
        let person = Person::by_id(tx, realm, person)?.ok_or(AuthnError::Unauthenticated)?;
        let needs = person.needs(tx, realm)?;
        let (has_authenticator, has_passkey) = (needs.has_authenticator, needs.has_passkey);
        Ok(match needs.has_second() {
            true => Asked::SecondFactor { has_authenticator, has_passkey },
            false => Asked::Password,
        })
    });
    look.await
}

/// Takes the caller's password once more, where it is what [`step_up_asks`] for. Answers with when.
///
/// # Errors
/// [`AuthnError::NotConfirmed`] for a wrong one, which is recorded, and for a password where a
/// second factor is asked for.
pub async fn step_up_by_password(
    tenants: &Tenants,
    hasher: &Hasher,
    caller: &Arc<Caller>,
    password: SecretString,
) -> Result<Timestamp, AuthnError> {
    let holder = Holder::of(&caller.principal).ok_or(AuthnError::NoPerson)?;
    let (realm, id) = (holder.realm, holder.person);
    let find = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
    let hash = find.await?.map(|person| person.password);
    let matches = hasher.verify(password, hash.clone()).await.map_err(DoorError::from)?;
    let proven = matches.then_some(hash).flatten();
    confirm(tenants, caller, holder, move |tx, person| {
        // Two factors are never replaced by one, and a password that was changed is not one.
        let is_enough = !person.needs(tx, realm)?.has_second();
        let fine = is_enough && proven.as_ref() == Some(&person.password);
        fine.then(|| (Factor::Password, AuditEvents::none())).ok_or(AuthnError::NotConfirmed)
    })
    .await
}

/// Writes down that the session's person has proven who they are, by what `spend` uses up.
async fn confirm(
    tenants: &Tenants,
    caller: &Arc<Caller>,
    holder: Holder,
    spend: impl Fn(&mut WriteTx<'_, SystemWrite>, &Person) -> Result<(Factor, AuditEvents), AuthnError>
    + Send
    + 'static,
) -> Result<Timestamp, AuthnError> {
    let Holder { realm, person, session } = holder;
    let write = tenants.change_credentials(realm, Some(caller.clone()), move |tx| {
        let gone = || AuthnError::Unauthenticated;
        let person = Person::by_id(tx, realm, person)?.filter(|person| person.active);
        let (factor, spent) = spend(tx, &person.ok_or_else(gone)?)?;
        let now = tx.runtime().now();
        let sql = format!("UPDATE {} SET proven = $1 WHERE id = $2", tables(realm).1);
        if tx.execute(&sql, args![now, session])? == 0 {
            return Err(gone());
        }
        let mut event = confirmed(session);
        event.custom_fields.insert("factor".into(), factor.name().into());
        Ok((now, spent.and(event)))
    });
    match write.await {
        Ok(written) => Ok(written.value),
        Err(AuthnError::NotConfirmed) => {
            let mut failed = confirmed(session);
            failed.outcome = Outcome::Failure;
            let record = tenants.change_credentials(realm, Some(caller.clone()), move |_| {
                Ok::<_, AuthnError>(((), failed.clone().into()))
            });
            record.await?;
            Err(AuthnError::NotConfirmed)
        }
        Err(error) => Err(error),
    }
}

fn confirmed(session: SessionId) -> Event {
    let mut event = Event::new(catalogue::SESSION_CONFIRMED);
    event.resource = Some(Resource::new("session", session.to_string()));
    event
}
