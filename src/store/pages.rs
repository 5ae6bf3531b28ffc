//! A database file as the plain pages that it consists of: read from a living one for backups,
//! written into an encrypted one by restores. In between they are never in clear on a disk.
//!
//! Reading holds one read transaction on a connection of its own: it sees one moment, takes no
//! reader from requests and never waits for the writer, nor the writer for it. As long as it lasts,
//! the WAL cannot be begun anew and grows with every commit; so what is slow (a network) must not
//! be between this and a disk of this machine.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::engine::{self, Mode};
use super::{RawReadTx, Readers, StoreError, files};
use crate::crypto::Key32;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The page at this offset is never used: locks lie there.
const PENDING_BYTE: u64 = 0x4000_0000;
const PAGE: usize = 8192;
/// Bytes at the end of each page that SQLCipher keeps for itself.
const RESERVED: usize = 80;

/// A moment of a file, as an ordinary SQLite file.
pub struct PageReader {
    connection: Connection,
    pages: u32,
    /// Page that is read next, counted from 1.
    next: u32,
    buffer: Vec<u8>,
    taken: usize,
}

impl PageReader {
    /// Holds on to what is committed now.
    pub fn open(readers: &Readers) -> Result<Self, StoreError> {
        let connection = readers.own()?.into_connection();
        // A page is read once: a larger cache would hold nothing that is wanted again.
        connection.execute_batch("PRAGMA cache_size = 64; BEGIN;")?;
        let pages = count(&connection)?;
        Ok(Self { connection, pages, next: 1, buffer: Vec::new(), taken: 0 })
    }

    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// In bytes.
    pub fn page_size(&self) -> u32 {
        PAGE as u32
    }

    /// The same moment, for what is asked in SQL.
    pub fn tx(&self) -> RawReadTx<'_> {
        RawReadTx(&self.connection)
    }

    /// Calls `each` for every page in order; the fastest way.
    pub fn for_each<E: From<StoreError>>(
        &self,
        each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for_each(&self.connection, each)
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        self.buffer.clear();
        self.taken = 0;
        let mut statement = self
            .connection
            .prepare_cached("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")?;
        while self.next <= self.pages && self.buffer.len() < 32 * PAGE {
            let start = self.buffer.len();
            let mut rows = statement.query([self.next])?;
            let row = rows.next()?.ok_or_else(|| damaged(&self.connection))?;
            let page = row.get_ref(0)?.as_blob().map_err(|_| damaged(&self.connection))?;
            self.buffer.extend_from_slice(page);
            plain(self.next, &mut self.buffer[start..]);
            self.next += 1;
        }
        Ok(())
    }
}

impl Read for PageReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.buffer.len() {
            self.fill().map_err(std::io::Error::other)?;
        }
        let left = &self.buffer[self.taken..];
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }
}

/// Every page of what a connection sees; it is in a transaction.
pub(super) fn for_each<E: From<StoreError>>(
    connection: &Connection,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let pages = count(connection)?;
    let sql = "SELECT data FROM sqlite_dbpage('main')";
    let mut statement = connection.prepare(sql).map_err(StoreError::from)?;
    let mut rows = statement.query([]).map_err(StoreError::from)?;
    let (mut copy, mut seen) = (vec![0; PAGE], 0);
    while let Some(row) = rows.next().map_err(|error| named(error, connection))? {
        let page = row.get_ref(0).map_err(StoreError::from)?;
        let page = page.as_blob().ok().filter(|page| page.len() == PAGE);
        copy.copy_from_slice(page.ok_or_else(|| damaged(connection))?);
        seen += 1;
        plain(seen, &mut copy);
        if seen == 1 && !is_first(&copy, pages) {
            return Err(damaged(connection).into());
        }
        each(&copy)?;
    }
    if seen == pages { Ok(()) } else { Err(damaged(connection).into()) }
}

fn count(connection: &Connection) -> Result<u32, StoreError> {
    connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .map_err(|error| named(error, connection))
}

fn named(error: rusqlite::Error, connection: &Connection) -> StoreError {
    StoreError::from(error).in_file(connection.path())
}

fn damaged(connection: &Connection) -> StoreError {
    StoreError::Corrupt(connection.path().unwrap_or("a database file").into())
}

/// What an ordinary SQLite file has in this page: no trace of encryption, and in the header a
/// rollback journal, so that nothing is looked for in a WAL that is not there.
fn plain(number: u32, page: &mut [u8]) {
    if number == 1 {
        page[18..20].fill(1);
    }
    let end = page.len();
    page[end - RESERVED..].fill(0);
}

/// Whether it is the first page of a file of so many.
fn is_first(page: &[u8], pages: u32) -> bool {
    page.starts_with(MAGIC)
        && page[16..18] == (PAGE as u16).to_be_bytes()
        && usize::from(page[20]) == RESERVED
        && page[28..32] == pages.to_be_bytes()
}

/// An encrypted file that is made of plain pages. Without [`finish`](Self::finish) nothing is left
/// of it.
pub struct PageWriter {
    connection: Option<Connection>,
    path: PathBuf,
    page: Vec<u8>,
    written: u32,
    /// As the header says.
    expected: u32,
}

impl PageWriter {
    /// Makes the file; one that is there is refused.
    pub fn create(path: &Path, key: &Key32) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(StoreError::Io(format!("{} is there already", path.display()).into()));
        }
        let connection = engine::open(path, key, Mode::Spool)?;
        let writer = Self {
            connection: Some(connection),
            path: path.to_owned(),
            page: Vec::with_capacity(PAGE),
            written: 0,
            expected: 0,
        };
        let connection = writer.connection()?;
        // Nobody's statement runs here but the one that writes a page.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        connection.execute_batch("PRAGMA cache_size = -8192; BEGIN IMMEDIATE;")?;
        Ok(writer)
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    fn write_page(&mut self) -> Result<(), StoreError> {
        let number = self.written + 1;
        if number == 1 {
            let pages = u32::from_be_bytes(self.page[28..32].try_into().unwrap_or_default());
            if !is_first(&self.page, pages) {
                return Err(self.damaged());
            }
            self.expected = pages;
        }
        if number > self.expected {
            return Err(self.damaged());
        }
        if u64::from(number) != PENDING_BYTE / PAGE as u64 + 1 {
            let sql = "INSERT INTO sqlite_dbpage (pgno, data) VALUES (?1, ?2)";
            self.connection()?.prepare_cached(sql)?.execute((number, &self.page))?;
        }
        self.written = number;
        self.page.clear();
        Ok(())
    }

    /// Makes it durable, once all pages are there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not a whole file.
    pub fn finish(self) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.close()?;
        let synced = files::sync(&path);
        if synced.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        synced
    }

    /// The same for a file that somebody else makes durable, while it is read.
    ///
    /// # Errors
    /// The same.
    pub fn close(mut self) -> Result<(), StoreError> {
        if !self.page.is_empty() || self.written == 0 || self.written != self.expected {
            return Err(self.damaged());
        }
        self.connection()?.execute_batch("COMMIT")?;
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, error)| error)?;
        }
        self.path = PathBuf::new();
        Ok(())
    }

    fn damaged(&self) -> StoreError {
        StoreError::Corrupt(format!("what {} is made of", self.path.display()).into())
    }
}

impl Write for PageWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let fits = bytes.len().min(PAGE - self.page.len());
        self.page.extend_from_slice(&bytes[..fits]);
        if self.page.len() == PAGE {
            self.write_page().map_err(std::io::Error::other)?;
        }
        Ok(fits)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for PageWriter {
    fn drop(&mut self) {
        drop(self.connection.take());
        if !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;
    use crate::store::Sql;

    fn made(directory: &Path, key: &Key32) -> (PathBuf, Connection) {
        let path = directory.join("x.db");
        let connection = engine::open(&path, key, Mode::Create).unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT NOT NULL)")
            .unwrap();
        (path, connection)
    }

    fn fill(connection: &Connection, count: usize) {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..count {
            let sql = "INSERT INTO t (body) VALUES ('known text ' || hex(randomblob(500)))";
            connection.execute(sql, []).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "what anybody's sqlite3 sees")]
    fn stock(path: &Path) -> (String, i64) {
        let plain = Connection::open(path).unwrap();
        let found = plain.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        (found, plain.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap())
    }

    fn setting() -> (tempfile::TempDir, Key32) {
        (tempfile::tempdir().unwrap(), Key32::generate(&SystemRandom))
    }

    #[test]
    fn pages_read_while_others_are_written_are_one_moments_file() {
        let (directory, key) = setting();
        let (path, writer) = made(directory.path(), &key);
        fill(&writer, 500); // in the WAL alone
        let readers = Readers::new(path, key, 2);
        let mut reader = PageReader::open(&readers).unwrap();
        let mut plain = Vec::new();
        let mut piece = [0; 10_000];
        loop {
            let count = reader.read(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            plain.extend_from_slice(&piece[..count]);
            fill(&writer, 3);
        }
        assert_eq!(plain.len(), reader.pages() as usize * PAGE);
        assert_eq!(reader.tx().count("SELECT count(*) FROM t", &[]).unwrap(), 500);
        let mut again = Vec::new();
        let copied = reader.for_each(|page| {
            again.extend_from_slice(page);
            Ok::<_, StoreError>(())
        });
        copied.unwrap();
        assert!(again == plain, "both ways to read give the same");
        let out = directory.path().join("plain.db");
        std::fs::write(&out, &plain).unwrap();
        assert_eq!(stock(&out), ("ok".into(), 500));
    }

    #[test]
    fn what_is_written_opens_under_its_key_and_nothing_is_in_clear_on_the_disk() {
        let (directory, key) = setting();
        let (path, writer) = made(directory.path(), &key);
        fill(&writer, 2000);
        let mut plain = Vec::new();
        PageReader::open(&Readers::new(path, key, 1)).unwrap().read_to_end(&mut plain).unwrap();
        let other = Key32::generate(&SystemRandom);
        let restored = directory.path().join("restored.db");
        let mut out = PageWriter::create(&restored, &other).unwrap();
        for piece in plain.chunks(5000) {
            out.write_all(piece).unwrap();
        }
        out.finish().unwrap();
        let opened = engine::open(&restored, &other, Mode::Write).unwrap();
        let count: i64 = opened.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2000);
        let mut check = opened.prepare("PRAGMA cipher_integrity_check").unwrap();
        assert!(check.query([]).unwrap().next().unwrap().is_none());
        let whole: String =
            opened.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(10).any(|window| window == b"known text"));
        }
    }

    #[test]
    fn nothing_is_left_of_a_file_that_is_not_whole() {
        let (directory, key) = setting();
        let (path, writer) = made(directory.path(), &key);
        fill(&writer, 100);
        let mut plain = Vec::new();
        let readers = Readers::new(path, key.clone(), 1);
        PageReader::open(&readers).unwrap().read_to_end(&mut plain).unwrap();
        let restored = directory.path().join("restored.db");
        let attempt = |bytes: &[u8]| {
            let mut out = PageWriter::create(&restored, &key).unwrap();
            let written = out.write_all(bytes).map_err(|error| error.to_string());
            written.and_then(|()| out.finish().map_err(|error| error.to_string()))
        };
        let (mut foreign, mut longer) = (plain.clone(), plain.clone());
        foreign[3] ^= 1;
        longer.extend_from_slice(&[0; PAGE]);
        for bytes in
            [&plain[..plain.len() - PAGE], &plain[..plain.len() - 1], &foreign, &longer, &[]]
        {
            assert!(attempt(bytes).is_err());
            assert!(!restored.exists());
        }
        attempt(&plain).unwrap();
        assert!(restored.exists());
    }
}
