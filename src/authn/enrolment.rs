//! Setting up an authenticator app: a secret is shown, and counts from its first right code on.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::admission::{Admission, Factor, Proof, Wanted, admit};
use super::authenticator::{self, AppSecret};
use super::person::Person;
use super::recovery::RecoveryCodes;
use super::second_factor::{Attempt, Source};
use super::session::{SignedIn, end_all};
use super::ticket::{Ticket, look_at_ticket, spend_ticket};
use super::{AuthnError, ticket};
use crate::args;
use crate::audit::{Event, catalogue};
use crate::authz::{Realm, RequestContext};
use crate::crypto::Field;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, RealmTx, SystemWrite, Tenants, WriteTx};

/// Shows the holder of a ticket the secret of an app to set up, the same one each time.
///
/// # Errors
/// [`AuthnError::Ticket`] for one that is not for setting up a second factor.
pub async fn show_enrolment(
    tenants: &Tenants,
    realm: Realm,
    ticket: &str,
) -> Result<AppSecret, AuthnError> {
    let Ticket { person, hash, .. } = wanting(tenants, realm, ticket).await?;
    pending(tenants, realm, &person, hash.to_vec(), Shown::Again).await
}

async fn wanting(tenants: &Tenants, realm: Realm, ticket: &str) -> Result<Ticket, AuthnError> {
    let ticket = look_at_ticket(tenants, realm, ticket).await?;
    // Whoever has a factor by now changes it after showing it.
    let fits = |ticket: &Ticket| ticket.wanted == Wanted::Enrolment && !ticket.needs.has_second();
    ticket.filter(fits).ok_or(AuthnError::Ticket)
}

/// Ends a sign-in with the first code of the new app. All that the person holds otherwise ends.
///
/// # Errors
/// As [`super::second_factor`].
pub async fn enrol(
    tenants: &Tenants,
    realm: Realm,
    ticket: &str,
    code: SecretString,
    request: RequestContext,
) -> Result<(SignedIn, RecoveryCodes), AuthnError> {
    let Ticket { person, proven, client, vouched, hash, .. } =
        wanting(tenants, realm, ticket).await?;
    let attempt =
        Attempt { realm, person: &person, source: Source::Ticket(hash), request: &request };
    check_first(&attempt, tenants, hash.to_vec(), code.clone()).await?;
    let codes = RecoveryCodes::generate(tenants.runtime());
    let new_codes = codes.clone();
    let factors = proven.and(Factor::Authenticator);
    let spend = Box::new(move |tx: &mut WriteTx<'_, SystemWrite>, person: &Person| {
        if person.needs(tx, realm)?.has_second() {
            return Err(AuthnError::Ticket);
        }
        spend_ticket(tx, &hash)?;
        let enabled = confirm(tx, &hash, person, &code)?;
        let made = new_codes.store(tx, person.id)?;
        end_all(tx, realm, person.id, None)?;
        Ok(AuditEvents::from(enabled).and(made))
    });
    match admit(tenants, realm, Proof { person, factors, client, request, vouched, spend }).await? {
        Admission::In(signed_in) => Ok((signed_in, codes)),
        // There is no such thing: an authenticator's code is a second factor.
        Admission::Wanted { .. } => Err(AuthnError::Ticket),
    }
}

/// Whether somebody who comes back sees the secret that they saw.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Again,
    New,
}

/// The secret that `holder` is to set up, made now if there is none.
pub(super) async fn pending(
    tenants: &Tenants,
    realm: Realm,
    person: &Person,
    holder: Vec<u8>,
    shown: Shown,
) -> Result<AppSecret, AuthnError> {
    let owner = person.clone();
    let write = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        let known = match shown {
            Shown::Again => read(tx, &holder, &owner)?,
            Shown::New => None,
        };
        match known {
            Some(secret) => Ok(secret),
            None => begin(tx, &holder, &owner),
        }
    });
    let secret = write.await?;
    authenticator::show(&secret, &issuer(tenants, realm), &person.email)
}

fn begin(
    tx: &mut WriteTx<'_, SystemWrite>,
    holder: &[u8],
    person: &Person,
) -> Result<Zeroizing<Vec<u8>>, crate::tenants::DoorError> {
    let secret = authenticator::new_secret(tx.runtime());
    let sealed = tx.seal(Field::AuthenticatorSecret, &person.id, Some(person.subject), &secret)?;
    let expires = tx.runtime().now().plus(limits::SIGN_IN_LIFE);
    tx.execute("DELETE FROM enrolments WHERE holder = $1", args![holder])?;
    let sql = "INSERT INTO enrolments (holder, person, secret, expires) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![holder, Value::Id(person.id), &sealed, expires])?;
    Ok(secret)
}

fn read(
    tx: &WriteTx<'_, impl Sized>,
    holder: &[u8],
    person: &Person,
) -> Result<Option<Zeroizing<Vec<u8>>>, crate::tenants::DoorError> {
    let sql = "SELECT secret FROM enrolments WHERE holder = $1 AND person = $2 AND expires > $3";
    let now = tx.runtime().now();
    let found =
        tx.query_one(sql, args![holder, Value::Id(person.id), now], |row| row.get::<Vec<u8>>(0))?;
    let open = |sealed: Vec<u8>| tx.open(Field::AuthenticatorSecret, &person.id, &sealed);
    Ok(found.map(open).transpose()?)
}

/// How an app names the entry.
fn issuer(tenants: &Tenants, realm: Realm) -> String {
    let name = match realm {
        Realm::Platform => None,
        Realm::Tenant(id) => tenants.tenant_by_id(id).map(|tenant| tenant.name),
    };
    format!("Strongroom ({})", name.as_deref().unwrap_or("platform"))
}

/// Checks the first code of a new app; a wrong one is counted and recorded.
pub(super) async fn check_first(
    attempt: &Attempt<'_>,
    tenants: &Tenants,
    holder: Vec<u8>,
    code: SecretString,
) -> Result<(), AuthnError> {
    let person = attempt.person.clone();
    let is_right = move |tx: &WriteTx<'_, SystemWrite>| {
        let secret = read(tx, &holder, &person)?.ok_or(AuthnError::Ticket)?;
        Ok(first_step(tx, &secret, &code)?.is_some())
    };
    attempt.judge(tenants, Factor::Authenticator, is_right).await
}

fn first_step<P>(
    tx: &WriteTx<'_, P>,
    secret: &[u8],
    code: &SecretString,
) -> Result<Option<i64>, AuthnError> {
    let bare = code.expose_secret().chars().filter(|letter| !letter.is_whitespace());
    let bare = Zeroizing::new(bare.collect::<String>());
    authenticator::step_of(secret, &bare, tx.runtime().now())
}

/// Makes the new app the person's own, in the place of an older one.
pub(super) fn confirm<P>(
    tx: &mut WriteTx<'_, P>,
    holder: &[u8],
    person: &Person,
    code: &SecretString,
) -> Result<Event, AuthnError> {
    let secret = read(tx, holder, person)?.ok_or(AuthnError::Ticket)?;
    let step = first_step(tx, &secret, code)?.ok_or(AuthnError::WrongCode)?;
    let (now, id) = (tx.runtime().now(), Value::Id(person.id));
    // Sealed anew: nothing is left of the one that was shown.
    let sealed = tx.seal(Field::AuthenticatorSecret, &person.id, Some(person.subject), &secret)?;
    ticket::end_tickets(tx, person.id)?;
    tx.execute("DELETE FROM authenticators WHERE person = $1", args![id])?;
    tx.execute("DELETE FROM factor_failures WHERE person = $1", args![id])?;
    tx.execute(
        "INSERT INTO authenticators (person, secret, confirmed, last_step) VALUES ($1, $2, $3, $4)",
        args![id, &sealed, now, step],
    )?;
    let mut event = Event::new(catalogue::TWO_FACTOR_ENABLED);
    event.custom_fields.insert("factor".into(), Factor::Authenticator.name().into());
    Ok(event)
}
