//! Embedded, ordered migrations. The number of the last one applied is the file's `user_version`.

use std::path::Path;

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{StoreError, before};
use crate::crypto::Key32;

/// The migrations of one kind of file, in order; they only expand.
pub type Migrations = &'static [&'static str];

macro_rules! audit {
    ($name:literal) => {
        include_str!(concat!("../../migrations/audit/", $name, ".sql"))
    };
}

/// Of those who sign in: members in a tenant's file, administrators in the platform's.
macro_rules! sign_in {
    ($name:literal) => {
        include_str!(concat!("../../migrations/sign_in/", $name, ".sql"))
    };
}

pub const PLATFORM: Migrations = &[
    audit!("0001_log"),
    include_str!("../../migrations/platform/0001_registry.sql"),
    include_str!("../../migrations/platform/0002_before_suspension.sql"),
    audit!("0002_checkpoints"),
    audit!("0003_retention"),
    audit!("0004_streams"),
    audit!("0005_exports"),
    audit!("0006_searches"),
    include_str!("../../migrations/platform/0003_sessions.sql"),
    include_str!("../../migrations/platform/0004_roles.sql"),
    sign_in!("0001_factors"),
    sign_in!("0002_passkeys"),
    sign_in!("0003_settings"),
    sign_in!("0004_links"),
    sign_in!("0005_mail"),
    sign_in!("0006_devices"),
    sign_in!("0007_throttling"),
    sign_in!("0008_approvals"),
    include_str!("../../migrations/platform/0005_token_keys.sql"),
    sign_in!("0009_single_sign_on"),
    include_str!("../../migrations/platform/0006_backups.sql"),
    include_str!("../../migrations/platform/0007_archive.sql"),
    include_str!("../../migrations/platform/0008_restores.sql"),
    include_str!("../../migrations/platform/0009_jobs.sql"),
    include_str!("../../migrations/platform/0010_closings.sql"),
    audit!("0007_past_logs"),
    include_str!("../../migrations/platform/0011_clock.sql"),
    include_str!("../../migrations/platform/0012_archive_targets.sql"),
    sign_in!("0010_link_makers"),
    audit!("0008_past_logs_removed"),
    include_str!("../../migrations/platform/0013_overdue_backups.sql"),
    include_str!("../../migrations/platform/0014_restore_trials.sql"),
    include_str!("../../migrations/platform/0015_backup_alarms.sql"),
];
pub const TENANT: Migrations = &[
    audit!("0001_log"),
    include_str!("../../migrations/tenant/0001_conversations.sql"),
    audit!("0002_checkpoints"),
    audit!("0003_retention"),
    audit!("0004_streams"),
    audit!("0005_exports"),
    audit!("0006_searches"),
    include_str!("../../migrations/tenant/0002_sessions.sql"),
    include_str!("../../migrations/tenant/0003_roles.sql"),
    include_str!("../../migrations/tenant/0004_tokens.sql"),
    sign_in!("0001_factors"),
    sign_in!("0002_passkeys"),
    sign_in!("0003_settings"),
    sign_in!("0004_links"),
    sign_in!("0005_mail"),
    sign_in!("0006_devices"),
    sign_in!("0007_throttling"),
    sign_in!("0008_approvals"),
    sign_in!("0009_single_sign_on"),
    include_str!("../../migrations/tenant/0005_identity_providers.sql"),
    include_str!("../../migrations/tenant/0006_single_sign_on.sql"),
    include_str!("../../migrations/tenant/0007_scim.sql"),
    include_str!("../../migrations/tenant/0008_retention.sql"),
    include_str!("../../migrations/tenant/0009_erasures.sql"),
    audit!("0007_past_logs"),
    include_str!("../../migrations/tenant/0010_key_makers.sql"),
    sign_in!("0010_link_makers"),
    audit!("0008_past_logs_removed"),
];
pub const KEYS: Migrations = &[
    include_str!("../../migrations/keys/0001_keys.sql"),
    include_str!("../../migrations/keys/0002_changes.sql"),
];
pub const INDEX: Migrations = &[include_str!("../../migrations/index/0001_index.sql")];

/// Brings a file up to date, all of it or nothing: a file that an older release can no longer use
/// and this one not yet must not come to be.
///
/// # Errors
/// [`StoreError::Newer`] when the file knows migrations that this release does not,
/// [`StoreError::Corrupt`] when it is empty and should not be.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: Migrations,
    mode: Mode,
) -> Result<(), StoreError> {
    let found = version(connection, path, migrations, mode)?;
    apply(connection, migrations, found)
}

/// The same for a file in use, which is kept as it was ([`before`]).
///
/// # Errors
/// The same; and [`StoreError::NoRoom`].
pub fn upgrade(
    connection: &mut Connection,
    path: &Path,
    migrations: Migrations,
    mode: Mode,
) -> Result<(), StoreError> {
    let found = version(connection, path, migrations, mode)?;
    if found > 0 && found < known(migrations) {
        before::keep(path, found)?;
        tracing::info!(file = %path.display(), from = found, to = known(migrations), "upgrade");
    }
    apply(connection, migrations, found)
}

/// Whether this release knows the schema of a file, which stays as it is; the schema.
///
/// # Errors
/// The same as of [`migrate`].
pub fn is_known(
    connection: &Connection,
    path: &Path,
    migrations: Migrations,
) -> Result<i64, StoreError> {
    version(connection, path, migrations, Mode::Write)
}

/// Tries the migrations on a copy; the schema that it had.
///
/// # Errors
/// The same as of [`migrate`].
pub fn rehearse(path: &Path, key: &Key32, migrations: Migrations) -> Result<i64, StoreError> {
    let mut connection = engine::open(path, key, Mode::Write)?;
    let found = version(&connection, path, migrations, Mode::Write)?;
    apply(&mut connection, migrations, found)?;
    Ok(found)
}

/// The schema that a release with these migrations leaves behind.
pub fn known(migrations: Migrations) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn version(
    connection: &Connection,
    path: &Path,
    migrations: Migrations,
    mode: Mode,
) -> Result<i64, StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = known(migrations);
    if found > known {
        return Err(StoreError::Newer { file: path.display().to_string().into(), found, known });
    }
    if found == 0 && mode != Mode::Create {
        // Emptied or cut off: filling it anew would pass for the file that was lost.
        return Err(StoreError::Corrupt(path.display().to_string().into()));
    }
    Ok(found)
}

fn apply(
    connection: &mut Connection,
    migrations: Migrations,
    found: i64,
) -> Result<(), StoreError> {
    if found == known(migrations) {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for sql in migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "user_version", known(migrations))?;
    Ok(transaction.commit()?)
}
