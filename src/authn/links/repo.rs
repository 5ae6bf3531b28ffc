//! SQL of one-time links.

use super::{About, Details, Link, Purpose};
use crate::args;
use crate::authn::AuthnError;
use crate::crypto::token::Token;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::LinkId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Row, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

/// A link to be made.
pub(crate) struct NewLink<'a> {
    pub purpose: Purpose,
    pub about: Option<About<'a>>,
    /// Where it is sent to.
    pub address: Option<&'a str>,
    pub details: Option<&'a Details>,
    /// Hash of the cookie of the browser that asked, when no other may use it.
    pub browser: Option<[u8; 32]>,
    /// Who hands it out to somebody else.
    pub made_by: Option<[u8; 16]>,
}

pub(crate) fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    token: &Token,
    new: &NewLink<'_>,
) -> Result<LinkId, AuthnError> {
    let (id, now) = (tx.runtime().id::<LinkId>(), tx.runtime().now());
    let subject = new.about.as_ref().map(|about| about.subject);
    let seal = |tx: &WriteTx<'_, P>, field, text: &[u8]| tx.seal(field, id.bytes(), subject, text);
    let address =
        new.address.map(|text| seal(tx, Field::LinkAddress, text.as_bytes())).transpose()?;
    let address_hash = new.address.map(|text| tx.lookup_hash("email", text)).transpose()?;
    let details = new.details.map(serde_json::to_vec).transpose();
    let details = details.map_err(|_| CryptoError::Unreadable)?;
    let details = details.map(|json| seal(tx, Field::LinkDetails, &json)).transpose()?;
    let person = new.about.as_ref().map(|about| Value::Id(about.id));
    let password = new.about.as_ref().map(|about| about.password);
    tx.execute(
        "INSERT INTO links (id, token_hash, purpose, person, password, address_hash, address,
                            details, browser_hash, created, expires, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        args![
            id,
            &token.hash(),
            new.purpose.name(),
            person,
            password,
            address_hash.as_ref(),
            address.as_ref(),
            details.as_ref(),
            new.browser.as_ref(),
            now,
            now.plus(new.purpose.life()),
            new.made_by.map(Value::Id)
        ],
    )?;
    Ok(id)
}

const COLUMNS: &str =
    "SELECT id, person, password, address, details, browser_hash, created, expires FROM links";

/// A link that can still be used.
pub(crate) fn find(
    tx: &impl RealmTx,
    purpose: Purpose,
    token: &Token,
    now: Timestamp,
) -> Result<Option<Link>, AuthnError> {
    let sql = format!(
        "{COLUMNS} WHERE token_hash = $1 AND purpose = $2 AND used IS NULL AND expires > $3"
    );
    let found = tx.query_one(&sql, args![&token.hash(), purpose.name(), now], sealed)?;
    found.map(|row| open(tx, row)).transpose()
}

/// Those of one purpose that can still be used, oldest first.
pub(crate) fn open_links(
    tx: &impl RealmTx,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Vec<Link>, AuthnError> {
    let sql = format!(
        "{COLUMNS} WHERE purpose = $1 AND used IS NULL AND expires > $2 ORDER BY created, id"
    );
    let rows = tx.query(&sql, args![purpose.name(), now], sealed)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

struct Sealed {
    link: Link,
    address: Option<Vec<u8>>,
    details: Option<Vec<u8>>,
}

fn sealed(row: &Row<'_>) -> Result<Sealed, StoreError> {
    let link = Link {
        id: row.get(0)?,
        person: row.get(1)?,
        password: row.get(2)?,
        address: None,
        details: Details::default(),
        browser: row.get(5)?,
        created: row.get(6)?,
        expires: row.get(7)?,
    };
    Ok(Sealed { link, address: row.get(3)?, details: row.get(4)? })
}

fn open(tx: &impl RealmTx, row: Sealed) -> Result<Link, AuthnError> {
    let Sealed { mut link, address, details } = row;
    if let Some(sealed) = address {
        link.address = tx.open_text(Field::LinkAddress, link.id.bytes(), &sealed)?;
    }
    if let Some(sealed) = details {
        let json = tx.open_text(Field::LinkDetails, link.id.bytes(), &sealed)?;
        let read = serde_json::from_str(json.as_deref().unwrap_or("{}"));
        link.details = read.map_err(|_| CryptoError::Unreadable)?;
    }
    Ok(link)
}

/// Uses a link up, in the transaction of what it is for.
///
/// # Errors
/// [`AuthnError::Link`] when somebody was faster, or its time is over.
pub(crate) fn spend<P>(tx: &mut WriteTx<'_, P>, link: LinkId) -> Result<(), AuthnError> {
    let now = tx.runtime().now();
    let sql = "UPDATE links SET used = $1 WHERE id = $2 AND used IS NULL AND expires > $3";
    match tx.execute(sql, args![now, link, now])? {
        0 => Err(AuthnError::Link),
        _ => Ok(()),
    }
}

/// Takes a link back. Whether there was one of this purpose that could still be used.
pub(crate) fn revoke<P>(
    tx: &mut WriteTx<'_, P>,
    purpose: Purpose,
    link: LinkId,
) -> Result<bool, AuthnError> {
    let now = tx.runtime().now();
    let sql = "DELETE FROM links
               WHERE id = $1 AND purpose = $2 AND used IS NULL AND expires > $3";
    Ok(tx.execute(sql, args![link, purpose.name(), now])? > 0)
}

/// Ends older links of one purpose to the same address.
pub(crate) fn supersede<P>(
    tx: &mut WriteTx<'_, P>,
    purpose: Purpose,
    address: &str,
) -> Result<(), AuthnError> {
    let (hash, now) = (tx.lookup_hash("email", address)?, tx.runtime().now());
    let sql = "UPDATE links SET used = $1
               WHERE address_hash = $2 AND purpose = $3 AND used IS NULL";
    tx.execute(sql, args![now, &hash, purpose.name()])?;
    Ok(())
}

/// Ends all links of a person, because what they rest on has changed.
pub(crate) fn end_all_of<P>(tx: &mut WriteTx<'_, P>, person: [u8; 16]) -> Result<(), StoreError> {
    let now = tx.runtime().now();
    let sql = "UPDATE links SET used = $1
               WHERE person = $2 AND used IS NULL AND purpose <> 'invitation'";
    tx.execute(sql, args![now, Value::Id(person)]).map(|_| ())
}

/// How many links strangers had sent to an address since then.
pub(super) fn asked_for(
    tx: &impl RealmTx,
    address: &str,
    since: Timestamp,
) -> Result<u64, AuthnError> {
    let hash = tx.lookup_hash("email", address)?;
    let sql = "SELECT count(*) FROM links WHERE address_hash = $1 AND created > $2
               AND purpose IN ('sign-in', 'reset', 'registration', 'address')";
    Ok(tx.count(sql, args![&hash, since])?)
}

/// Removes links that have been over for a day.
pub(crate) fn tidy(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM links WHERE expires < $1";
    tx.execute(sql, args![now.minus(limits::ADDRESS_LINK_LIFE)]).map(|_| ())
}
