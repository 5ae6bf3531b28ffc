//! Removing entries of the audit log that a recorded cut has left behind.
//!
//! The writing connection's authorizer refuses DELETE on everything that is append-only, whatever
//! statement the application is made to run. It is asked when a statement is prepared (once more when
//! the engine finds that it has to), so the way is open exactly while the one statement here lives.

use std::cell::Cell;

use rusqlite::Connection;

use super::StoreError;

thread_local! {
    static GOING_ON: Cell<bool> = const { Cell::new(false) };
}

/// Whether the statement that this thread prepares or runs just now is the one below.
pub(super) fn is_going_on() -> bool {
    GOING_ON.get()
}

/// Keeps the way open while it lives. A connection is used by one thread at a time, and asks its
/// authorizer there.
struct Opened;

impl Opened {
    fn new() -> Self {
        GOING_ON.set(true);
        Self
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        GOING_ON.set(false);
    }
}

/// Removes the oldest `most` entries up to `through`; answers how many.
pub(super) fn remove(connection: &Connection, through: u64, most: u32) -> Result<u64, StoreError> {
    let _opened = Opened::new();
    // Not cached: a kept statement would pass the authorizer by from then on.
    let mut statement = connection.prepare(
        "DELETE FROM audit_entries WHERE seq IN
             (SELECT seq FROM audit_entries WHERE seq <= $1 ORDER BY seq LIMIT $2)",
    )?;
    Ok(statement.execute((through.cast_signed(), most))? as u64)
}
