//! Saying that no backup is made any more, or that none was restored in a test for too long.

use std::time::Duration;

use super::{BackupError, Kind, repo, restore};
use crate::admins;
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun};
use crate::authz::{Grant, Realm};
use crate::config;
use crate::kernel::Timestamp;
use crate::mail::Letter;
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{AuditEvents, DoorError, ReadTx, SystemWrite, Tenants};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A backup may take so long, and be tried again, before somebody is told.
pub const PATIENCE: Duration = Duration::from_secs(2 * 60 * 60);
/// After the first backup somebody should have tried one; older ones may not be there to tell.
const FIRST_TEST_DAYS: u32 = 14;

/// What is late, and since when nothing was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    pub backup: Option<Timestamp>,
    pub test: Option<Timestamp>,
}

/// When no restore test went well for longer than the settings allow: since when. Nothing where there
/// is no backup that could be tried.
///
/// # Errors
/// What the platform's file answers.
pub async fn test_overdue(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    settings: &config::Backup,
) -> Result<Option<Timestamp>, BackupError> {
    let read =
        |tx: &ReadTx<'_>| Ok::<_, BackupError>((repo::first(tx)?, restore::last_passed(tx)?));
    let (first, good) = tenants.read(grant, read).await?;
    Ok(overdue(first, good, settings.test_overdue_days, tenants.runtime().now()))
}

fn overdue(
    first: Option<Timestamp>,
    good: Option<Timestamp>,
    days: u32,
    now: Timestamp,
) -> Option<Timestamp> {
    let first = first?;
    let (since, days) = good.map_or((first, days.min(FIRST_TEST_DAYS)), |good| (good, days));
    (now.since(since) >= DAY * days).then_some(since)
}

/// Finds out what is late. `due` is when a backup should have begun; nothing when none has to.
///
/// # Errors
/// What the platform's file answers.
pub async fn look(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    settings: &config::Backup,
    due: Option<Timestamp>,
) -> Result<Late, BackupError> {
    let read = |tx: &ReadTx<'_>| Ok::<_, BackupError>(repo::last(tx, Kind::Data)?);
    let last = tenants.read(grant, read).await?;
    let backup = last.filter(|last| due.is_some_and(|due| due > *last));
    Ok(Late { backup, test: test_overdue(tenants, grant, settings).await? })
}

/// Tells administrators and the platform's log what they have not been told yet.
///
/// # Errors
/// What the platform's file answers.
pub async fn tell(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRun>,
    late: Late,
) -> Result<u64, BackupError> {
    let mut told = 0;
    for (name, since) in [(BACKUP, late.backup), (TEST, late.test)] {
        let read = move |tx: &ReadTx<'_>| Ok::<_, BackupError>(is_told(tx, name)?);
        match (since, tenants.credentials(Realm::Platform, read).await?) {
            (Some(since), false) => {
                say(tenants, grant, name, since).await?;
                told += 1;
            }
            (None, true) => {
                let over = SystemWrite::BackupCatalogue;
                let write = tenants.system_write(Realm::Platform, over, move |tx| {
                    let sql = "DELETE FROM backup_alarms WHERE name = $1";
                    Ok(tx.execute(sql, args![name]).map(|_| ())?)
                });
                write.await?;
            }
            _ => {}
        }
    }
    Ok(told)
}

const BACKUP: &str = "backup";
const TEST: &str = "restore-test";

fn is_told(tx: &impl Sql, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM backup_alarms WHERE name = $1";
    Ok(tx.count(sql, args![name])? > 0)
}

async fn say(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRun>,
    name: &'static str,
    since: Timestamp,
) -> Result<(), BackupError> {
    let (action, letter) = match name {
        BACKUP => (events::BACKUP_OVERDUE, Letter::BackupOverdue { at: since }),
        _ => (events::RESTORE_TEST_OVERDUE, Letter::RestoreTestOverdue { at: since }),
    };
    tracing::error!(%since, "{name} overdue: look at Backups in the console");
    let written = tenants.write(grant, move |tx| {
        let sql = "INSERT OR REPLACE INTO backup_alarms (name, since) VALUES ($1, $2)";
        tx.execute(sql, args![name, since])?;
        admins::tell_all(tx, &letter)?;
        let mut event = Event::new(action);
        event.resource = Some(Resource::new("backup", name));
        event.outcome = Outcome::Error;
        event.custom_fields.insert("since".into(), since.to_string().into());
        Ok::<_, DoorError>(((), AuditEvents::from(event)))
    });
    Ok(written.await.map(|_| ())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_overdue_by_the_last_that_went_well_or_else_by_the_first_backup() {
        let at = |day: u64| Timestamp::from_micros(0).plus(DAY * u32::try_from(day).unwrap());
        assert_eq!(overdue(None, None, 10, at(100)), None, "there is nothing to try");
        assert_eq!(overdue(Some(at(5)), None, 10, at(14)), None);
        assert_eq!(overdue(Some(at(5)), None, 10, at(15)), Some(at(5)));
        assert_eq!(overdue(Some(at(5)), Some(at(14)), 10, at(20)), None);
        assert_eq!(overdue(Some(at(5)), Some(at(14)), 10, at(24)), Some(at(14)));
        // The first backup is deleted before a year is over.
        assert_eq!(overdue(Some(at(80)), None, 366, at(94)), Some(at(80)));
    }
}
