//! Metrics of backups and of tests of restores. Gauges that stand for something on record are set
//! again when a server starts: a restart is no gap, and no alarm.

use std::sync::Arc;
use std::time::Duration;

use super::restore::RestoreTest;
use super::run::Made;
use super::{BackupError, Kind, catalogue, restore};
use crate::authz::permission::PlatformBackupRead;
use crate::authz::{Caller, Principal, RequestContext};
use crate::kernel::Timestamp;
use crate::tenants::{DoorError, Tenants};

/// Says what the catalogue says.
///
/// # Errors
/// What the platform's file answers.
pub async fn at_start(tenants: &Tenants) -> Result<(), BackupError> {
    let request = RequestContext::local(tenants.runtime().id());
    let principal = Principal::System { job: "backup.daily" };
    let caller = Arc::new(Caller { principal, request });
    let grant = tenants.authorize_platform::<PlatformBackupRead>(&caller, "backup").await;
    let grant = grant.map_err(DoorError::from)?;
    for kind in Kind::ALL {
        if let Some(taken) = catalogue::last(tenants, &grant, kind).await? {
            last_success(kind, taken);
        }
    }
    if let Ok(tests) = restore::tests(tenants, &grant).await
        && let Some(last) = tests.first()
    {
        tested(last);
    }
    Ok(())
}

/// Of the backup of one owner.
pub const DURATION: &str = "strongroom_backup_duration_seconds";

pub fn made(made: &[Made], took: Duration) {
    for one in made {
        let kind = one.manifest.kind;
        last_success(kind, one.manifest.taken);
        metrics::counter!("strongroom_backup_bytes_total", "kind" => kind.name())
            .increment(one.manifest.bytes);
    }
    metrics::histogram!(DURATION).record(took.as_secs_f64());
}

fn last_success(kind: Kind, taken: Timestamp) {
    metrics::gauge!("strongroom_backup_last_success_timestamp_seconds", "kind" => kind.name())
        .set(seconds(taken));
}

pub fn target(name: &str, took_it: bool) {
    metrics::gauge!("strongroom_backup_target_up", "target" => name.to_owned())
        .set(u8::from(took_it));
}

/// When a target last took what it was given.
pub fn target_success(name: &str, at: Timestamp) {
    let seconds = seconds(at);
    let label = || name.to_owned();
    metrics::gauge!("strongroom_backup_target_success_timestamp_seconds", "target" => label())
        .set(seconds);
    // The name that it had first, which rules may ask for.
    metrics::gauge!("strongroom_backup_target_success_seconds", "target" => label()).set(seconds);
}

pub fn tested(test: &RestoreTest) {
    let took = Duration::from_millis(test.millis).as_secs_f64();
    metrics::gauge!("strongroom_restore_test_passed").set(u8::from(test.passed));
    metrics::gauge!("strongroom_restore_test_timestamp_seconds").set(seconds(test.started));
    metrics::gauge!("strongroom_restore_test_duration_seconds").set(took);
    metrics::gauge!("strongroom_restore_test_seconds").set(took);
}

fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}
