//! The search index of one log: a file of its own, fed from the log, dropped and rebuilt at will.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::query::{Condition, Expr, Field, Query};
use super::read::Opener;
use super::view::EntryView;
use crate::args;
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::id::LogId;
use crate::kernel::{Clock, Timestamp};
use crate::store::{IndexFile, Sql, SqlMut, StoreError, Value};

/// Entries taken into the index in one transaction.
const BATCH: u64 = 2000;

pub struct AuditIndex {
    file: IndexFile,
}

/// One page of a search, newest first.
#[derive(Debug)]
pub struct Found {
    pub seqs: Vec<u64>,
    /// Whether there are more below the last one.
    pub more: bool,
    /// How far the index had caught up with the log.
    pub indexed_through: u64,
}

impl AuditIndex {
    pub fn new(path: PathBuf, key: Key32) -> Self {
        Self { file: IndexFile::new(path, key) }
    }

    /// Reads what the log has beyond the index, for `budget` at the most.
    pub fn catch_up(
        &self,
        tx: &impl Sql,
        keys: &Arc<TenantKeys>,
        clock: &dyn Clock,
        budget: Duration,
    ) -> Result<u64, StoreError> {
        let start = clock.monotonic();
        let mut opener = Opener::new(tx, keys.clone())?;
        let head = super::read::size(tx)?;
        loop {
            let through = self.file.read(|index| cursor(index, opener.log()))?.unwrap_or(0);
            let late = clock.monotonic().saturating_sub(start) >= budget;
            if through >= head || late {
                return Ok(through);
            }
            let batch = read_batch(tx, &mut opener, through, head.min(through + BATCH))?;
            self.file.write(|index| feed(index, opener.log(), &batch))?;
        }
    }

    /// Entries below `below` (or all) that match every term.
    pub fn search(
        &self,
        query: &Query,
        below: Option<u64>,
        limit: usize,
        indexed_through: u64,
    ) -> Result<Found, StoreError> {
        let (mut sql, mut values) =
            (String::from("SELECT seq FROM entries WHERE seq < $1"), vec![]);
        values.push(OwnedValue::Integer(below.unwrap_or(u64::MAX >> 1).cast_signed()));
        if let Some(root) = &query.root {
            let all = condition(root, &mut values);
            sql.push_str(&format!(" AND {all}"));
        }
        values.push(OwnedValue::Integer(i64::try_from(limit + 1).unwrap_or(i64::MAX)));
        sql.push_str(&format!(" ORDER BY seq DESC LIMIT ${}", values.len()));
        let values: Vec<_> = values.iter().map(OwnedValue::borrow).collect();
        let mut seqs: Vec<u64> =
            self.file.read(|index| index.query(&sql, &values, |row| row.get(0)))?;
        let more = seqs.len() > limit;
        seqs.truncate(limit);
        Ok(Found { seqs, more, indexed_through })
    }
}

fn read_batch(
    tx: &impl Sql,
    opener: &mut Opener,
    after: u64,
    through: u64,
) -> Result<Vec<EntryView>, StoreError> {
    let mut views = Vec::new();
    tx.for_each(
        "SELECT seq, time, envelope FROM audit_entries WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        args![after.cast_signed(), through.cast_signed()],
        |row| {
            views.push(opener.open(row.get(0)?, row.get(1)?, row.blob(2)?)?);
            Ok(())
        },
    )?;
    Ok(views)
}

fn cursor(index: &impl Sql, log: LogId) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT indexed_through FROM cursor WHERE log = $1";
    index.query_one(sql, args![log], |row| row.get(0))
}

fn feed(index: &mut impl SqlMut, log: LogId, batch: &[EntryView]) -> Result<(), StoreError> {
    let Some(last) = batch.last() else { return Ok(()) };
    if cursor(index, log)?.is_none() {
        // Another log's entries bear the same numbers.
        index.execute("DELETE FROM entries", &[])?;
    }
    for entry in batch {
        let (actor, resource) = (entry.actor.as_ref(), entry.resource.as_ref());
        let ip = entry.ip.map(|ip| ip.to_string());
        index.execute(
            "INSERT INTO entries (seq, time, action, actor_type, actor_id, actor_name,
                 resource_type, resource_id, outcome, ip, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (seq) DO NOTHING",
            args![
                entry.seq.cast_signed(),
                entry.time,
                &entry.action,
                actor.map(|actor| actor.kind.as_str()),
                actor.map(|actor| actor.id.as_str()),
                actor.and_then(|actor| actor.name.as_deref()),
                resource.map(|resource| resource.kind.as_str()),
                resource.map(|resource| resource.id.as_str()),
                entry.outcome.name(),
                ip.as_deref(),
                entry.request_id.as_deref(),
            ],
        )?;
    }
    index.execute("DELETE FROM cursor", &[])?;
    index.execute(
        "INSERT INTO cursor (log, indexed_through) VALUES ($1, $2)",
        args![log, last.seq.cast_signed()],
    )?;
    Ok(())
}

enum OwnedValue {
    Integer(i64),
    Text(String),
}

impl OwnedValue {
    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Integer(value) => Value::Integer(*value),
            Self::Text(value) => Value::Text(value),
        }
    }
}

/// An expression as a condition; values go in as arguments, never as text.
fn condition(expr: &Expr, values: &mut Vec<OwnedValue>) -> String {
    let join = |all: &[Expr], word: &str, values: &mut Vec<OwnedValue>| {
        let parts: Vec<_> = all.iter().map(|one| condition(one, values)).collect();
        format!("({})", parts.join(word))
    };
    match expr {
        Expr::All(all) => join(all, " AND ", values),
        Expr::Any(all) => join(all, " OR ", values),
        Expr::Not(inner) => format!("NOT coalesce({}, 0)", condition(inner, values)),
        Expr::Is(one) => leaf(one, values),
    }
}

fn leaf(one: &Condition, values: &mut Vec<OwnedValue>) -> String {
    let mut add = |value: OwnedValue| {
        values.push(value);
        format!("${}", values.len())
    };
    match one {
        Condition::Equals { field: Field::Actor, value } => {
            let (id, name) =
                (add(OwnedValue::Text(value.clone())), add(OwnedValue::Text(value.clone())));
            format!("(actor_id = {id} OR actor_name = {name})")
        }
        Condition::Equals { field, value } => {
            let column = match field {
                Field::Action => "action",
                Field::Outcome => "outcome",
                Field::Resource => "resource_id",
                Field::Type => "resource_type",
                _ => "request_id",
            };
            format!("{column} = {}", add(OwnedValue::Text(value.clone())))
        }
        Condition::Begins { value, .. } => {
            let from = add(OwnedValue::Text(value.clone()));
            let to = add(OwnedValue::Text(format!("{value}\u{10FFFF}")));
            format!("(action >= {from} AND action < {to})")
        }
        Condition::Network { address, .. } => {
            format!("ip = {}", add(OwnedValue::Text(address.to_string())))
        }
        Condition::Seq { from, .. } => {
            format!("seq = {}", add(OwnedValue::Integer(from.cast_signed())))
        }
        Condition::Time { from, to } => {
            let bound =
                |time: Option<Timestamp>, open: i64| time.map_or(open, Timestamp::as_micros);
            let from = add(OwnedValue::Integer(bound(*from, i64::MIN)));
            let to = add(OwnedValue::Integer(bound(*to, i64::MAX)));
            format!("(time >= {from} AND time < {to})")
        }
        Condition::Has { field: Field::Action } => "1 = 1".to_owned(),
        Condition::Has { .. } | Condition::Custom { .. } | Condition::Text { .. } => {
            "1 = 0".to_owned()
        }
    }
}
