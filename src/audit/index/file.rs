//! What is in the index's file: statements, and nothing of what they mean.

use std::collections::HashMap;

use super::bits::{self, Bits, CHUNK};
use super::fields::Key;
use crate::args;
use crate::kernel::id::LogId;
use crate::store::{Sql, SqlMut, StoreError};

/// Entries in one table of the full text. A table is what is dropped as a whole, and what a search
/// for a phrase may have to walk through before the clock is looked at.
pub const PART: u64 = 8 * CHUNK;

/// How far the log has been taken in; `None` for another log's index and an empty one.
pub fn cursor(index: &impl Sql, log: LogId) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT indexed_through FROM cursor WHERE log = $1";
    index.query_one(sql, args![log], |row| row.get(0))
}

pub fn set_cursor(index: &mut impl SqlMut, log: LogId, seq: u64) -> Result<(), StoreError> {
    index.execute("DELETE FROM cursor", &[])?;
    let sql = "INSERT INTO cursor (log, indexed_through) VALUES ($1, $2)";
    index.execute(sql, args![log, seq.cast_signed()]).map(|_| ())
}

pub fn is_empty(index: &impl Sql) -> Result<bool, StoreError> {
    Ok(index.count("SELECT count(*) FROM cursor", &[])? == 0)
}

/// Adds entries, newer than all that are there, to what a key has in a chunk.
pub fn append_postings(
    index: &mut impl SqlMut,
    chunk: u64,
    key: &[u8],
    lows: &[u16],
    is_new: bool,
) -> Result<(), StoreError> {
    let (mut count, mut seqs) = (lows.len() as u64, Vec::new());
    if !is_new {
        let sql = "SELECT count, seqs FROM postings WHERE chunk = $1 AND key = $2";
        index.for_each(sql, args![chunk.cast_signed(), key], |row| {
            (count, seqs) = (count + row.get::<u64>(0)?, row.get(1)?);
            Ok(())
        })?;
    }
    bits::append(&mut seqs, lows);
    put_postings(index, chunk, key, count, &seqs)
}

pub fn put_postings(
    index: &mut impl SqlMut,
    chunk: u64,
    key: &[u8],
    count: u64,
    seqs: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO postings (chunk, key, count, seqs) VALUES ($1, $2, $3, $4)
               ON CONFLICT (chunk, key) DO UPDATE SET count = excluded.count, seqs = excluded.seqs";
    index.execute(sql, args![chunk.cast_signed(), key, count.cast_signed(), seqs]).map(|_| ())
}

/// Adds the entries of a chunk that have a key to `bits`.
pub fn add_postings(
    index: &impl Sql,
    chunk: u64,
    key: &[u8],
    bits: &mut Bits,
) -> Result<(), StoreError> {
    let sql = "SELECT seqs FROM postings WHERE chunk = $1 AND key = $2";
    index.for_each(sql, args![chunk.cast_signed(), key], |row| {
        bits.add(row.blob(0)?);
        Ok(())
    })
}

/// The same for all keys from `from` on and before `to`.
pub fn add_range(
    index: &impl Sql,
    chunk: u64,
    (from, to): (&[u8], &[u8]),
    bits: &mut Bits,
) -> Result<(), StoreError> {
    let sql = "SELECT seqs FROM postings WHERE chunk = $1 AND key >= $2 AND key < $3";
    index.for_each(sql, args![chunk.cast_signed(), from, to], |row| {
        bits.add(row.blob(0)?);
        Ok(())
    })
}

/// What follows all keys that begin with `prefix`.
pub fn after(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    // A field's number is under 255, so that something is left.
    while next.pop_if(|last| *last == u8::MAX).is_some() {}
    if let Some(last) = next.last_mut() {
        *last += 1;
    }
    next
}

pub fn parts(index: &impl Sql) -> Result<Vec<u64>, StoreError> {
    index.query("SELECT part FROM parts ORDER BY part", &[], |row| row.get(0))
}

/// Makes a part's table of full text when there is none.
///
/// The text is not stored a second time (it can be made again from the log while it may be read),
/// and what is deleted is overwritten.
pub fn make_part(index: &mut impl SqlMut, part: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO parts (part) VALUES ($1) ON CONFLICT (part) DO NOTHING";
    if index.execute(sql, args![part.cast_signed()])? == 0 {
        return Ok(());
    }
    let sql = format!(
        "CREATE VIRTUAL TABLE text_{part}
         USING fts5(words, content = '', columnsize = 0, tokenize = 'ascii')"
    );
    index.execute(&sql, &[])?;
    for (name, value) in [("secure-delete", 1_i64), ("hashsize", 16 << 20)] {
        let sql = format!("INSERT INTO text_{part} (text_{part}, rank) VALUES ($1, $2)");
        index.execute(&sql, args![name, value])?;
    }
    Ok(())
}

pub fn drop_part(index: &mut impl SqlMut, part: u64) -> Result<(), StoreError> {
    index.execute(&format!("DROP TABLE IF EXISTS text_{part}"), &[])?;
    index.execute("DELETE FROM parts WHERE part = $1", args![part.cast_signed()]).map(|_| ())
}

pub fn insert_text(index: &mut impl SqlMut, seq: u64, text: &str) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO text_{} (rowid, words) VALUES ($1, $2)", seq / PART);
    index.execute(&sql, args![seq.cast_signed(), text]).map(|_| ())
}

/// `text` must be what was inserted.
pub fn delete_text(index: &mut impl SqlMut, seq: u64, text: &str) -> Result<(), StoreError> {
    let part = seq / PART;
    let sql =
        format!("INSERT INTO text_{part} (text_{part}, rowid, words) VALUES ('delete', $1, $2)");
    index.execute(&sql, args![seq.cast_signed(), text]).map(|_| ())
}

/// Entries of a part with words, from one side on.
pub struct Scan<'a> {
    pub part: u64,
    pub matching: &'a str,
    pub from: u64,
    pub to: u64,
    pub descending: bool,
    pub limit: u64,
}

pub fn scan_text(index: &impl Sql, scan: &Scan<'_>) -> Result<Vec<u64>, StoreError> {
    let (part, order) = (scan.part, if scan.descending { "DESC" } else { "ASC" });
    let sql = format!(
        "SELECT rowid FROM text_{part} WHERE text_{part} MATCH $1 AND rowid BETWEEN $2 AND $3
         ORDER BY rowid {order} LIMIT $4"
    );
    let (from, to, limit) =
        (scan.from.cast_signed(), scan.to.cast_signed(), scan.limit.cast_signed());
    index.query(&sql, args![scan.matching, from, to, limit], |row| row.get(0))
}

/// Whether a frequent word of this chunk has postings.
pub fn is_worded(index: &impl Sql, chunk: u64) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM worded WHERE chunk = $1";
    Ok(index.count(sql, args![chunk.cast_signed()])? > 0)
}

/// Adds how often each value of a field occurs in a chunk, or among `within`.
pub fn count_values(
    index: &impl Sql,
    chunk: u64,
    key: Key,
    within: Option<&Bits>,
    counts: &mut HashMap<Vec<u8>, u64>,
) -> Result<(), StoreError> {
    let (from, to) = (key.of(&[0]), after(&key.of(&[])));
    let columns = if within.is_some() { "key, count, seqs" } else { "key, count" };
    let sql = format!("SELECT {columns} FROM postings WHERE chunk = $1 AND key >= $2 AND key < $3");
    index.for_each(&sql, args![chunk.cast_signed(), &from, &to], |row| {
        let count = match within {
            Some(within) => within.common(row.blob(2)?),
            None => row.get(1)?,
        };
        let value = row.blob(0)?.get(1..).unwrap_or_default();
        match counts.get_mut(value) {
            Some(sum) => *sum += count,
            None if count > 0 => drop(counts.insert(value.to_vec(), count)),
            None => {}
        }
        Ok(())
    })
}

/// Values of a field in a chunk that begin with `prefix`.
pub fn values(
    index: &impl Sql,
    chunk: u64,
    key: Key,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let start = key.of(prefix.as_bytes());
    let from = if prefix.is_empty() { key.of(&[0]) } else { start.clone() };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT key FROM postings WHERE chunk = $1 AND key >= $2 AND key < $3 LIMIT $4";
    index.query(sql, args![chunk.cast_signed(), &from, &after(&start), limit], |row| {
        Ok(row.blob(0)?.get(1..).unwrap_or_default().to_vec())
    })
}
