//! A file that a restore prepares. Nobody serves it yet, and it is thrown away when it does not
//! become whole: so it may be changed in ways that no file in use can be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};

use super::engine::{self, Mode};
use super::migrate::{self, Migrations};
use super::{RawReadTx, RawWriteTx, Sql, SqlMut, StoreError, files};
use crate::args;
use crate::crypto::Key32;

pub struct Staged {
    connection: Connection,
    path: PathBuf,
    /// The statements that make them again.
    triggers: Vec<String>,
}

/// Tables of a log itself, for its copy.
const LOG: [&str; 10] = [
    "audit_log",
    "checkpoints",
    "cosignatures",
    "witnesses",
    "contradictions",
    "clock_set_back",
    "audit_pruned",
    "log_shreds",
    "audit_past_logs",
    "audit_past_removed",
];
/// What a log that begins anew has none of.
const EMPTIED: [&str; 9] = [
    "audit_entries",
    "audit_tiles",
    "audit_subtrees",
    "audit_pruned",
    "audit_log",
    "checkpoints",
    "cosignatures",
    "contradictions",
    "clock_set_back",
];
/// Levels of tiles: 256^8 entries are more than there will ever be.
const LEVELS: i64 = 8;

impl Staged {
    /// Opens a file and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::WrongKey`], [`StoreError::Corrupt`]; or
    /// [`StoreError::Newer`] when a later release wrote it.
    pub fn open(path: &Path, key: &Key32, migrations: Migrations) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(path.display().to_string().into()));
        }
        Self::with(path, key, migrations, Mode::Write)
    }

    /// Makes a new, empty one.
    pub fn create(path: &Path, key: &Key32, migrations: Migrations) -> Result<Self, StoreError> {
        Self::with(path, key, migrations, Mode::Create)
    }

    fn with(
        path: &Path,
        key: &Key32,
        migrations: Migrations,
        mode: Mode,
    ) -> Result<Self, StoreError> {
        let mut connection = engine::open(path, key, Mode::Spool)?;
        // A journal would be written for nothing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        connection.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = OFF;
             PRAGMA cache_size = -16384;",
        )?;
        migrate::migrate(&mut connection, path, migrations, mode)?;
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
        let triggers = connection
            .prepare(sql)?
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        for (name, _) in &triggers {
            connection.execute_batch(&format!("DROP TRIGGER \"{}\"", name.replace('"', "\"\"")))?;
        }
        let triggers = triggers.into_iter().map(|(_, sql)| sql).collect();
        Ok(Self { connection, path: path.to_owned(), triggers })
    }

    pub fn read<T>(
        &self,
        f: impl FnOnce(&RawReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        f(&RawReadTx(&self.connection))
    }

    /// Changes whatever is to be changed; triggers do not stand in the way.
    pub fn change<T>(
        &mut self,
        f: impl FnOnce(&mut RawWriteTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connection.execute_batch("BEGIN")?;
        let result = f(&mut RawWriteTx::new(&self.connection));
        // Without a journal there is no way back: the caller throws the file away.
        self.connection.execute_batch("COMMIT")?;
        result
    }

    /// Takes the log out, so that the next opening begins a new one.
    pub fn without_log(&mut self) -> Result<(), StoreError> {
        self.empty(&EMPTIED)
    }

    /// Empties these tables.
    pub fn empty(&mut self, tables: &[&str]) -> Result<(), StoreError> {
        self.change(|tx| {
            for table in tables {
                tx.execute(&format!("DELETE FROM {table}"), &[])?;
            }
            Ok(())
        })
    }

    /// Copies what this copy of a log does not have yet. Called again it brings what came since.
    pub fn copy_log(&mut self, from: &RawReadTx<'_>) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN")?;
        for table in LOG {
            self.connection.execute(&format!("DELETE FROM {table}"), [])?;
            self.copy(from, &format!("SELECT * FROM {table}"), table)?;
        }
        for table in ["audit_tiles", "audit_subtrees"] {
            for level in 0..=LEVELS {
                let sql = format!("SELECT coalesce(max(idx), -1) FROM {table} WHERE level = $1");
                let last: i64 = self.connection.query_row(&sql, [level], |row| row.get(0))?;
                let sql = format!("SELECT * FROM {table} WHERE level = {level} AND idx > {last}");
                self.copy(from, &sql, table)?;
            }
        }
        let sql = "SELECT coalesce(max(seq), 0) FROM audit_entries";
        let last: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        let sql = format!("SELECT * FROM audit_entries WHERE seq > {last} ORDER BY seq");
        self.copy(from, &sql, "audit_entries")?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Puts another file's rows in the place of these tables' own.
    pub fn take_over(&mut self, from: &RawReadTx<'_>, tables: &[&str]) -> Result<(), StoreError> {
        self.empty(tables)?;
        self.connection.execute_batch("BEGIN")?;
        for table in tables {
            self.copy(from, &format!("SELECT * FROM {table}"), table)?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Writes another file's values over these columns of the rows that both have, by their `id`.
    pub fn amend(
        &mut self,
        from: &RawReadTx<'_>,
        table: &str,
        columns: &[&str],
    ) -> Result<(), StoreError> {
        let mut rows =
            from.0.prepare(&format!("SELECT id, {} FROM {table}", columns.join(", ")))?;
        let set: Vec<_> =
            columns.iter().zip(2..).map(|(name, at)| format!("{name} = ?{at}")).collect();
        let sql = format!("UPDATE {table} SET {} WHERE id = ?1", set.join(", "));
        self.connection.execute_batch("BEGIN")?;
        let mut update = self.connection.prepare_cached(&sql)?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let values: Vec<ValueRef<'_>> =
                (0..=columns.len()).map(|at| row.get_ref(at)).collect::<Result<_, _>>()?;
            update.execute(params_from_iter(values.iter().map(Borrowed)))?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Inserts what a statement finds in another file.
    fn copy(&self, from: &RawReadTx<'_>, select: &str, table: &str) -> Result<(), StoreError> {
        let mut statement = from.0.prepare(select)?;
        let names = statement.column_names().collect::<Vec<_>>().join(", ");
        let count = statement.column_count();
        let places = (1..=count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let insert = format!("INSERT INTO {table} ({names}) VALUES ({places})");
        let mut insert = self.connection.prepare_cached(&insert)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..count).map(|at| row.get_ref(at));
            let values: Vec<ValueRef<'_>> = values.collect::<Result<_, _>>()?;
            insert.execute(params_from_iter(values.iter().map(Borrowed)))?;
        }
        Ok(())
    }

    /// Checks the code of every page of a file, its tables and its indexes.
    ///
    /// `integrity_check` reads every page that is used, and with a page its code is checked; so only
    /// where there are free ones `cipher_integrity_check` finds anything that it does not.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]
    pub fn check_whole(path: &Path, key: &Key32) -> Result<(), StoreError> {
        check(path, key, "integrity_check(1)", Some("ok"))?;
        let free: u32 =
            engine::open(path, key, Mode::Read)?
                .query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        match free {
            0 => Ok(()),
            _ => check(path, key, "cipher_integrity_check", None),
        }
    }

    /// Rows of each of these tables that is there.
    pub fn rows_of(
        path: &Path,
        key: &Key32,
        tables: &BTreeMap<String, u64>,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let connection = engine::open(path, key, Mode::Read)?;
        let tx = RawReadTx(&connection);
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1";
        let mut rows = BTreeMap::new();
        for table in tables.keys() {
            if tx.count(sql, args![table.as_str()])? > 0 {
                let name = table.replace('"', "\"\"");
                let count = tx.count(&format!("SELECT count(*) FROM \"{name}\""), &[])?;
                rows.insert(table.clone(), count);
            }
        }
        Ok(rows)
    }

    /// Makes it a file like any other, durable and with all its triggers.
    pub fn finish(self) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.close()?;
        files::sync(&path)
    }

    /// The same for a file that somebody else makes durable, while it is read.
    pub fn close(self) -> Result<(), StoreError> {
        for trigger in &self.triggers {
            self.connection.execute_batch(trigger)?;
        }
        self.connection.execute_batch("PRAGMA journal_mode = DELETE;")?;
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// Asks a file whether it is whole; it answers `good`.
fn check(path: &Path, key: &Key32, pragma: &str, good: Option<&str>) -> Result<(), StoreError> {
    let connection = engine::open(path, key, Mode::Read)?;
    let found = connection
        .prepare(&format!("PRAGMA {pragma}"))?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| StoreError::from(error).in_file(path.to_str()))?;
    if found.iter().map(String::as_str).eq(good) {
        return Ok(());
    }
    tracing::error!(file = %path.display(), check = pragma, ?found, "damage");
    Err(StoreError::Corrupt(path.display().to_string().into()))
}

/// A value on its way from one file to another.
struct Borrowed<'a>(&'a ValueRef<'a>);

impl rusqlite::ToSql for Borrowed<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(*self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::kernel::random::SystemRandom;

    const PAGE: u64 = 8192;

    /// A file of some tables, an index and long values, with free pages or without.
    fn made(path: &Path, key: &Key32, with_free: bool) {
        let connection = engine::open(path, key, Mode::Create).unwrap();
        let fill = "CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB); CREATE INDEX i ON t (body);
            WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 60)
            INSERT INTO t SELECT n, randomblob(n * 400) FROM c;";
        connection.execute_batch(fill).unwrap();
        if with_free {
            connection.execute_batch("DELETE FROM t WHERE n > 30").unwrap();
        }
        super::super::wal::empty(&connection).unwrap();
    }

    #[test]
    fn a_changed_byte_is_found_in_whatever_page_it_is() {
        for with_free in [false, true] {
            let (directory, key) = (tempfile::tempdir().unwrap(), Key32::generate(&SystemRandom));
            let path = directory.path().join("staged.db");
            made(&path, &key, with_free);
            Staged::check_whole(&path, &key).unwrap();
            let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
            let pages = file.metadata().unwrap().len() / PAGE;
            assert!(pages > 50, "{pages}");
            for page in 0..pages {
                let (at, mut byte) = (page * PAGE + 5000, [0]);
                file.read_exact_at(&mut byte, at).unwrap();
                file.write_all_at(&[byte[0] ^ 1], at).unwrap();
                assert!(Staged::check_whole(&path, &key).is_err(), "page {page} of {pages}");
                file.write_all_at(&byte, at).unwrap();
            }
            Staged::check_whole(&path, &key).unwrap();
        }
    }
}
