//! The search index of one log: a file of its own, fed from the log, dropped and rebuilt at will.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::query::{Field, Query, Term};
use super::read::Opener;
use super::view::EntryView;
use crate::args;
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::Clock;
use crate::kernel::id::LogId;
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
        for term in &query.terms {
            condition(term, &mut sql, &mut values);
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

/// Adds one term as a condition; values go in as arguments, never as text.
fn condition(term: &Term, sql: &mut String, values: &mut Vec<OwnedValue>) {
    let text = || OwnedValue::Text(term.value.clone());
    let time = || {
        OwnedValue::Integer(
            crate::kernel::Timestamp::parse(&term.value)
                .map_or(0, crate::kernel::Timestamp::as_micros),
        )
    };
    let mut clause = |parts: &str, new: Vec<OwnedValue>| {
        let mut filled = String::new();
        let mut new = new.into_iter();
        for piece in parts.split_inclusive('?') {
            match piece.strip_suffix('?') {
                Some(before) => {
                    values.extend(new.next());
                    filled.push_str(&format!("{before}${}", values.len()));
                }
                None => filled.push_str(piece),
            }
        }
        // A column that is NULL does not match, so its negation does.
        match term.negated {
            true => sql.push_str(&format!(" AND NOT coalesce(({filled}), 0)")),
            false => sql.push_str(&format!(" AND ({filled})")),
        }
    };
    match term.field {
        Field::Action if term.prefix => {
            // A range, so that the index serves it; U+10FFFF is above whatever may follow.
            let end = format!("{}\u{10FFFF}", term.value);
            clause("action >= ? AND action < ?", vec![text(), OwnedValue::Text(end)]);
        }
        Field::Action => clause("action = ?", vec![text()]),
        Field::Actor => {
            clause("actor_id = ? OR actor_name = ?", vec![text(), text()]);
        }
        Field::Outcome => clause("outcome = ?", vec![text()]),
        Field::Resource => clause("resource_id = ?", vec![text()]),
        Field::Type => clause("resource_type = ?", vec![text()]),
        Field::Ip => clause("ip = ?", vec![text()]),
        Field::Request => clause("request_id = ?", vec![text()]),
        Field::Seq => {
            clause("seq = ?", vec![OwnedValue::Integer(term.value.parse().unwrap_or(0))]);
        }
        Field::Before => clause("time < ?", vec![time()]),
        Field::After => clause("time >= ?", vec![time()]),
    }
}
