//! Removing entries of the audit log that a recorded cut has left behind.
//!
//! The writing connection's authorizer refuses DELETE on everything that is append-only, whatever
//! statement the application is made to run. It is asked when a statement is prepared, so the way
//! is open exactly while the one statement here is, and that statement is not kept.

use std::cell::Cell;

use rusqlite::Connection;

use super::StoreError;

thread_local! {
    static GOING_ON: Cell<bool> = const { Cell::new(false) };
}

/// Whether the statement that this thread prepares just now is the one below.
pub(super) fn is_going_on() -> bool {
    GOING_ON.get()
}

/// Keeps the way open while it lives. A connection is used by one thread at a time, and prepares
/// on the thread that asks it to.
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
    let mut statement = {
        let _opened = Opened::new();
        // Not cached: a kept statement would pass the authorizer by from then on.
        connection.prepare(
            "DELETE FROM audit_entries WHERE seq IN
                 (SELECT seq FROM audit_entries WHERE seq <= $1 ORDER BY seq LIMIT $2)",
        )?
    };
    Ok(statement.execute((through.cast_signed(), most))? as u64)
}
