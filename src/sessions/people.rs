//! Whom somebody means.

use super::model::Whose;
use super::{SessionError, repo};
use crate::authz::Realm;
use crate::tenants::RealmTx;

/// People that a search by name looks at: names are sealed, so it opens one after another.
const SCAN_MOST: u32 = 5_000;
/// People that it finds at most.
const FOUND_MOST: usize = 100;

/// The ids of those that are meant; nothing for everybody.
pub fn meant(
    tx: &impl RealmTx,
    realm: Realm,
    whose: &Whose,
) -> Result<Option<Vec<[u8; 16]>>, SessionError> {
    Ok(match whose {
        Whose::Everybodys => None,
        Whose::One(who) => Some(vec![one(tx, realm, who)?]),
        Whose::Like(text) => Some(match one(tx, realm, text) {
            Ok(id) => vec![id],
            Err(SessionError::Nobody) => like(tx, realm, text)?,
            Err(error) => return Err(error),
        }),
    })
}

/// The person with this e-mail address or id.
pub fn one(tx: &impl RealmTx, realm: Realm, who: &str) -> Result<[u8; 16], SessionError> {
    let who = who.trim();
    let found = match uuid::Uuid::parse_str(who) {
        Ok(id) => repo::person(tx, realm, *id.as_bytes())?,
        Err(_) => repo::person_by_email(tx, realm, who)?,
    };
    found.ok_or(SessionError::Nobody)
}

fn like(tx: &impl RealmTx, realm: Realm, text: &str) -> Result<Vec<[u8; 16]>, SessionError> {
    let text = text.trim().to_lowercase();
    let mut found = Vec::new();
    for row in repo::people(tx, realm, SCAN_MOST)? {
        let holder = row.open(tx, realm)?;
        let occurs = |part: &Option<String>| {
            part.as_ref().is_some_and(|part| part.to_lowercase().contains(&text))
        };
        if occurs(&holder.name) || occurs(&holder.email) {
            found.push(row.id);
        }
        if found.len() == FOUND_MOST {
            break;
        }
    }
    Ok(found)
}
