//! How backups are: what the platform's home warns of, and what the page of backups says.

use std::time::Duration;

use crate::authz::permission::{PlatformBackupRead, PlatformJobRead};
use crate::authz::{Grant, Permission};
use crate::backup::restore::{self, RestoreTest};
use crate::backup::{changes, late, replicate};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::jobs::{self, RunState};
use crate::web::messages::Messages;
use crate::web::view::backups::{LastRun, TargetRow};
use crate::web::view::jobs::result;
use crate::web::view::state::TargetStanding;

const DAILY: &str = "backup.daily";

pub struct BackupState {
    /// Somebody is configured who can read backups, and a place for them.
    pub configured: bool,
    /// As configured.
    pub targets: Vec<TargetRow>,
    /// None before the first, and for who may not see jobs.
    pub last_run: Option<LastRun>,
    /// The daily job is switched off.
    pub is_off: bool,
    pub last_test: Option<RestoreTest>,
    /// No test went well for longer than the settings allow.
    pub test_overdue: bool,
    /// What would be lost if this machine were gone now; None when only daily backups are made.
    pub unsent: Option<Duration>,
}

impl BackupState {
    pub async fn of<P: Permission>(
        call: &PlatformCall<P>,
        grant: &Grant<PlatformBackupRead>,
    ) -> Result<Self, Failure> {
        let (app, tenants) = (&call.app, &call.app.tenants);
        let settings = &app.settings.backup;
        let known = replicate::states(tenants, grant).await?;
        let target = |name: &str| {
            let of = known.iter().find(|(state, _)| state.target == name);
            target(name, of.map(|(state, missing)| (state, *missing)))
        };
        let tests = restore::tests(tenants, grant).await?;
        let (mut last_run, mut is_off) = (None, false);
        if let Some(grant) = call.also::<PlatformJobRead>() {
            let (job, zone) = (jobs::find(DAILY)?, app.settings.jobs.time_zone.zone());
            let (status, runs, _) = jobs::runs(tenants, &grant, job, None, zone).await?;
            is_off = !status.enabled;
            // One that is under way has no result yet.
            let ended = runs.into_iter().find(|run| run.state != RunState::Running);
            last_run = ended.map(|run| LastRun {
                at: run.started,
                failed: matches!(run.state, RunState::Failed | RunState::Interrupted),
                result: result(Some(run.state)),
                message: run.message,
            });
        }
        Ok(Self {
            configured: !settings.recipients.is_empty() && !settings.targets.is_empty(),
            targets: settings.targets.iter().map(|url| target(url.name())).collect(),
            last_run,
            is_off,
            test_overdue: late::test_overdue(tenants, grant, settings).await?.is_some(),
            last_test: tests.into_iter().next(),
            unsent: changes::status(tenants).into_iter().map(|one| one.lag).max(),
        })
    }

    /// What somebody should look at, as sentences.
    pub fn alarms(&self) -> Vec<String> {
        let messages = Messages::english();
        if !self.configured {
            return vec![messages.text("alarm-backups-unset").into_owned()];
        }
        let mut alarms = Vec::new();
        if self.is_off {
            alarms.push(messages.text("alarm-backups-off").into_owned());
        }
        if let Some(run) = self.last_run.as_ref().filter(|run| run.failed) {
            let at = [("at", run.at.display().into())];
            alarms.push(messages.with("alarm-backup-failed", &at).into_owned());
        }
        for target in &self.targets {
            let Some(since) = target.failing_since else { continue };
            let args = [("target", target.name.as_str().into()), ("since", since.display().into())];
            alarms.push(messages.with("alarm-target-failing", &args).into_owned());
        }
        match &self.last_test {
            Some(test) if !test.passed => {
                let at = [("at", test.started.display().into())];
                alarms.push(messages.with("alarm-test-failed", &at).into_owned());
            }
            _ if self.test_overdue => {
                alarms.push(messages.text("alarm-test-overdue").into_owned());
            }
            _ => {}
        }
        alarms
    }
}

fn target(name: &str, known: Option<(&replicate::TargetState, u64)>) -> TargetRow {
    let state = known.map(|(state, _)| state);
    let failing_since = state.and_then(|state| state.failing_since);
    let last_success = state.and_then(|state| state.last_success);
    TargetRow {
        name: name.to_owned(),
        standing: match (failing_since, last_success) {
            (Some(_), _) => TargetStanding::Failing,
            (None, Some(_)) => TargetStanding::Well,
            (None, None) => TargetStanding::Untried,
        },
        failing_since,
        error: state.and_then(|state| state.error.clone()),
        last_success,
        missing: known.map_or(0, |(_, missing)| missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::replicate::TargetState;
    use crate::kernel::Timestamp;

    fn well() -> BackupState {
        BackupState {
            configured: true,
            targets: vec![target("nas", None)],
            last_run: None,
            is_off: false,
            last_test: None,
            test_overdue: false,
            unsent: None,
        }
    }

    #[test]
    fn a_target_that_fails_is_an_alarm_that_says_since_when_and_one_that_is_well_is_none() {
        let since = Timestamp::parse("2026-11-22T05:06:07Z");
        let failing = TargetState {
            target: "nas".into(),
            failing_since: since,
            error: Some("gone".into()),
            ..TargetState::default()
        };
        let mut state = well();
        assert!(state.alarms().is_empty());
        state.targets = vec![target("nas", Some((&failing, 3)))];
        let said = state.alarms();
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("nas") && said[0].contains("2026-11-22 05:06:07"), "{said:?}");
    }

    #[test]
    fn without_recipients_or_targets_that_alone_is_said() {
        let state = BackupState { configured: false, test_overdue: true, ..well() };
        assert_eq!(
            state.alarms(),
            ["Backups are not set up: if this machine is lost, everything is."]
        );
    }

    #[test]
    fn a_failed_run_an_overdue_test_and_a_job_that_is_off_are_each_said() {
        let at = Timestamp::from_micros(0);
        let result = result(Some(RunState::Failed));
        let run = LastRun { at, failed: true, result, message: None };
        let state = BackupState { last_run: Some(run), is_off: true, test_overdue: true, ..well() };
        assert_eq!(state.alarms().len(), 3);
    }
}
