//! What search is held against: the same rows in plain tables with plain indexes, the same text in
//! FTS5 alone.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use strongroom::audit::index::words_of;
use strongroom::audit::view::EntryView;
use strongroom::kernel::Timestamp;

use super::corpus::Corpus;

#[expect(clippy::disallowed_methods, reason = "the ceiling is SQLCipher without the store")]
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA cipher_log = off;
         PRAGMA key = \"x'{}'\";
         PRAGMA cipher_page_size = 8192;
         PRAGMA cipher_hmac_algorithm = HMAC_SHA256;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_mode = WAL;
         PRAGMA cache_size = -32768;
         PRAGMA synchronous = NORMAL;
         PRAGMA secure_delete = ON;",
        "5a".repeat(32)
    ))?;
    Ok(connection)
}

pub struct RawRows(Connection);

impl RawRows {
    /// Opens the table, and fills it when it is new.
    pub fn open(path: &Path, corpus: &Corpus, entries: u64) -> rusqlite::Result<Self> {
        let connection = open(path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS entries (
                 seq INTEGER PRIMARY KEY, action TEXT NOT NULL, actor_id TEXT, actor_name TEXT,
                 resource_type TEXT, resource_id TEXT, outcome TEXT NOT NULL, ip TEXT);",
        )?;
        let sql = "SELECT coalesce(max(seq), 0) FROM entries";
        let mut seq: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        while seq < entries.cast_signed() {
            connection.execute_batch("BEGIN")?;
            let end = entries.cast_signed().min(seq + 100_000);
            let mut insert = connection
                .prepare_cached("INSERT INTO entries VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")?;
            while seq < end {
                let event = corpus.event(seq.cast_unsigned());
                seq += 1;
                let (actor, resource) = (event.actor.as_ref(), event.resource.as_ref());
                insert.execute((
                    seq,
                    &event.action,
                    actor.map(|actor| &actor.id),
                    actor.and_then(|actor| actor.name.as_ref()),
                    resource.map(|resource| &resource.kind),
                    resource.map(|resource| &resource.id),
                    event.outcome.name(),
                    event.ip.map(|ip| ip.to_string()),
                ))?;
            }
            connection.execute_batch("COMMIT")?;
        }
        for column in
            ["action", "actor_id", "actor_name", "resource_type", "resource_id", "outcome", "ip"]
        {
            connection.execute_batch(&format!(
                "CREATE INDEX IF NOT EXISTS by_{column} ON entries ({column}, seq)"
            ))?;
        }
        Ok(Self(connection))
    }

    /// Milliseconds for the numbers of a first page.
    pub fn page(&self, condition: &str) -> rusqlite::Result<f64> {
        let start = Instant::now();
        let sql = format!("SELECT seq FROM entries WHERE {condition} ORDER BY seq DESC LIMIT 51");
        let mut select = self.0.prepare_cached(&sql)?;
        let found: Vec<i64> =
            select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        std::hint::black_box(found);
        Ok(start.elapsed().as_secs_f64() * 1000.0)
    }
}

pub struct RawText {
    connection: Connection,
    next: i64,
}

impl RawText {
    pub fn create(path: &Path) -> rusqlite::Result<Self> {
        let connection = open(path)?;
        connection.execute_batch(
            "CREATE VIRTUAL TABLE text
             USING fts5(words, content = '', columnsize = 0, tokenize = 'ascii');
             INSERT INTO text (text, rank) VALUES ('hashsize', 16777216);",
        )?;
        Ok(Self { connection, next: 1 })
    }

    /// Entries a second, in transactions as large as the index's own.
    pub fn insert(&mut self, corpus: &Corpus, from: u64, count: u64) -> rusqlite::Result<f64> {
        let time = Timestamp::from_micros(0);
        let texts: Vec<String> = (from..from + count)
            .map(|n| words_of(&EntryView::new(n + 1, time, corpus.event(n))))
            .collect();
        let start = Instant::now();
        for batch in texts.chunks(65_536) {
            self.connection.execute_batch("BEGIN")?;
            let mut insert = self
                .connection
                .prepare_cached("INSERT INTO text (rowid, words) VALUES ($1, $2)")?;
            for text in batch {
                insert.execute((self.next, text))?;
                self.next += 1;
            }
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }
}
