//! SQL of erasures: the table `erasures`, and what is known of a person elsewhere.

use super::person::{self, Person};
use super::{ErasureCounts, Kind, PrivacyError};
use crate::args;
use crate::audit::shreds::AskedBy;
use crate::crypto::{CryptoError, Field};
use crate::kernel::Timestamp;
use crate::kernel::id::{ErasureId, KeyId, SavedSearchId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

/// An erasure as it is stored.
pub struct Stored {
    pub id: ErasureId,
    pub subject: KeyId,
    pub kind: Kind,
    pub actor: AskedBy,
    pub details: Vec<u8>,
    pub begun: Timestamp,
    /// When it was finished, and its certificate.
    pub finished: Option<(Timestamp, String)>,
}

const COLUMNS: &str =
    "SELECT id, subject, kind, actor, details, begun, finished, certificate FROM erasures";

pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<(), StoreError> {
    let actor = serde_json::to_string(&new.actor).unwrap_or_default();
    tx.execute(
        "INSERT INTO erasures (id, subject, kind, actor, details, begun)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![new.id, new.subject, new.kind.name(), &actor, &new.details, new.begun],
    )?;
    Ok(())
}

pub fn finish(
    tx: &mut impl SqlMut,
    id: ErasureId,
    details: &[u8],
    time: Timestamp,
    certificate: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE erasures SET finished = $1, certificate = $2, details = $3 WHERE id = $4",
        args![time, certificate, details, id],
    )?;
    Ok(())
}

pub fn find(tx: &impl Sql, id: ErasureId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], stored)
}

pub fn of_subject(tx: &impl Sql, subject: KeyId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE subject = $1"), args![subject], stored)
}

/// The latest first.
pub fn list(tx: &impl Sql, most: u32) -> Result<Vec<Stored>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY begun DESC, id DESC LIMIT $1"), args![most], stored)
}

/// Those that were interrupted, oldest first.
pub fn unfinished(tx: &impl Sql) -> Result<Vec<ErasureId>, StoreError> {
    let sql = "SELECT id FROM erasures WHERE finished IS NULL ORDER BY begun";
    tx.query(sql, &[], |row| row.get(0))
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let damaged = || StoreError::Sql("the record of an erasure is damaged".into());
    let finished: Option<Timestamp> = row.get(6)?;
    let certificate: String = row.get(7)?;
    Ok(Stored {
        id: row.get(0)?,
        subject: row.get(1)?,
        kind: Kind::parse(&row.get::<String>(2)?).ok_or_else(damaged)?,
        actor: serde_json::from_str(&row.get::<String>(3)?).map_err(|_| damaged())?,
        details: row.get(4)?,
        begun: row.get(5)?,
        finished: finished.map(|time| (time, certificate)),
    })
}

const PERSONS: &str = "SELECT id, reference, name, email FROM data_subjects";
/// Persons that one e-mail address leads to at the most.
const FITTING: u32 = 100;

type Sealed = (KeyId, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

fn sealed(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn opened(tx: &impl RealmTx, rows: Vec<Sealed>) -> Result<Vec<Person>, PrivacyError> {
    let open = |(key, reference, name, email): Sealed| {
        person::data_subject(tx, key, &reference, name.as_deref(), email.as_deref())
    };
    Ok(rows.into_iter().map(open).collect::<Result<_, CryptoError>>()?)
}

pub fn data_subject(tx: &impl RealmTx, key: KeyId) -> Result<Vec<Person>, PrivacyError> {
    opened(tx, tx.query(&format!("{PERSONS} WHERE id = $1"), args![key], sealed)?)
}

pub fn by_reference(tx: &impl RealmTx, hash: &[u8; 32]) -> Result<Vec<Person>, PrivacyError> {
    opened(tx, tx.query(&format!("{PERSONS} WHERE reference_hash = $1"), args![hash], sealed)?)
}

pub fn by_email(tx: &impl RealmTx, hash: &[u8; 32]) -> Result<Vec<Person>, PrivacyError> {
    let sql = format!("{PERSONS} WHERE email_hash = $1 ORDER BY id LIMIT $2");
    opened(tx, tx.query(&sql, args![hash, FITTING], sealed)?)
}

pub fn member_of(tx: &impl Sql, key: KeyId) -> Result<Option<UserId>, StoreError> {
    tx.query_one("SELECT id FROM users WHERE subject = $1", args![key], |row| row.get(0))
}

pub fn key_of_member(tx: &impl Sql, id: UserId) -> Result<Option<KeyId>, StoreError> {
    tx.query_one("SELECT subject FROM users WHERE id = $1", args![id], |row| row.get(0))
}

/// How much the tables of the data have of a person; nothing of the log.
pub fn counts(tx: &impl RealmTx, person: &Person) -> Result<ErasureCounts, PrivacyError> {
    let of = "conversations WHERE data_subject = $1";
    let others = format!(
        "SELECT count(*) FROM messages WHERE author_type <> 'customer'
           AND conversation IN (SELECT id FROM {of})"
    );
    Ok(ErasureCounts {
        conversations: tx.count(&format!("SELECT count(*) FROM {of}"), args![person.key])?,
        messages: tx.count(
            &format!("SELECT count(*) FROM messages WHERE conversation IN (SELECT id FROM {of})"),
            args![person.key],
        )?,
        messages_of_others: tx.count(&others, args![person.key])?,
        entries: None,
        saved_searches: searches_naming(tx, person)?.len() as u64,
    })
}

/// Saved searches with something of the person in their name or query: they are sealed under the
/// tenant's key, not the person's.
pub fn searches_naming(
    tx: &impl RealmTx,
    person: &Person,
) -> Result<Vec<SavedSearchId>, PrivacyError> {
    let words = person.words();
    let rows = tx.query("SELECT id, name, query FROM saved_searches", &[], |row| {
        Ok((row.get::<SavedSearchId>(0)?, row.get::<Vec<u8>>(1)?, row.get::<Vec<u8>>(2)?))
    })?;
    let mut found = Vec::new();
    for (id, name, query) in rows {
        let name = tx.open_text(Field::SearchName, id.bytes(), &name)?.unwrap_or_default();
        let query = tx.open_text(Field::SearchQuery, id.bytes(), &query)?.unwrap_or_default();
        let text = format!("{name}\n{query}").to_lowercase();
        if words.iter().any(|word| text.contains(word.as_str())) {
            found.push(id);
        }
    }
    Ok(found)
}

pub fn delete_search(tx: &mut impl SqlMut, id: SavedSearchId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM saved_searches WHERE id = $1", args![id]).map(|_| ())
}

/// What an application has written about the person's conversations in words of its own, in clear.
pub fn clear_tags<P>(tx: &mut WriteTx<'_, P>, key: KeyId) -> Result<(), StoreError> {
    let sql = "UPDATE conversations SET tags = '[]' WHERE data_subject = $1 AND tags <> '[]'";
    tx.execute(sql, args![Value::from(key)]).map(|_| ())
}
