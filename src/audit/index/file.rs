//! What is in the index's file: statements, and nothing of what they mean.

use std::collections::{BTreeSet, HashMap};

use super::bits::{self, Bits, CHUNK};
use super::fields::Key;
use crate::args;
use crate::kernel::id::LogId;
use crate::store::{Sql, SqlMut, StoreError};

/// Entries in one table of the full text. A table is what is dropped as a whole, and what a search
/// for a phrase may have to walk through before the clock is looked at.
pub const PART: u64 = 8 * CHUNK;

/// How far the log has been taken in, and the hash of the last entry; `None` for another log's
/// index and an empty one.
pub fn cursor(index: &impl Sql, log: LogId) -> Result<Option<Taken>, StoreError> {
    let sql = "SELECT indexed_through, hash FROM cursor WHERE log = $1";
    index.query_one(sql, args![log], |row| Ok(Taken { through: row.get(0)?, hash: row.get(1)? }))
}

pub struct Taken {
    pub through: u64,
    /// None where nothing was taken in yet.
    pub hash: Option<[u8; 32]>,
}

pub fn set_cursor(index: &mut impl SqlMut, log: LogId, taken: &Taken) -> Result<(), StoreError> {
    let sql = "INSERT INTO cursor (log, indexed_through, hash) VALUES ($1, $2, $3)
               ON CONFLICT (log)
               DO UPDATE SET indexed_through = excluded.indexed_through, hash = excluded.hash";
    let through = taken.through.cast_signed();
    index.execute(sql, args![log, through, taken.hash.as_ref()]).map(|_| ())
}

/// Entries up to this one were taken out again.
pub fn pruned(index: &impl Sql) -> Result<u64, StoreError> {
    index.count("SELECT pruned_through FROM cursor", &[])
}

pub fn set_pruned(index: &mut impl SqlMut, seq: u64) -> Result<(), StoreError> {
    index.execute("UPDATE cursor SET pruned_through = $1", args![seq.cast_signed()]).map(|_| ())
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
    configure(index, part, "hashsize", 16 << 20)?;
    set_in_place(index, part, true)
}

fn configure(index: &mut impl SqlMut, part: u64, name: &str, value: i64) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO text_{part} (text_{part}, rank) VALUES ($1, $2)");
    index.execute(&sql, args![name, value]).map(|_| ())
}

/// Whether what is deleted from a part's full text is cut out of its pages at once (FTS5's
/// `secure-delete`), or only marked until [`merge_segments`].
pub fn set_in_place(index: &mut impl SqlMut, part: u64, in_place: bool) -> Result<(), StoreError> {
    configure(index, part, "secure-delete", in_place.into())
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

/// A chunk's frequent words are among the postings.
pub fn set_worded(index: &mut impl SqlMut, chunk: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO worded (chunk) VALUES ($1) ON CONFLICT (chunk) DO NOTHING";
    index.execute(sql, args![chunk.cast_signed()]).map(|_| ())
}

/// The newest chunk that is complete with `through` and lacks its frequent words.
pub fn unworded(index: &impl Sql, through: u64) -> Result<Option<u64>, StoreError> {
    let worded = index.query("SELECT chunk FROM worded", &[], |row| row.get(0))?;
    let worded: BTreeSet<u64> = worded.into_iter().collect();
    let complete = chunks(index)?.take_while(|chunk| chunk * CHUNK + CHUNK - 1 <= through);
    Ok(complete.filter(|chunk| !worded.contains(chunk)).last())
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

/// A key's postings in every chunk, in their form in the file.
pub fn chunks_with(index: &impl Sql, key: &[u8]) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut found = Vec::new();
    for chunk in chunks(index)? {
        let sql = "SELECT seqs FROM postings WHERE chunk = $1 AND key = $2";
        let seqs = index.query_one(sql, args![chunk.cast_signed(), key], |row| row.get(0))?;
        found.extend(seqs.map(|seqs| (chunk, seqs)));
    }
    Ok(found)
}

/// Numbers of the chunks that there are.
pub fn chunks(index: &impl Sql) -> Result<std::ops::RangeInclusive<u64>, StoreError> {
    let first = index.count("SELECT coalesce(min(chunk), 1) FROM postings", &[])?;
    Ok(first..=index.count("SELECT coalesce(max(chunk), 0) FROM postings", &[])?)
}

/// Changes a key's postings; a key that nothing has is deleted.
pub fn change_postings(
    index: &mut impl SqlMut,
    chunk: u64,
    key: &[u8],
    change: impl FnOnce(&mut Bits),
) -> Result<(), StoreError> {
    let mut bits = Bits::none();
    add_postings(index, chunk, key, &mut bits)?;
    change(&mut bits);
    match bits.count() {
        0 => delete_postings(index, chunk, key),
        count => put_postings(index, chunk, key, count, &bits.encode()),
    }
}

pub fn delete_postings(index: &mut impl SqlMut, chunk: u64, key: &[u8]) -> Result<(), StoreError> {
    let sql = "DELETE FROM postings WHERE chunk = $1 AND key = $2";
    index.execute(sql, args![chunk.cast_signed(), key]).map(|_| ())
}

/// Merges all segments of a part's full text into a new one.
pub fn merge_segments(index: &mut impl SqlMut, part: u64) -> Result<(), StoreError> {
    index
        .execute(&format!("INSERT INTO text_{part} (text_{part}) VALUES ('optimize')"), &[])
        .map(|_| ())
}

/// Whether one of these words, which no text has any more, still marks where a page begins. FTS5
/// keeps the beginning of each page's first word beside the pages, and leaves it when the word goes.
pub fn has_signpost(
    index: &impl Sql,
    part: u64,
    words: &BTreeSet<String>,
) -> Result<bool, StoreError> {
    let sql = format!("SELECT term FROM text_{part}_idx WHERE length(term) > 1");
    let mut found = Vec::new();
    index.for_each(&sql, &[], |row| {
        // The first byte says which index of the table it is.
        let term = String::from_utf8_lossy(row.blob(0)?.get(1..).unwrap_or_default()).into_owned();
        let next = words.range(term.clone()..).next();
        if next.is_some_and(|word| word.starts_with(&term)) {
            found.push(term);
        }
        Ok(())
    })?;
    for term in found {
        let matching = format!("\"{term}\" *");
        let scan = Scan {
            part,
            matching: &matching,
            from: 0,
            to: i64::MAX.cast_unsigned(),
            descending: false,
            limit: 1,
        };
        if scan_text(index, &scan)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn drop_chunk(index: &mut impl SqlMut, chunk: u64) -> Result<(), StoreError> {
    index.execute("DELETE FROM postings WHERE chunk = $1", args![chunk.cast_signed()])?;
    index.execute("DELETE FROM worded WHERE chunk = $1", args![chunk.cast_signed()]).map(|_| ())
}

/// Keys of a chunk that one of these entries has.
pub fn keys_among(index: &impl Sql, chunk: u64, among: &Bits) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = Vec::new();
    let sql = "SELECT key, seqs FROM postings WHERE chunk = $1";
    index.for_each(sql, args![chunk.cast_signed()], |row| {
        if among.common(row.blob(1)?) > 0 {
            keys.push(row.get(0)?);
        }
        Ok(())
    })?;
    Ok(keys)
}

pub fn set_unclean(index: &mut impl SqlMut, part: u64, unclean: bool) -> Result<(), StoreError> {
    let sql = "UPDATE parts SET unclean = $1 WHERE part = $2";
    index.execute(sql, args![unclean, part.cast_signed()]).map(|_| ())
}

pub fn unclean(index: &impl Sql) -> Result<Vec<u64>, StoreError> {
    index.query("SELECT part FROM parts WHERE unclean = 1", &[], |row| row.get(0))
}
