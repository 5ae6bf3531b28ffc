//! SQL of mails that wait.

use zeroize::Zeroizing;

use super::letter::{Letter, Recipient};
use crate::args;
use crate::crypto::{CryptoError, Field};
use crate::kernel::Timestamp;
use crate::kernel::id::MailId;
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, SystemWrite, WriteTx};

/// A mail that waits.
pub struct Waiting {
    pub id: MailId,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub attempts: u32,
    pub content: Content,
}

pub enum Content {
    Letter {
        to: String,
        letter: Letter,
    },
    /// The person was erased.
    Erased,
    /// Of another release, perhaps.
    Unreadable,
}

pub fn count(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM mail", &[])
}

pub fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    to: &Recipient,
    letter: &Letter,
) -> Result<(), DoorError> {
    let (id, now) = (tx.runtime().id::<MailId>(), tx.runtime().now());
    let json = serde_json::to_vec(letter).map(Zeroizing::new);
    let json = json.map_err(|_| CryptoError::Unreadable)?;
    let recipient = tx.seal(Field::MailRecipient, id.bytes(), to.subject, to.address.as_bytes())?;
    let content = tx.seal(Field::MailContent, id.bytes(), to.subject, &json)?;
    tx.execute(
        "INSERT INTO mail (id, recipient, content, created, due, expires)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![id, &recipient, &content, now, now, now.plus(letter.life())],
    )?;
    Ok(())
}

/// What is due, oldest first.
pub fn due(tx: &impl RealmTx, now: Timestamp, most: u32) -> Result<Vec<Waiting>, DoorError> {
    let sql = "SELECT id, recipient, content, created, expires, attempts FROM mail
               WHERE due <= $1 ORDER BY due LIMIT $2";
    let rows = tx.query(sql, args![now, most], sealed)?;
    rows.into_iter().map(|row| open(tx, row)).collect()
}

struct Sealed {
    id: MailId,
    recipient: Vec<u8>,
    content: Vec<u8>,
    created: Timestamp,
    expires: Timestamp,
    attempts: u32,
}

fn sealed(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        id: row.get(0)?,
        recipient: row.get(1)?,
        content: row.get(2)?,
        created: row.get(3)?,
        expires: row.get(4)?,
        attempts: row.get(5)?,
    })
}

fn open(tx: &impl RealmTx, row: Sealed) -> Result<Waiting, DoorError> {
    let Sealed { id, recipient, content, created, expires, attempts } = row;
    let to = tx.open_text(Field::MailRecipient, id.bytes(), &recipient)?;
    let content = match (to, tx.open(Field::MailContent, id.bytes(), &content)) {
        (None, _) | (_, Err(CryptoError::KeyDestroyed)) => Content::Erased,
        (Some(to), Ok(json)) => match serde_json::from_slice(&json) {
            Ok(letter) => Content::Letter { to, letter },
            Err(_) => Content::Unreadable,
        },
        (Some(_), Err(error)) => return Err(error.into()),
    };
    Ok(Waiting { id, created, expires, attempts, content })
}

pub fn delete(tx: &mut WriteTx<'_, SystemWrite>, id: MailId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM mail WHERE id = $1", args![id]).map(|_| ())
}

pub fn put_off(
    tx: &mut WriteTx<'_, SystemWrite>,
    id: MailId,
    due: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE mail SET attempts = attempts + 1, due = $1 WHERE id = $2";
    tx.execute(sql, args![due, id]).map(|_| ())
}

/// How many wait, and when the next is due.
pub fn left(tx: &impl Sql) -> Result<(u64, Option<Timestamp>), StoreError> {
    let sql = "SELECT count(*), min(due) FROM mail";
    let found = tx.query_one(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.unwrap_or((0, None)))
}
