//! Step-up: somebody who is signed in shows a factor again, for a sensitive act. A session that was
//! left open, or whose cookie was taken, is not enough for one.

use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::admission::Factor;
use super::passkey::{
    self, Answer, Asked as Question, Binding, PasskeyError, Reason, RelyingParty,
};
use super::person::{Person, tables};
use super::second_factor::count_in_session;
use super::session::owner;
use super::{AuthnError, Hasher, SecondFactor, check_code, spend_code};
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Principal, Realm};
use crate::crypto::token::Token;
use crate::kernel::Timestamp;
use crate::kernel::id::SessionId;
use crate::store::Sql;
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenants, WriteTx};

/// What a person is asked for: a second factor once they have one, until then their password, if they
/// have chosen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Password,
    SecondFactor {
        has_authenticator: bool,
        has_passkey: bool,
    },
    /// They have neither: their identity provider says again who they are.
    Provider,
}

/// What a person shows.
pub enum Again {
    Password(SecretString),
    Second(SecondFactor),
    Passkey(Box<(RelyingParty, Answer)>),
}

impl Again {
    /// What was typed into a page's one field for what is [`Asked`].
    pub fn typed(asked: Asked, text: SecretString) -> Self {
        match asked {
            Asked::Password | Asked::Provider => Self::Password(text),
            Asked::SecondFactor { .. } => Self::Second(SecondFactor::typed(&text)),
        }
    }
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

impl Holder {
    /// An answer counts in the session that was asked.
    fn binding(&self) -> Binding {
        Binding(self.session.to_string())
    }
}

/// Somebody has proven again who they are.
pub struct Confirmed {
    pub at: Timestamp,
    /// The new token of a session in a browser; its former one is over.
    pub token: Option<Zeroizing<String>>,
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
            false if person.has_password() => Asked::Password,
            false => Asked::Provider,
        })
    });
    look.await
}

/// Takes what the caller shows.
///
/// # Errors
/// [`AuthnError::NotConfirmed`] for what is wrong, which is recorded, and for a password where a
/// second factor is asked for; [`AuthnError::NoPerson`].
pub async fn step_up(
    tenants: &Tenants,
    hasher: &Hasher,
    caller: &Arc<Caller>,
    again: Again,
) -> Result<Confirmed, AuthnError> {
    let holder = Holder::of(&caller.principal).ok_or(AuthnError::NoPerson)?;
    match again {
        Again::Password(password) => by_password(tenants, hasher, caller, holder, password).await,
        Again::Second(shown) => by_second_factor(tenants, caller, holder, shown).await,
        Again::Passkey(shown) => {
            let (party, answer) = *shown;
            by_passkey(tenants, caller, holder, party, answer).await
        }
    }
}

async fn by_second_factor(
    tenants: &Tenants,
    caller: &Arc<Caller>,
    holder: Holder,
    shown: SecondFactor,
) -> Result<Confirmed, AuthnError> {
    let (realm, id) = (holder.realm, holder.person);
    let find = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
    let person = find.await?.ok_or(AuthnError::Unauthenticated)?;
    // Counts and records what is wrong.
    let checked =
        check_code(tenants, realm, &person, holder.session, shown.clone(), &caller.request).await;
    let spend =
        move |tx: &mut WriteTx<'_, _>, person: &Person| spend_code(tx, realm, person, &shown);
    let confirmed = match checked {
        Ok(()) => confirm(tenants, caller, holder, spend).await,
        Err(error) => Err(error),
    };
    confirmed.map_err(|error| match error {
        AuthnError::WrongCode => AuthnError::NotConfirmed,
        other => other,
    })
}

/// What to ask the caller's device.
///
/// # Errors
/// [`PasskeyError::NotFound`] for somebody without a passkey.
pub async fn step_up_question(
    tenants: &Tenants,
    principal: &Principal,
    party: &RelyingParty,
) -> Result<Question, PasskeyError> {
    let holder = Holder::of(principal).ok_or(AuthnError::NoPerson)?;
    let Holder { realm, person, .. } = holder;
    passkey::ask_person(tenants, realm, party, &holder.binding(), person).await
}

async fn by_passkey(
    tenants: &Tenants,
    caller: &Arc<Caller>,
    holder: Holder,
    party: RelyingParty,
    answer: Answer,
) -> Result<Confirmed, AuthnError> {
    let (Holder { realm, person, session }, binding) = (holder, holder.binding());
    let checked = passkey::check_person(tenants, realm, &party, &binding, person, &answer).await;
    let (result, reason) = match checked {
        Ok(shown) => {
            let spend = move |tx: &mut WriteTx<'_, _>, person: &Person| {
                shown.spend(tx, person)?;
                Ok((shown.factor(), AuditEvents::none()))
            };
            (confirm(tenants, caller, holder, spend).await, Reason::Counter)
        }
        Err(PasskeyError::Refused(reason)) => (Err(AuthnError::Passkey), reason),
        Err(PasskeyError::Door(error)) => return Err(error.into()),
        Err(_) => return Err(AuthnError::NotConfirmed),
    };
    let Err(AuthnError::Passkey) = result else { return result };
    let mut failed = confirmation(session);
    failed.outcome = Outcome::Failure;
    failed.custom_fields.insert("factor".into(), Factor::Passkey.name().into());
    failed.custom_fields.insert("reason".into(), reason.name().into());
    let record = tenants.change_credentials(realm, Some(caller.clone()), move |_| {
        Ok::<_, AuthnError>(((), failed.clone().into()))
    });
    record.await?;
    Err(AuthnError::NotConfirmed)
}

async fn by_password(
    tenants: &Tenants,
    hasher: &Hasher,
    caller: &Arc<Caller>,
    holder: Holder,
    password: SecretString,
) -> Result<Confirmed, AuthnError> {
    let (realm, id) = (holder.realm, holder.person);
    let find = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
    let hash = find.await?.map(|person| person.password);
    let matches = hasher.verify(password, hash.clone()).await.map_err(DoorError::from)?;
    let proven = matches.then_some(hash).flatten();
    let confirmed = confirm(tenants, caller, holder, move |tx, person| {
        // Two factors are never replaced by one, and a password that was changed is not one.
        let is_enough = !person.needs(tx, realm)?.has_second();
        let fine = is_enough && proven.as_ref() == Some(&person.password);
        fine.then(|| (Factor::Password, AuditEvents::none())).ok_or(AuthnError::NotConfirmed)
    });
    let result = confirmed.await;
    if let Err(AuthnError::NotConfirmed) = &result {
        let mut failed = confirmation(holder.session);
        failed.outcome = Outcome::Failure;
        let record = tenants.change_credentials(realm, Some(caller.clone()), move |tx| {
            let (_, ended) = count_in_session(tx, realm, holder.session)?;
            Ok::<_, AuthnError>(((), AuditEvents::from(failed.clone()).then(ended)))
        });
        record.await?;
    }
    result
}

/// Somebody whom a provider has signed in again, as who they are. `spend` uses up what it said.
///
/// # Errors
/// [`AuthnError::NotConfirmed`] where the provider's word stands for one factor and the person has,
/// or has to have, two; what `spend` says; [`AuthnError::NoPerson`].
pub async fn confirm_by_provider(
    tenants: &Tenants,
    caller: &Arc<Caller>,
    factor: Factor,
    spend: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<(), AuthnError> + Send + 'static,
) -> Result<Confirmed, AuthnError> {
    let holder = Holder::of(&caller.principal).ok_or(AuthnError::NoPerson)?;
    let realm = holder.realm;
    let spend = move |tx: &mut WriteTx<'_, SystemWrite>, person: &Person| {
        if !factor.is_second() && person.needs(tx, realm)?.takes_two() {
            return Err(AuthnError::NotConfirmed);
        }
        spend(tx)?;
        Ok((factor, AuditEvents::none()))
    };
    confirm(tenants, caller, holder, spend).await
}

/// Writes down that the session's person has proven who they are, by what `spend` uses up.
async fn confirm(
    tenants: &Tenants,
    caller: &Arc<Caller>,
    holder: Holder,
    spend: impl Fn(&mut WriteTx<'_, SystemWrite>, &Person) -> Result<(Factor, AuditEvents), AuthnError>
    + Send
    + 'static,
) -> Result<Confirmed, AuthnError> {
    let Holder { realm, person, session } = holder;
    let token = Token::generate(owner(realm), tenants.runtime().random.as_ref());
    let hash = token.hash();
    let write = tenants.change_credentials(realm, Some(caller.clone()), move |tx| {
        let gone = || AuthnError::Unauthenticated;
        let person = Person::by_id(tx, realm, person)?.filter(|person| person.active);
        let (factor, spent) = spend(tx, &person.ok_or_else(gone)?)?;
        let now = tx.runtime().now();
        // Whoever else has the former token has nothing any more (ASVS 5.0, 7.2.4). What an
        // application holds changes when it is refreshed.
        let sql = format!(
            "UPDATE {} SET proven = $1,
                 token_hash = CASE client_kind WHEN 'browser' THEN $2 ELSE token_hash END
             WHERE id = $3 RETURNING client_kind = 'browser'",
            tables(realm).1
        );
        let browser = tx.query_one(&sql, args![now, &hash, session], |row| row.get::<bool>(0))?;
        let browser = browser.ok_or_else(gone)?;
        let mut event = confirmation(session);
        event.custom_fields.insert("factor".into(), factor.name().into());
        Ok::<_, AuthnError>(((now, browser), spent.and(event)))
    });
    let (at, browser) = write.await?.value;
    Ok(Confirmed { at, token: browser.then(|| token.reveal("")) })
}

fn confirmation(session: SessionId) -> Event {
    let mut event = Event::new(catalogue::SESSION_CONFIRMED);
    event.resource = Some(Resource::new("session", session.to_string()));
    event
}
