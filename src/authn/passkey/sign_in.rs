//! Signing in with a passkey: alone, which takes a PIN or a fingerprint, or after a password.

use webauthn_rs::prelude::PublicKeyCredential;

use super::ceremony::{self, Asked, Binding, State};
use super::proof::{self, Shown};
use super::{Answer, PasskeyError, Reason, RelyingParty, parse, stored};
use crate::audit::event::{Actor, Outcome};
use crate::audit::{Event, catalogue};
use crate::authn::admission::{Admission, Client, Factor, Factors, Proof, admit};
use crate::authn::policy::SignInPolicy;
use crate::authn::ticket::{Ticket, look_at_ticket, spend_ticket};
use crate::authn::{AuthnError, Person};
use crate::authz::{Realm, RequestContext};
use crate::tenants::{AuditEvents, SystemWrite, Tenants, WriteTx};

/// Somebody tries to get in.
pub struct Attempt<'a> {
    pub realm: Realm,
    pub party: &'a RelyingParty,
    pub binding: &'a Binding,
    pub answer: &'a Answer,
    pub request: RequestContext,
}

/// Asks for whatever passkey of this installation the device has: who it is shows by the answer.
pub async fn ask_anybody(
    tenants: &Tenants,
    realm: Realm,
    party: &RelyingParty,
    binding: &Binding,
) -> Result<Asked, PasskeyError> {
    let (mut options, state) = party.webauthn.start_discoverable_authentication()?;
    // Asked for by a button, not while a name is being typed.
    options.mediation = None;
    let options = serde_json::to_value(&options).unwrap_or_default();
    ceremony::begin(tenants, realm, binding, None, &State::SignIn(state), options).await
}

/// Goes on with a passkey alone.
///
/// # Errors
/// [`PasskeyError::Refused`], which is recorded with its reason; [`AuthnError::PasskeyNotAlone`]
/// where the policy wants a password, [`AuthnError::Suspended`], both only after a right answer.
pub async fn sign_in(tenants: &Tenants, attempt: Attempt<'_>) -> Result<Admission, PasskeyError> {
    let (realm, request) = (attempt.realm, attempt.request.clone());
    let known = alone(tenants, &attempt).await;
    let (person, result) = match known {
        Ok((person, shown)) => {
            let id = person.id;
            let spend = move |tx: &mut WriteTx<'_, SystemWrite>, person: &Person| {
                if !SignInPolicy::read(tx)?.passkeys_alone {
                    return Err(AuthnError::PasskeyNotAlone);
                }
                shown.spend(tx, person)?;
                Ok(AuditEvents::none())
            };
            let (factors, client) = (Factors::first(Factor::Passkey), Client::Browser);
            let spend = Box::new(spend);
            let proof =
                Proof { person, factors, client, request: request.clone(), vouched: None, spend };
            (Some(id), admit(tenants, realm, proof).await.map_err(refused))
        }
        Err((person, error)) => (person, Err(error)),
    };
    if let Err(error) = &result {
        record(tenants, realm, catalogue::LOGIN_FAILED, person, error, &request).await?;
    }
    result
}

type Known = Result<(Person, Shown), (Option<[u8; 16]>, PasskeyError)>;

/// Who has answered; whose passkey it was, when it was somebody's and the answer wrong.
async fn alone(tenants: &Tenants, attempt: &Attempt<'_>) -> Known {
    let Attempt { realm, party, binding, answer, .. } = attempt;
    let state = ceremony::end(tenants, *realm, binding, &answer.ceremony, None).await;
    let state = match state {
        Ok(State::SignIn(state)) => state,
        Ok(_) => return Err((None, PasskeyError::Refused(Reason::Ceremony))),
        Err(error) => return Err((None, error)),
    };
    let answer: PublicKeyCredential = parse(&answer.answer).map_err(|error| (None, error))?;
    let (realm, webauthn) = (*realm, party.webauthn.clone());
    let look = tenants.credentials(realm, move |tx| {
        let unknown = || PasskeyError::Refused(Reason::Unknown);
        let passkey = stored::by_credential(tx, answer.get_credential_id())?;
        let Some(passkey) = passkey else { return Ok(Err((None, unknown()))) };
        let whose = passkey.person;
        let checked = || {
            let handle = stored::handle(tx, whose)?;
            if answer.get_user_unique_id() != Some(handle.as_bytes().as_slice()) {
                return Err(unknown());
            }
            let result =
                webauthn.finish_discoverable_authentication_v2(&answer, state, &passkey.key)?;
            if !result.user_verified() {
                return Err(PasskeyError::Refused(Reason::NotVerified));
            }
            let person = Person::by_id(tx, realm, whose)?.filter(|person| person.active);
            let person = person.ok_or(PasskeyError::Refused(Reason::Stale))?;
            Ok((person, Shown::new(passkey, &result)))
        };
        Ok::<_, PasskeyError>(checked().map_err(|error| (Some(whose), error)))
    });
    look.await.unwrap_or_else(|error| Err((None, error)))
}

/// Nobody in particular is turned away: there is no such organisation, which must not show.
pub async fn turn_away(
    tenants: &Tenants,
    binding: &Binding,
    answer: &Answer,
) -> Result<(), PasskeyError> {
    let ended = ceremony::end(tenants, Realm::Platform, binding, &answer.ceremony, None).await;
    match ended {
        Ok(_) | Err(PasskeyError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks for a passkey of whoever the ticket stands for.
///
/// # Errors
/// [`AuthnError::Ticket`] when it has ended.
pub async fn ask_second(
    tenants: &Tenants,
    realm: Realm,
    party: &RelyingParty,
    binding: &Binding,
    ticket: &str,
) -> Result<Asked, PasskeyError> {
    let ticket = look_at_ticket(tenants, realm, ticket).await?.ok_or(AuthnError::Ticket)?;
    proof::ask_person(tenants, realm, party, binding, ticket.person.id).await
}

/// Goes on with a sign-in by a passkey, whether or not it asked for a PIN.
///
/// # Errors
/// [`PasskeyError::Refused`], which is recorded with its reason; [`AuthnError::Ticket`] when the
/// ticket has ended; [`AuthnError::Suspended`].
pub async fn second_factor(
    tenants: &Tenants,
    attempt: Attempt<'_>,
    ticket: &str,
) -> Result<Admission, PasskeyError> {
    let Attempt { realm, party, binding, answer, request } = attempt;
    let ticket = look_at_ticket(tenants, realm, ticket).await?.ok_or(AuthnError::Ticket)?;
    let Ticket { person, proven, client, vouched, hash, .. } = ticket;
    let id = person.id;
    let checked = proof::check_person(tenants, realm, party, binding, id, answer).await;
    let result = match checked {
        Ok(shown) => {
            let factors = proven.and(shown.factor());
            let spend = Box::new(move |tx: &mut WriteTx<'_, SystemWrite>, person: &Person| {
                spend_ticket(tx, &hash)?;
                shown.spend(tx, person)?;
                Ok(AuditEvents::none())
            });
            let proof = Proof { person, factors, client, request: request.clone(), vouched, spend };
            admit(tenants, realm, proof).await.map_err(refused)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &result {
        record(tenants, realm, catalogue::TWO_FACTOR_FAILED, Some(id), error, &request).await?;
    }
    result
}

fn refused(error: AuthnError) -> PasskeyError {
    match error {
        AuthnError::WrongPassword => PasskeyError::Refused(Reason::Stale),
        AuthnError::Passkey => PasskeyError::Refused(Reason::Counter),
        other => other.into(),
    }
}

/// What is written down about an answer that got nobody in; nothing about what broke here.
async fn record(
    tenants: &Tenants,
    realm: Realm,
    action: catalogue::Action,
    person: Option<[u8; 16]>,
    error: &PasskeyError,
    request: &RequestContext,
) -> Result<(), PasskeyError> {
    let reason = match error {
        PasskeyError::Refused(reason) => reason.name(),
        PasskeyError::Authn(AuthnError::PasskeyNotAlone) => "password-wanted",
        PasskeyError::Authn(AuthnError::Suspended) => "tenant-suspended",
        PasskeyError::Authn(AuthnError::SingleSignOn) => "single-sign-on-only",
        _ => return Ok(()),
    };
    let mut event = Event::new(action);
    event.outcome = Outcome::Failure;
    event.ip = request.ip.map(|ip| ip.to_canonical());
    event.user_agent.clone_from(&request.user_agent);
    event.request_id = Some(request.id.to_string());
    event.actor = person.map(|id| Actor::new("user", uuid::Uuid::from_bytes(id).to_string()));
    event.custom_fields.insert("factor".into(), Factor::Passkey.name().into());
    event.custom_fields.insert("reason".into(), reason.into());
    tenants.record(realm, event).await?;
    Ok(())
}
