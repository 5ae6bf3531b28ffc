//! The table `saved_searches`; what is sealed stays sealed here.

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::SavedSearchId;
use crate::store::{Sql, SqlMut, StoreError};

/// A search as it is stored.
pub struct StoredSearch {
    pub id: SavedSearchId,
    pub name: Vec<u8>,
    pub query: Vec<u8>,
    pub created: Timestamp,
}

pub fn all(tx: &impl Sql) -> Result<Vec<StoredSearch>, StoreError> {
    tx.query("SELECT id, name, query, created FROM saved_searches", &[], |row| {
        Ok(StoredSearch {
            id: row.get(0)?,
            name: row.get(1)?,
            query: row.get(2)?,
            created: row.get(3)?,
        })
    })
}

pub fn count(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM saved_searches", &[])
}

pub fn is_taken(tx: &impl Sql, name_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM saved_searches WHERE name_hash = $1";
    Ok(tx.count(sql, args![name_hash])? > 0)
}

pub fn insert(
    tx: &mut impl SqlMut,
    name_hash: &[u8; 32],
    new: &StoredSearch,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO saved_searches (id, name_hash, name, query, created)
         VALUES ($1, $2, $3, $4, $5)",
        args![new.id, name_hash, &new.name, &new.query, new.created],
    )?;
    Ok(())
}

/// Whether there was one.
pub fn delete(tx: &mut impl SqlMut, id: SavedSearchId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM saved_searches WHERE id = $1", args![id])? == 1)
}
