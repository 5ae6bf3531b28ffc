//! The second factor of a sign-in: an authenticator's code or a recovery code.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::admission::{Admission, Factor, Proof, admit};
use super::person::{Person, tables};
use super::throttle::{self, Account, Step};
use super::ticket::{self, Ticket, look_at_ticket, spend_ticket};
use super::{AuthnError, authenticator, recovery};
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Realm, RequestContext};
use crate::kernel::id::SessionId;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, SystemWrite, Tenants, WriteTx};

/// What somebody shows beside a first factor.
#[derive(Clone)]
pub enum SecondFactor {
    /// Of an authenticator app.
    Code(SecretString),
    Recovery(SecretString),
}

impl SecondFactor {
    /// What was typed into the one field for both: six digits are an app's code.
    pub fn typed(text: &SecretString) -> Self {
        let bare = text.expose_secret().chars().filter(|letter| !letter.is_whitespace());
        let bare = Zeroizing::new(bare.collect::<String>());
        let is_code =
            bare.len() == authenticator::DIGITS && bare.bytes().all(|b| b.is_ascii_digit());
        match is_code {
            true => Self::Code(SecretString::from(bare.as_str())),
            false => Self::Recovery(text.clone()),
        }
    }

    pub fn factor(&self) -> Factor {
        match self {
            Self::Code(_) => Factor::Authenticator,
            Self::Recovery(_) => Factor::RecoveryCode,
        }
    }
}

/// Goes on with a sign-in.
///
/// # Errors
/// [`AuthnError::Ticket`] when the ticket has ended, [`AuthnError::WrongCode`],
/// [`AuthnError::TooManyCodes`], [`AuthnError::TryLater`], [`AuthnError::Suspended`].
pub async fn second_factor(
    tenants: &Tenants,
    realm: Realm,
    ticket: &str,
    shown: SecondFactor,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    let ticket = look_at_ticket(tenants, realm, ticket).await?.ok_or(AuthnError::Ticket)?;
    let Ticket { person, proven, client, vouched, hash, .. } = ticket;
    let source = Source::Ticket(hash);
    let attempt = Attempt { realm, person: &person, source, request: &request };
    // Slows guessing down over days, where the number of wrong codes bounds it over minutes.
    let account = Account::Of(realm, person.email.clone());
    let (delayed, _) = throttle::begin(tenants, account, Step::SecondFactor, &request).await?;
    attempt.check(tenants, shown.clone()).await?;
    let factors = proven.and(shown.factor());
    let spend = Box::new(move |tx: &mut WriteTx<'_, SystemWrite>, person: &Person| {
        delayed.forgive(tx)?;
        spend_ticket(tx, &hash)?;
        Ok(spend_code(tx, realm, person, &shown)?.1)
    });
    admit(tenants, realm, Proof { person, factors, client, request, vouched, spend }).await
}

/// Checks a code of somebody with a session before it is spent. A wrong one is counted and recorded
/// here.
///
/// # Errors
/// [`AuthnError::WrongCode`], [`AuthnError::TooManyCodes`].
pub async fn check_code(
    tenants: &Tenants,
    realm: Realm,
    person: &Person,
    session: SessionId,
    shown: SecondFactor,
    request: &RequestContext,
) -> Result<(), AuthnError> {
    let source = Source::Session(session);
    Attempt { realm, person, source, request }.check(tenants, shown).await
}

/// Uses up a code of somebody in the transaction of what it leads to; [`check_code`] comes first.
///
/// # Errors
/// [`AuthnError::WrongCode`] for one that is wrong or was used.
pub fn spend_code<P>(
    tx: &mut WriteTx<'_, P>,
    _: Realm,
    person: &Person,
    shown: &SecondFactor,
) -> Result<(Factor, AuditEvents), AuthnError> {
    let events = match shown {
        SecondFactor::Code(code) => {
            authenticator::spend(tx, person, code.expose_secret())?;
            AuditEvents::none()
        }
        SecondFactor::Recovery(code) => recovery::spend(tx, person, code.expose_secret())?,
    };
    tx.execute("DELETE FROM factor_failures WHERE person = $1", args![Value::Id(person.id)])?;
    Ok((shown.factor(), events))
}

/// Somebody tries to prove something.
pub(super) struct Attempt<'a> {
    pub realm: Realm,
    pub person: &'a Person,
    pub source: Source,
    pub request: &'a RequestContext,
}

/// Whose wrong proofs they are.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Of whoever signs in with this ticket (its hash): they count for the person, who may be
    /// somebody else, and end the ticket.
    Ticket([u8; 32]),
    /// Of whoever is at this session: they end it, and keep nobody out who is elsewhere.
    Session(SessionId),
}

impl Attempt<'_> {
    async fn check(&self, tenants: &Tenants, shown: SecondFactor) -> Result<(), AuthnError> {
        let (person, factor) = (self.person.clone(), shown.factor());
        let is_right = move |tx: &WriteTx<'_, SystemWrite>| match &shown {
            SecondFactor::Code(code) => {
                let now = tx.runtime().now();
                Ok(authenticator::unused_step(tx, &person, code.expose_secret(), now)?.is_some())
            }
            SecondFactor::Recovery(code) => recovery::is_unused(tx, &person, code.expose_secret()),
        };
        self.judge(tenants, factor, is_right).await
    }

    /// Counts and records what is wrong in the transaction that finds it wrong: many guesses at
    /// once are no more than the same number one after another.
    pub(super) async fn judge(
        &self,
        tenants: &Tenants,
        factor: Factor,
        is_right: impl Fn(&WriteTx<'_, SystemWrite>) -> Result<bool, AuthnError> + Send + 'static,
    ) -> Result<(), AuthnError> {
        let (realm, id, source) = (self.realm, self.person.id, self.source);
        let principal = self.person.principal(self.realm, tenants.runtime().id());
        let caller = Arc::new(Caller { principal, request: self.request.clone() });
        let write = tenants.change_credentials(self.realm, Some(caller), move |tx| {
            let is_outside = matches!(source, Source::Ticket(_));
            if is_outside && failures(tx, id)? >= limits::FACTOR_FAILURES {
                return Err(AuthnError::TooManyCodes);
            }
            if is_right(tx)? {
                return Ok((true, AuditEvents::none()));
            }
            let (failures, ended) = match &source {
                Source::Ticket(ticket) => {
                    ticket::count_failure(tx, ticket)?;
                    (count_failure(tx, id)?, AuditEvents::none())
                }
                Source::Session(session) => count_in_session(tx, realm, *session)?,
            };
            let mut event = Event::new(catalogue::TWO_FACTOR_FAILED);
            event.outcome = Outcome::Failure;
            event.custom_fields.insert("factor".into(), factor.name().into());
            event.custom_fields.insert("failures".into(), failures.into());
            Ok((false, AuditEvents::from(event).then(ended)))
        });
        write.await?.value.then_some(()).ok_or(AuthnError::WrongCode)
    }
}

/// Counts a wrong proof in a session, and ends the session after too many: whoever has taken one
/// over does not get to guess, and keeps nobody out by guessing.
pub(super) fn count_in_session(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    session: SessionId,
) -> Result<(u32, AuditEvents), AuthnError> {
    let failures = count_failure(tx, *session.bytes())?;
    if failures < limits::FACTOR_FAILURES {
        return Ok((failures, AuditEvents::none()));
    }
    tx.execute(&format!("DELETE FROM {} WHERE id = $1", tables(realm).1), args![session])?;
    let mut ended = Event::new(catalogue::SESSION_ENDED);
    ended.resource = Some(Resource::new("session", session.to_string()));
    ended.custom_fields.insert("cause".into(), "guessing".into());
    Ok((failures, ended.into()))
}

/// Wrong codes of somebody, or in a session, within the time that counts.
fn failures(tx: &WriteTx<'_, SystemWrite>, person: [u8; 16]) -> Result<u32, AuthnError> {
    let sql = "SELECT failures FROM factor_failures WHERE person = $1 AND since > $2";
    let since = tx.runtime().now().minus(FAILURES_COUNT);
    let found = tx.query_one(sql, args![Value::Id(person), since], |row| row.get::<u32>(0))?;
    Ok(found.unwrap_or(0))
}

const FAILURES_COUNT: Duration = limits::FACTOR_FAILURES_COUNT;

fn count_failure(tx: &mut WriteTx<'_, SystemWrite>, person: [u8; 16]) -> Result<u32, AuthnError> {
    let (failures, now) = (failures(tx, person)?, tx.runtime().now());
    let person = Value::Id(person);
    if failures > 0 {
        let sql = "UPDATE factor_failures SET failures = failures + 1 WHERE person = $1";
        tx.execute(sql, args![person])?;
    } else {
        tx.execute("DELETE FROM factor_failures WHERE person = $1", args![person])?;
        let sql = "INSERT INTO factor_failures (person, failures, since) VALUES ($1, 1, $2)";
        tx.execute(sql, args![person, now])?;
    }
    Ok(failures + 1)
}
