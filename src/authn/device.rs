//! Browsers that somebody has signed in with completely. Being known opens nothing: it tells people
//! of a sign-in from elsewhere, and lets them in while somebody else is guessing at their account.

use zeroize::Zeroizing;

use super::admission::{Client, Proof};
use super::person::{Person, tables};
use super::session::{PLATFORM, origin};
use super::{Agent, AuthnError};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::{Realm, RequestContext};
use crate::crypto::Field;
use crate::crypto::token::Token;
use crate::kernel::id::DeviceId;
use crate::kernel::{Random, Timestamp, limits, network};
use crate::mail::{self, Letter, Recipient};
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, RealmTx, SystemWrite, WriteTx};

/// What the cookie's value begins with: it never passes for a session.
const PREFIX: &str = "device_";
/// As much of what a program calls itself as a mail says.
const AGENT_CHARS: usize = 60;

/// How the table names the browser that holds the cookie.
pub(super) fn mark_hash(cookie: &str) -> Option<[u8; 32]> {
    Token::parse(cookie, PREFIX).map(|token| token.hash())
}

/// Whether this person has signed in completely with the browser that holds the cookie, in the last
/// [`limits::DEVICE_LIFE`].
pub fn is_known(
    tx: &impl RealmTx,
    person: [u8; 16],
    cookie: Option<&str>,
    now: Timestamp,
) -> Result<Option<DeviceId>, AuthnError> {
    match cookie.and_then(|cookie| Token::parse(cookie, PREFIX)) {
        Some(token) => find(tx, person, &token.hash(), now),
        None => Ok(None),
    }
}

fn find(
    tx: &impl Sql,
    person: [u8; 16],
    mark: &[u8; 32],
    now: Timestamp,
) -> Result<Option<DeviceId>, AuthnError> {
    let sql = "SELECT id FROM devices WHERE person = $1 AND mark_hash = $2 AND seen > $3";
    let since = now.minus(limits::DEVICE_LIFE);
    Ok(tx.query_one(sql, args![Value::Id(person), mark, since], |row| row.get(0))?)
}

/// The mark of a browser: the one that it has, or else a new one. A browser that several people use
/// keeps its mark, so whether it is known is asked for each of them.
pub(super) fn cookie(request: &RequestContext, random: &dyn Random) -> Zeroizing<String> {
    let kept = request.device().and_then(|cookie| Token::parse(cookie, PREFIX));
    kept.unwrap_or_else(|| Token::generate(PLATFORM, random)).reveal(PREFIX)
}

/// Remembers where somebody has signed in from, with an entry when that is new. `cookie` is the
/// browser's. An application has no cookie: the network that it signs in from stands for it, or else
/// whoever has stolen a password would sign in there, unnoticed.
pub(super) fn remember(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    person: &Person,
    proof: &Proof,
    cookie: &str,
) -> Result<(Option<DeviceId>, AuditEvents), AuthnError> {
    let Some(mark) = mark(tx, proof, cookie)? else { return Ok((None, AuditEvents::none())) };
    let (now, who) = (tx.runtime().now(), Value::Id(person.id));
    let known = find(tx, person.id, &mark, now)?;
    let id = known.unwrap_or_else(|| tx.runtime().id());
    let client = origin(&proof.request);
    let client =
        tx.seal(Field::DeviceClient, id.bytes(), Some(person.subject), client.as_bytes())?;
    if known.is_some() {
        let sql = "UPDATE devices SET client = $1, seen = $2 WHERE id = $3";
        tx.execute(sql, args![&client, now, id])?;
        return Ok((Some(id), AuditEvents::none()));
    }
    make_room(tx, person.id, &mark)?;
    tx.execute(
        "INSERT INTO devices (id, person, mark_hash, kind, client, created, seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![id, who, &mark, proof.client.name(), &client, now, now],
    )?;
    tell(tx, realm, person, proof, now)?;
    let mut event = Event::new(catalogue::DEVICE_REMEMBERED);
    event.resource = Some(Resource::new("device", id.to_string()));
    event.custom_fields.insert("client".into(), proof.client.name().into());
    Ok((Some(id), event.into()))
}

/// Writes to the person that somebody signed in as them from somewhere new. Not at the first sign-in
/// of all: everywhere is new then. After an incident, which forgets all devices, it is told.
fn tell(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    person: &Person,
    proof: &Proof,
    at: Timestamp,
) -> Result<(), AuthnError> {
    let people = tables(realm).0;
    let before = format!("SELECT count(*) FROM {people} WHERE id = $1 AND signed_in IS NOT NULL");
    let is_first = tx.count(&before, args![Value::Id(person.id)])? == 0;
    if is_first || !tx.sends_mail() || person.email.is_empty() {
        return Ok(());
    }
    let (browser, ip) = words_of(&proof.request);
    let to = Recipient { address: person.email.clone(), subject: Some(person.subject) };
    Ok(mail::queue(tx, &to, &Letter::NewDevice { at, browser, ip })?)
}

/// Browser and address, as mails name them.
pub(super) fn words_of(request: &RequestContext) -> (String, String) {
    let agent = request.user_agent.as_deref().unwrap_or_default();
    let known = Agent::read(agent);
    let named: Vec<_> = [known.browser, known.system].into_iter().flatten().collect();
    let browser = match named.is_empty() {
        true => agent.chars().take(AGENT_CHARS).collect(),
        false => named.join(", "),
    };
    (browser, request.ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default())
}

fn mark(tx: &impl RealmTx, proof: &Proof, cookie: &str) -> Result<Option<[u8; 32]>, AuthnError> {
    Ok(match proof.client {
        Client::Browser => Token::parse(cookie, PREFIX).map(|token| token.hash()),
        Client::Api => {
            let from = proof.request.ip.map(network);
            from.map(|from| tx.lookup_hash("client-network", &from.to_string())).transpose()?
        }
    })
}

/// The same mark of long ago goes, and what was unused longest of too many.
fn make_room(
    tx: &mut WriteTx<'_, SystemWrite>,
    person: [u8; 16],
    mark: &[u8; 32],
) -> Result<(), AuthnError> {
    let person = Value::Id(person);
    let same = "DELETE FROM devices WHERE person = $1 AND mark_hash = $2";
    tx.execute(same, args![person, mark])?;
    let many = "DELETE FROM devices WHERE person = $1 AND id NOT IN
                    (SELECT id FROM devices WHERE person = $2 ORDER BY seen DESC, id DESC LIMIT $3)";
    tx.execute(many, args![person, person, limits::DEVICES_MOST - 1])?;
    Ok(())
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
