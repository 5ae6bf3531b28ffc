//! The table `legal_holds`; what is sealed stays sealed here.

use super::{HoldScope, HoldState};
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{HoldId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};

/// A hold as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub id: HoldId,
    pub scope: HoldScope,
    pub target: Option<[u8; 16]>,
    pub reason: Vec<u8>,
    pub details: Vec<u8>,
    pub created: Timestamp,
    pub ends: Option<Timestamp>,
    pub review: Option<Timestamp>,
    pub lifted: Option<Timestamp>,
}

const COLUMNS: &str =
    "SELECT id, scope, target, reason, details, created, ends, review, lifted FROM legal_holds";

pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO legal_holds
             (id, scope, target, reason, details, created, ends, review, lifted)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            new.id,
            new.scope.name(),
            new.target.map_or(Value::Null, Value::Id),
            &new.reason,
            &new.details,
            new.created,
            new.ends,
            new.review,
            new.lifted,
        ],
    )?;
    Ok(())
}

pub fn update(tx: &mut impl SqlMut, changed: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE legal_holds SET details = $1, ends = $2, review = $3, lifted = $4 WHERE id = $5",
        args![&changed.details, changed.ends, changed.review, changed.lifted, changed.id],
    )?;
    Ok(())
}

pub fn find(tx: &impl Sql, id: HoldId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], stored)
}

/// The next holds, the newest first.
pub fn page(
    tx: &impl Sql,
    state: Option<HoldState>,
    before: Option<HoldId>,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let state = match state {
        None => "TRUE",
        Some(HoldState::InForce) => "lifted IS NULL",
        Some(HoldState::Lifted) => "lifted IS NOT NULL",
    };
    let mut args: Vec<Value<'_>> = Vec::new();
    let mut after = "";
    if let Some(before) = before {
        args.push(before.into());
        after = " AND id < $1";
    }
    args.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let sql = format!("{COLUMNS} WHERE {state}{after} ORDER BY id DESC LIMIT ${}", args.len());
    tx.query(&sql, &args, stored)
}

/// Holds in force whose time has ended, the first `most` of them.
pub fn ended(tx: &impl Sql, now: Timestamp, most: u32) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE lifted IS NULL AND ends IS NOT NULL AND ends <= $1 ORDER BY ends LIMIT $2"
    );
    tx.query(&sql, args![now, most], stored)
}

pub fn count_in_force(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM legal_holds WHERE lifted IS NULL", &[])
}

/// A member's key, by their id.
pub fn member_key(tx: &impl Sql, user: &[u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
    let sql = "SELECT subject FROM users WHERE id = $1";
    tx.query_one(sql, &[Value::Id(*user)], |row| row.get(0))
}

/// The same by the blind index of their address.
pub fn member_key_by_email(
    tx: &impl Sql,
    email_hash: &[u8; 32],
) -> Result<Option<[u8; 16]>, StoreError> {
    let sql = "SELECT subject FROM users WHERE email_hash = $1";
    tx.query_one(sql, args![email_hash], |row| row.get(0))
}

/// Whose key it is.
pub fn member_of_key(tx: &impl Sql, key: &[u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
    let sql = "SELECT id FROM users WHERE subject = $1";
    tx.query_one(sql, &[Value::Id(*key)], |row| row.get(0))
}

pub fn sealed_member_name(tx: &impl Sql, id: UserId) -> Result<Option<Vec<u8>>, StoreError> {
    tx.query_one("SELECT name FROM users WHERE id = $1", args![id], |row| row.get(0))
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let scope: String = row.get(1)?;
    let damaged = || StoreError::Sql("the row of a legal hold is damaged".into());
    Ok(Stored {
        id: row.get(0)?,
        scope: HoldScope::parse(&scope).ok_or_else(damaged)?,
        target: row.get(2)?,
        reason: row.get(3)?,
        details: row.get(4)?,
        created: row.get(5)?,
        ends: row.get(6)?,
        review: row.get(7)?,
        lifted: row.get(8)?,
    })
}
