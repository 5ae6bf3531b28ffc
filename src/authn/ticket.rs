//! Tickets: what stands for a sign-in that waits for one more factor. A ticket ends with its time,
//! with five wrong codes, with a changed password and with a disabled person, and works once.

use super::AuthnError;
use super::admission::{Client, Factors, Wanted};
use super::person::{Needs, Person};
use super::session::PLATFORM;
use super::sso::Vouched;
use crate::args;
use crate::authz::Realm;
use crate::crypto::token::Token;
use crate::kernel::id::TenantId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, Tenants, WriteTx};

/// A sign-in under way, for the page that goes on with it.
#[derive(Clone)]
pub struct Ticket {
    pub name: String,
    pub email: String,
    pub wanted: Wanted,
    /// As things are now.
    pub needs: Needs,
    /// What was shown already.
    pub proven: Factors,
    pub client: Client,
    pub(super) vouched: Option<Vouched>,
    pub(super) hash: [u8; 32],
    pub(super) person: Person,
}

/// What a ticket still stands for; nothing once it was used or has ended.
///
/// # Errors
/// Only when the store cannot be read.
pub async fn look_at_ticket(
    tenants: &Tenants,
    realm: Realm,
    ticket: &str,
) -> Result<Option<Ticket>, AuthnError> {
    let Some(hash) = ticket_hash(realm, ticket) else { return Ok(None) };
    let now = tenants.runtime().now();
    tenants.credentials(realm, move |tx| find(tx, realm, hash, now)).await
}

/// What [`spend_ticket`] takes; nothing for what is no ticket of this realm.
pub fn ticket_hash(realm: Realm, ticket: &str) -> Option<[u8; 32]> {
    let token = Token::parse(ticket, "")?;
    (token.tenant() == owner(realm)).then(|| token.hash())
}

const fn owner(realm: Realm) -> TenantId {
    match realm {
        Realm::Platform => PLATFORM,
        Realm::Tenant(tenant) => tenant,
    }
}

pub(super) fn find(
    tx: &impl RealmTx,
    realm: Realm,
    hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<Ticket>, AuthnError> {
    let sql = "SELECT person, password, proven, wanted, client, provider FROM sign_ins
               WHERE token_hash = $1 AND expires > $2 AND failures < $3";
    let row = tx.query_one(sql, args![&hash, now, limits::TICKET_FAILURES], |row| {
        let texts: (String, String, String, String) =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((row.get::<[u8; 16]>(0)?, texts, row.get::<Option<Vec<u8>>>(5)?))
    })?;
    let Some((id, (password, proven, wanted, client), provider)) = row else { return Ok(None) };
    let same = |person: &Person| person.active && person.password == password;
    let Some(person) = Person::by_id(tx, realm, id)?.filter(same) else { return Ok(None) };
    let is_api = client == Client::Api.name();
    let is_enrolment = wanted == Wanted::Enrolment.name();
    Ok(Some(Ticket {
        name: person.name.clone(),
        email: person.email.clone(),
        wanted: if is_enrolment { Wanted::Enrolment } else { Wanted::SecondFactor },
        needs: person.needs(tx, realm)?,
        proven: Factors::parse(&proven),
        client: if is_api { Client::Api } else { Client::Browser },
        vouched: provider.map(|sealed| Vouched::open(tx, &person, &sealed)).transpose()?.flatten(),
        hash,
        person,
    }))
}

/// Uses a ticket up, in the transaction of what it leads to. Answers with what was shown for it.
///
/// # Errors
/// [`AuthnError::Ticket`] when it was used before or has ended.
pub fn spend_ticket<P>(
    tx: &mut WriteTx<'_, P>,
    ticket_hash: &[u8; 32],
) -> Result<Factors, AuthnError> {
    let now = tx.runtime().now();
    let spent = tx.query_one(
        "DELETE FROM sign_ins WHERE token_hash = $1 AND expires > $2 AND failures < $3
         RETURNING proven",
        args![ticket_hash, now, limits::TICKET_FAILURES],
        |row| row.get::<String>(0),
    )?;
    Ok(Factors::parse(&spent.ok_or(AuthnError::Ticket)?))
}

/// Counts a wrong code against the ticket that it came with.
pub(super) fn count_failure<P>(
    tx: &mut WriteTx<'_, P>,
    ticket_hash: &[u8; 32],
) -> Result<(), AuthnError> {
    let sql = "UPDATE sign_ins SET failures = failures + 1 WHERE token_hash = $1";
    tx.execute(sql, args![ticket_hash])?;
    Ok(())
}

/// Ends what somebody has begun.
pub(super) fn end_tickets<P>(tx: &mut WriteTx<'_, P>, person: [u8; 16]) -> Result<(), AuthnError> {
    let person = Value::Id(person);
    tx.execute("DELETE FROM sign_ins WHERE person = $1", args![person])?;
    tx.execute("DELETE FROM enrolments WHERE person = $1", args![person])?;
    Ok(())
}

/// Removes what nobody can go on with any more: sign-ins, apps that were not set up, wrong codes
/// that do not count any longer.
pub fn expire_sign_ins(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_ins WHERE expires <= $1", args![now])?;
    tx.execute("DELETE FROM enrolments WHERE expires <= $1", args![now])?;
    let since = now.minus(limits::FACTOR_FAILURES_COUNT);
    tx.execute("DELETE FROM factor_failures WHERE since <= $1", args![since])?;
    Ok(())
}
