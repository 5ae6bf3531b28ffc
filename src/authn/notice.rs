//! Telling people by mail what happened to their account.

use super::AuthnError;
use super::person::Person;
use crate::authz::Realm;
use crate::mail::{self, Letter, Recipient};
use crate::tenants::WriteTx;

/// Queues a notice to somebody's own address, in the transaction of what it is about; does nothing
/// where no mail can be sent, and for somebody who was erased.
///
/// # Errors
/// A failing store.
pub fn tell<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: [u8; 16],
    letter: &Letter,
) -> Result<(), AuthnError> {
    if !tx.sends_mail() {
        return Ok(());
    }
    let Some(person) = Person::by_id(tx, realm, person)? else { return Ok(()) };
    if person.email.is_empty() {
        return Ok(());
    }
    let to = Recipient { address: person.email, subject: Some(person.subject) };
    Ok(mail::queue(tx, &to, letter)?)
}
