//! A repeated call gets the first answer: stored in the write's own savepoint, sealed, for 24 hours.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AuditEvents, DoorError, RealmTx, Tenants, WriteTx, Written};
use crate::args;
use crate::authz::{Grant, Writes};
use crate::crypto::Field;
use crate::kernel::id::{Id, RequestId};
use crate::kernel::limits;
use crate::store::{Sql, SqlMut};

/// What makes a repeated call the same call.
#[derive(Clone)]
pub struct IdempotencyKey {
    pub route: &'static str,
    pub key: String,
    /// SHA-256 of path and body.
    pub request_hash: [u8; 32],
}

impl IdempotencyKey {
    /// # Errors
    /// [`DoorError::IdempotencyKey`] for an empty or overlong key.
    pub fn new(route: &'static str, key: &str, request_hash: [u8; 32]) -> Result<Self, DoorError> {
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        match key.len() {
            1..=128 if visible => Ok(Self { route, key: key.to_owned(), request_hash }),
            _ => Err(DoorError::IdempotencyKey),
        }
    }
}

pub(super) async fn write_once<P, T, E>(
    tenants: &Tenants,
    grant: &Grant<P>,
    key: IdempotencyKey,
    f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
) -> Result<Written<T>, E>
where
    P: Writes,
    T: Serialize + DeserializeOwned + Send + 'static,
    E: From<DoorError> + Send + 'static,
{
    let run = once(principal(grant), key, f);
    Ok(first(tenants.write::<P, _, E>(grant, run).await?))
}

/// Who repeats it.
pub(super) fn principal<P>(grant: &Grant<P>) -> String {
    let actor = grant.caller().principal.actor();
    format!("{}:{}", actor.kind, actor.id)
}

/// An answer, and the entries of the first call when this was not it.
type Repeated<T> = (T, Option<(u64, u64)>);

/// `f`, unless it was done before.
pub(super) fn once<P, T, E>(
    principal: String,
    key: IdempotencyKey,
    f: impl Fn(&mut WriteTx<'_, P>) -> Result<(T, AuditEvents), E> + Send + 'static,
) -> impl Fn(&mut WriteTx<'_, P>) -> Result<(Repeated<T>, AuditEvents), E> + Send + 'static
where
    P: 'static,
    T: Serialize + DeserializeOwned + Send + 'static,
    E: From<DoorError> + Send + 'static,
{
    move |tx| {
        if let Some(first) = find::<T, P>(tx, &principal, &key)? {
            let entries = (first.first_entry, first.last_entry);
            return Ok(((first.value, Some(entries)), AuditEvents::none()));
        }
        let next = tx.first_entry();
        let (value, events) = f(tx)?;
        let last = next + events.len() as u64 - 1;
        let answer = Written { value, first_entry: next, last_entry: last };
        remember(tx, &principal, &key, &answer)?;
        Ok(((answer.value, None), events))
    }
}

/// What the first call answered.
pub(super) fn first<T>(written: Written<Repeated<T>>) -> Written<T> {
    let (value, first) = written.value;
    let (first_entry, last_entry) = first.unwrap_or((written.first_entry, written.last_entry));
    Written { value, first_entry, last_entry }
}

fn find<T: DeserializeOwned, P>(
    tx: &WriteTx<'_, P>,
    principal: &str,
    key: &IdempotencyKey,
) -> Result<Option<Written<T>>, DoorError> {
    let oldest = tx.runtime().now().minus(limits::IDEMPOTENCY_LIFE);
    let found = tx.query_one(
        "SELECT body_hash, row_id, answer FROM idempotency
         WHERE principal = $1 AND route = $2 AND key = $3 AND created >= $4",
        args![principal, key.route, &key.key, oldest],
        |row| Ok((row.get::<[u8; 32]>(0)?, row.get::<[u8; 16]>(1)?, row.get::<Vec<u8>>(2)?)),
    )?;
    let Some((hash, row, answer)) = found else { return Ok(None) };
    if hash != key.request_hash {
        return Err(DoorError::IdempotencyMismatch);
    }
    let answer = tx.open(Field::IdempotentAnswer, &row, &answer)?;
    let answer = serde_json::from_slice(&answer);
    Ok(Some(answer.map_err(|_| crate::crypto::CryptoError::Unreadable)?))
}

fn remember<T: Serialize, P>(
    tx: &mut WriteTx<'_, P>,
    principal: &str,
    key: &IdempotencyKey,
    answer: &Written<T>,
) -> Result<(), DoorError> {
    let row = *tx.runtime().id::<RequestId>().uuid().as_bytes();
    let json = serde_json::to_vec(answer).unwrap_or_default();
    let sealed = tx.seal(Field::IdempotentAnswer, &row, None, &json)?;
    let now = tx.runtime().now();
    // By itself it is no change that needs an entry.
    tx.bookkeeping += 1;
    tx.execute(
        "INSERT INTO idempotency (principal, route, key, body_hash, row_id, answer, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (principal, route, key) DO UPDATE SET
             body_hash = excluded.body_hash, row_id = excluded.row_id,
             answer = excluded.answer, created = excluded.created",
        args![
            principal,
            key.route,
            &key.key,
            &key.request_hash,
            crate::store::Value::Id(row),
            &sealed,
            now
        ],
    )?;
    Ok(())
}
