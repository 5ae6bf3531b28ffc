//! Who is meant: data subjects and members, found by what is known of them.

use super::{Kind, PrivacyError, Who, repo};
use crate::conversations;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::{KeyId, UserId};
use crate::tenants::RealmTx;
use crate::users;

/// Somebody whose data is stored.
pub struct Person {
    pub key: KeyId,
    pub kind: Kind,
    pub member: Option<UserId>,
    pub reference: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
}

impl Person {
    /// What to type so that it is this person and no other; `erase` does for everybody.
    pub fn is_confirmed_by(&self, typed: &str) -> bool {
        let typed = typed.trim();
        let own = match self.kind {
            Kind::DataSubject => self.reference.as_deref().is_some_and(|own| own == typed),
            Kind::Member => {
                self.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(typed))
            }
        };
        own || typed == "erase"
    }

    /// What texts that name the person contain, in lower case.
    pub fn words(&self) -> Vec<String> {
        let known = [&self.reference, &self.name, &self.email];
        // Shorter ones are in too many texts by chance.
        let long = known.into_iter().flatten().filter(|word| word.trim().chars().count() >= 4);
        long.map(|word| word.trim().to_lowercase()).collect()
    }
}

/// Everybody who fits, nobody twice.
pub fn find(tx: &impl RealmTx, who: &Who) -> Result<Vec<Person>, PrivacyError> {
    let mut found = Vec::new();
    match who {
        Who::Subject(key) => {
            found.extend(repo::data_subject(tx, *key)?);
            let member = repo::member_of(tx, *key)?;
            found.extend(member.map(|id| self::member(tx, id)).transpose()?.flatten());
        }
        Who::Reference(reference) => {
            let hash = conversations::reference_hash(tx, reference)?;
            found.extend(repo::by_reference(tx, &hash)?);
        }
        Who::Email(email) => {
            let hash = conversations::email_hash(tx, email)?;
            found.extend(repo::by_email(tx, &hash)?);
            let known = users::look_by_email(tx, email)?;
            found.extend(known.map(|member| self::member(tx, member.id)).transpose()?.flatten());
        }
        Who::Member(id) => found.extend(member(tx, *id)?),
    }
    Ok(found)
}

/// The one who fits.
///
/// # Errors
/// [`PrivacyError::NobodyFound`], [`PrivacyError::Several`].
pub fn find_one(tx: &impl RealmTx, who: &Who) -> Result<Person, PrivacyError> {
    let mut found = find(tx, who)?;
    match (found.pop(), found.len()) {
        (Some(person), 0) => Ok(person),
        (Some(_), others) => Err(PrivacyError::Several(others + 1)),
        (None, _) => Err(PrivacyError::NobodyFound(match who {
            Who::Subject(_) => "subject",
            Who::Reference(_) => "reference",
            Who::Email(_) => "e-mail address",
            Who::Member(_) => "member's id",
        })),
    }
}

fn member(tx: &impl RealmTx, id: UserId) -> Result<Option<Person>, PrivacyError> {
    let Some(member) = users::look(tx, id)? else { return Ok(None) };
    let Some(key) = repo::key_of_member(tx, id)? else { return Ok(None) };
    let (name, email) = (member.name, member.email);
    Ok(Some(Person { key, kind: Kind::Member, member: Some(id), reference: None, name, email }))
}

/// A row of `data_subjects`, opened.
pub fn data_subject(
    tx: &impl RealmTx,
    key: KeyId,
    reference: &[u8],
    name: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Person, CryptoError> {
    let open = |field, sealed: Option<&[u8]>| match sealed {
        Some(sealed) => tx.open_text(field, key.bytes(), sealed),
        None => Ok(None),
    };
    Ok(Person {
        key,
        kind: Kind::DataSubject,
        member: None,
        reference: open(Field::SubjectReference, Some(reference))?,
        name: open(Field::SubjectName, name)?,
        email: open(Field::SubjectEmail, email)?,
    })
}
