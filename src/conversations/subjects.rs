//! Persons: one key for each, found again by the application's reference.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::subjects_repo::{self, StoredSubject};
use super::{ConversationError, NewDataSubject, events, open};
use crate::audit::event::Change;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::KeyId;
use crate::tenants::{RealmTx, WriteTx};

/// Blind index of a reference. Hex keeps upper and lower case apart, which blind indexes do not:
/// "ab" and "AB" may be two persons to an application, and one key would erase both.
pub fn reference_hash(tx: &impl RealmTx, reference: &str) -> Result<[u8; 32], CryptoError> {
    tx.lookup_hash("subject", &HEXLOWER.encode(reference.as_bytes()))
}

/// Blind index of an e-mail address, upper and lower case alike.
pub fn email_hash(tx: &impl RealmTx, email: &str) -> Result<[u8; 32], CryptoError> {
    tx.lookup_hash("subject-email", email)
}

/// The person's key, when there is one that was not destroyed.
pub fn living_key(tx: &impl RealmTx, reference: &str) -> Result<Option<KeyId>, ConversationError> {
    let found = subjects_repo::by_reference(tx, &reference_hash(tx, reference)?)?;
    let Some(person) = found else { return Ok(None) };
    let lives = open::data_subject(tx, &person)?.id.is_some();
    Ok(lives.then_some(person.key))
}

/// The key that a conversation with this person is sealed under, and what it changed about the
/// person. `spare` is a new key, durable already, for a person who is not known yet.
///
/// # Errors
/// [`ConversationError::SubjectChanged`] when a key is needed and `spare` is none.
pub fn resolve<P>(
    tx: &mut WriteTx<'_, P>,
    person: &NewDataSubject,
    spare: Option<KeyId>,
) -> Result<(KeyId, BTreeMap<String, Change>), ConversationError> {
    let hash = reference_hash(tx, &person.id)?;
    if let Some(known) = subjects_repo::by_reference(tx, &hash)? {
        if open::data_subject(tx, &known)?.id.is_some() {
            let changes = amend(tx, &known, person)?;
            return Ok((known.key, changes));
        }
        subjects_repo::forget(tx, known.key)?;
    }
    let key = spare.ok_or(ConversationError::SubjectChanged)?;
    insert(tx, key, person, &hash)?;
    Ok((key, BTreeMap::new()))
}

fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    key: KeyId,
    person: &NewDataSubject,
    hash: &[u8; 32],
) -> Result<(), ConversationError> {
    let seal = |field, text: Option<&String>| {
        let sealed =
            text.map(|text| open::seal(tx, field, key.bytes(), Some(key), text.as_bytes()));
        sealed.transpose()
    };
    let new = StoredSubject {
        key,
        reference: seal(Field::SubjectReference, Some(&person.id))?.unwrap_or_default(),
        name: seal(Field::SubjectName, person.name.as_ref())?,
        email: seal(Field::SubjectEmail, person.email.as_ref())?,
    };
    let email = person.email.as_ref().map(|email| email_hash(tx, email)).transpose()?;
    let now = tx.runtime().now();
    subjects_repo::insert(tx, &new, hash, email.as_ref(), now)?;
    Ok(())
}

/// Takes an erased person out of the blind indexes: whoever comes with the same reference later is
/// somebody new.
pub fn forget<P>(tx: &mut WriteTx<'_, P>, key: KeyId) -> Result<(), crate::store::StoreError> {
    subjects_repo::forget(tx, key)
}

/// Writes a new name or e-mail address over the old one.
fn amend<P>(
    tx: &mut WriteTx<'_, P>,
    known: &StoredSubject,
    person: &NewDataSubject,
) -> Result<BTreeMap<String, Change>, ConversationError> {
    let before = open::data_subject(tx, known)?;
    let mut changes = BTreeMap::new();
    if let Some(name) = person.name.as_ref().filter(|name| before.name.as_ref() != Some(name)) {
        let (row, key) = (known.key.bytes(), Some(known.key));
        let sealed = open::seal(tx, Field::SubjectName, row, key, name.as_bytes())?;
        subjects_repo::set_name(tx, known.key, &sealed)?;
        let change = events::sealed_change(before.name.is_some(), true);
        changes.insert("dataSubject.name".to_owned(), change);
    }
    if let Some(email) = person.email.as_ref().filter(|email| before.email.as_ref() != Some(email))
    {
        let (row, key) = (known.key.bytes(), Some(known.key));
        let sealed = open::seal(tx, Field::SubjectEmail, row, key, email.as_bytes())?;
        let hash = email_hash(tx, email)?;
        subjects_repo::set_email(tx, known.key, &sealed, &hash)?;
        let change = events::sealed_change(before.email.is_some(), true);
        changes.insert("dataSubject.email".to_owned(), change);
    }
    Ok(changes)
}
