//! The thin interface that all SQL goes through: typed arguments, `$1 …` placeholders in order of
//! appearance, the subset of SQL that SQLite and PostgreSQL share.

use std::cell::RefCell;

use rusqlite::Connection;

use super::{Row, StoreError, Value, removal};

/// Reading.
pub trait Sql {
    /// Calls `each` for every row of the answer.
    fn for_each(
        &self,
        sql: &str,
        args: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    fn query<T>(
        &self,
        sql: &str,
        args: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.for_each(sql, args, |row| {
            rows.push(map(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row, if there is one.
    fn query_one<T>(
        &self,
        sql: &str,
        args: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, args, map)?.into_iter().next())
    }

    /// A single number, 0 when there is no row.
    fn count(&self, sql: &str, args: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(self.query_one(sql, args, |row| row.get(0))?.unwrap_or(0))
    }
}

/// Writing.
pub trait SqlMut: Sql {
    /// Runs a statement; the number of rows that it changed.
    fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<usize, StoreError>;
}

/// A read transaction: sees one moment.
pub struct RawReadTx<'a>(pub(super) &'a Connection);

/// A savepoint inside a group's transaction.
pub struct RawWriteTx<'a> {
    connection: &'a Connection,
    /// A failure that spoils the whole transaction, whatever is made of it above.
    spoiled: RefCell<Option<StoreError>>,
}

impl<'a> RawWriteTx<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, spoiled: RefCell::default() }
    }

    /// Rows changed on this connection so far, by whatever statement: the engine's own count.
    pub fn total_changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// The same savepoint for a callee; what spoils it goes back with [`absorb`](Self::absorb).
    pub fn reborrow(&self) -> Self {
        Self::new(self.connection)
    }

    pub fn absorb(&mut self, spoiled: Option<StoreError>) {
        let first = self.spoiled.take().or(spoiled);
        self.spoiled.replace(first);
    }

    /// Removes rows of `audit_entries` up to `through`, the oldest `most` of them; answers how many.
    /// The one way to delete from the log; the file's own trigger refuses what no cut allows.
    pub fn remove_entries(&mut self, through: u64, most: u32) -> Result<u64, StoreError> {
        self.note(removal::remove(self.connection, through, most))
    }

    /// Why everything in the transaction must be run again, if it must.
    pub fn spoiled(&mut self) -> Option<StoreError> {
        self.spoiled.take()
    }

    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let result = result.map_err(|error| error.in_file(self.connection.path()));
        if let Err(error) = &result
            && error.spoils_transaction()
        {
            self.spoiled.replace(Some(error.clone()));
        }
        result
    }
}

impl Sql for RawReadTx<'_> {
    fn for_each(
        &self,
        sql: &str,
        args: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for_each(self.0, sql, args, each).map_err(|error| error.in_file(self.0.path()))
    }
}

impl Sql for RawWriteTx<'_> {
    fn for_each(
        &self,
        sql: &str,
        args: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.note(for_each(self.connection, sql, args, each))
    }
}

impl SqlMut for RawWriteTx<'_> {
    fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<usize, StoreError> {
        let result = execute(self.connection, sql, args);
        self.note(result)
    }
}

fn execute(connection: &Connection, sql: &str, args: &[Value<'_>]) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    Ok(statement.raw_execute()?)
}

fn for_each(
    connection: &Connection,
    sql: &str,
    args: &[Value<'_>],
    mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        each(&Row(row))?;
    }
    Ok(())
}

fn bind(statement: &mut rusqlite::Statement<'_>, args: &[Value<'_>]) -> Result<(), StoreError> {
    if statement.parameter_count() != args.len() {
        return Err(StoreError::Sql("a statement got the wrong number of arguments".into()));
    }
    for (at, value) in args.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}
