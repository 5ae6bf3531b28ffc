//! The table `data_subjects`. A row's id is the id of the person's key.

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// A person as stored; everything is sealed under the person's key.
pub struct StoredSubject {
    pub key: KeyId,
    pub reference: Vec<u8>,
    pub name: Option<Vec<u8>>,
    pub email: Option<Vec<u8>>,
}

const COLUMNS: &str = "SELECT id, reference, name, email FROM data_subjects";

pub fn find(tx: &impl Sql, key: KeyId) -> Result<Option<StoredSubject>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![key], stored)
}

pub fn by_reference(tx: &impl Sql, hash: &[u8; 32]) -> Result<Option<StoredSubject>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE reference_hash = $1"), args![hash], stored)
}

pub fn insert(
    tx: &mut impl SqlMut,
    new: &StoredSubject,
    reference_hash: &[u8; 32],
    email_hash: Option<&[u8; 32]>,
    created: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO data_subjects (id, reference_hash, email_hash, reference, name, email, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            new.key,
            reference_hash,
            email_hash,
            &new.reference,
            new.name.as_ref(),
            new.email.as_ref(),
            created,
        ],
    )?;
    Ok(())
}

pub fn set_name(tx: &mut impl SqlMut, key: KeyId, name: &[u8]) -> Result<(), StoreError> {
    tx.execute("UPDATE data_subjects SET name = $1 WHERE id = $2", args![name, key])?;
    Ok(())
}

pub fn set_email(
    tx: &mut impl SqlMut,
    key: KeyId,
    email: &[u8],
    hash: &[u8; 32],
) -> Result<(), StoreError> {
    let sql = "UPDATE data_subjects SET email = $1, email_hash = $2 WHERE id = $3";
    tx.execute(sql, args![email, hash, key])?;
    Ok(())
}

/// Takes an erased person out of the blind indexes. The row stays for the conversations that it
/// belongs to; its own id, which is no hash of anything, takes the place of the reference's.
pub fn forget(tx: &mut impl SqlMut, key: KeyId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE data_subjects SET reference_hash = id, email_hash = NULL WHERE id = $1",
        args![key],
    )?;
    Ok(())
}

fn stored(row: &Row<'_>) -> Result<StoredSubject, StoreError> {
    Ok(StoredSubject {
        key: row.get(0)?,
        reference: row.get(1)?,
        name: row.get(2)?,
        email: row.get(3)?,
    })
}
