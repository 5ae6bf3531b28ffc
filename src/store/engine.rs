//! Opening SQLCipher files: key, pragmas, limits. The only place that calls `Connection::open`.
//!
//! File format: SQLCipher 4 with a raw 256-bit key, `cipher_page_size` 8192 and
//! `cipher_hmac_algorithm` HMAC_SHA256. A stock `sqlcipher` reads a file after
//! `PRAGMA key = "x'…'"; PRAGMA cipher_page_size = 8192; PRAGMA cipher_hmac_algorithm =
//! HMAC_SHA256;`. Measured with 650-byte rows against pages of 4096 bytes: scans 1.5 times, groups of
//! 64 rows twice, groups of 1,000 rows 1.3 times as fast; against HMAC_SHA512 scans 1.6 times.

use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use zeroize::Zeroizing;

use super::{StoreError, removal};
use crate::crypto::Key32;

/// How long a lock that another connection holds is waited for.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Makes the file when there is none.
    Create,
    /// Makes a file that is written once and thrown away when it is not whole: without a journal.
    Spool,
    Write,
    Read,
}

/// # Errors
/// [`StoreError::WrongKey`], [`StoreError::Locked`] or [`StoreError::Corrupt`], naming the file.
pub fn open(path: &Path, key: &Key32, mode: Mode) -> Result<Connection, StoreError> {
    connect(path, key, mode).map_err(|error| name(error, path))
}

#[expect(clippy::disallowed_methods, reason = "the one owner of database connections")]
fn connect(path: &Path, key: &Key32, mode: Mode) -> Result<Connection, rusqlite::Error> {
    let access = match mode {
        Mode::Create | Mode::Spool => {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        }
        Mode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Mode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let hex = Zeroizing::new(HEXLOWER.encode(key.expose()));
    // SQLCipher prints its own errors to standard error; ours say what to do.
    connection.execute_batch("PRAGMA cipher_log = off; PRAGMA cipher_log_level = NONE;")?;
    connection.execute_batch(&Zeroizing::new(format!("PRAGMA key = \"x'{}'\";", &*hex)))?;
    connection.execute_batch(
        "PRAGMA cipher_page_size = 8192;
         PRAGMA cipher_hmac_algorithm = HMAC_SHA256;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = ON;
         PRAGMA recursive_triggers = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The first read proves the key.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Checkpoints have one owner, `store::wal`; closing a connection must not make one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(128);
    match mode {
        Mode::Read => connection.execute_batch("PRAGMA query_only = ON;")?,
        Mode::Spool => connection.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;",
        )?,
        Mode::Create | Mode::Write => connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA cache_size = -8192;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;",
        )?,
    }
    Ok(connection)
}

/// Gives back what the connection keeps only to be faster the next time.
pub fn rest(connection: &Connection) {
    connection.flush_prepared_statement_cache();
    let _ = connection.release_memory();
}

/// From here on the connection can neither change the schema nor touch what is append-only:
/// the application itself is refused, whatever statement it is made to run.
pub fn seal_schema(connection: &mut Connection) -> Result<(), StoreError> {
    Ok(connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Delete { table_name: "audit_entries" } if removal::is_going_on() => {
            Authorization::Ignore // row by row, so that the trigger sees each
        }
        AuthAction::Update { table_name, .. } | AuthAction::Delete { table_name }
            if table_name.starts_with("audit_") || table_name.starts_with("sqlite_") =>
        {
            Authorization::Deny
        }
        AuthAction::Insert { table_name } if table_name.starts_with("sqlite_") => {
            Authorization::Deny
        }
        // For DELETE this means: row by row. A table emptied in one go would pass the update hook
        // by, and with it the caches of credentials.
        AuthAction::Delete { .. } => Authorization::Ignore,
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. } => Authorization::Allow,
        AuthAction::Pragma { pragma_name: "wal_checkpoint", .. } => Authorization::Allow,
        _ => Authorization::Deny,
    }))?)
}

fn name(error: rusqlite::Error, path: &Path) -> StoreError {
    let file = || path.display().to_string().into();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::WrongKey(file()),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(file()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(file()),
        Some(ErrorCode::CannotOpen) if !path.exists() => StoreError::Missing(file()),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::Io(format!("cannot open {}: {error}", path.display()).into())
        }
        _ => error.into(),
    }
}
