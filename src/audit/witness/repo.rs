//! A log's witnesses and what they signed, in the log's own file.

use crate::args;
use crate::audit::leaf::Hash;
use crate::audit::note::Verifier;
use crate::kernel::Timestamp;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// A witness as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWitness {
    pub key: Verifier,
    /// What people call it.
    pub name: String,
    pub added: Timestamp,
    pub removed: Option<Timestamp>,
    /// The largest size that it signed, and when it says that it did.
    pub last: Option<(u64, Timestamp)>,
}

/// A signed checkpoint that the log was found not to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradicted {
    pub size: u64,
    pub root: Hash,
    pub found: Timestamp,
}

/// All witnesses, those that were removed too, by name.
pub fn all(tx: &impl Sql) -> Result<Vec<StoredWitness>, StoreError> {
    let sql = "SELECT key, name, added, removed, size, time FROM witnesses
        LEFT JOIN (SELECT witness, size, time FROM cosignatures AS one WHERE size =
            (SELECT max(size) FROM cosignatures WHERE witness = one.witness)) ON witness = key
        ORDER BY name, added";
    Ok(tx.query(sql, &[], stored)?.into_iter().flatten().collect())
}

/// None for a row whose key somebody spoiled: it hides no others.
fn stored(row: &Row<'_>) -> Result<Option<StoredWitness>, StoreError> {
    let Ok(key) = row.get::<String>(0)?.parse() else { return Ok(None) };
    let last = row.get::<Option<u64>>(4)?.zip(row.get::<Option<Timestamp>>(5)?);
    let (name, added, removed) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(Some(StoredWitness { key, name, added, removed, last }))
}

/// Adds a witness, or takes one up again that was removed.
pub fn add(
    tx: &mut impl SqlMut,
    key: &Verifier,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO witnesses (key, name, added) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET name = excluded.name, added = excluded.added, removed = NULL";
    tx.execute(sql, args![&key.to_string(), name, now]).map(|_| ())
}

pub fn remove(tx: &mut impl SqlMut, key: &Verifier, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE witnesses SET removed = $1 WHERE key = $2 AND removed IS NULL";
    tx.execute(sql, args![now, &key.to_string()]).map(|_| ())
}

/// Stores a cosignature; false when it is there already.
pub fn cosigned(
    tx: &mut impl SqlMut,
    size: u64,
    witness: &Verifier,
    time: Timestamp,
    line: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO cosignatures (size, witness, time, line) VALUES ($1, $2, $3, $4)
        ON CONFLICT (size, witness) DO UPDATE SET time = excluded.time, line = excluded.line
        WHERE line <> excluded.line";
    let witness = witness.to_string();
    Ok(tx.execute(sql, args![size.cast_signed(), &witness, time, line])? > 0)
}

/// The latest contradictions, as many as a person looks at.
pub fn contradictions(tx: &impl Sql) -> Result<Vec<Contradicted>, StoreError> {
    let sql = "SELECT size, root, found FROM contradictions ORDER BY found DESC LIMIT 20";
    tx.query(sql, &[], |row| {
        let root = Hash::from_bytes(row.get(1)?);
        Ok(Contradicted { size: row.get(0)?, root, found: row.get(2)? })
    })
}
