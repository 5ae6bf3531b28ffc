//! What the checks look at: settings, files, and what the installation knows of itself.

use std::sync::Arc;
use std::time::Duration;

use super::check::Finding;
use super::listing::Listing;
use super::network::Reached;
use crate::admins::{self, Admin};
use crate::authz::permission::{
    PlatformAdminRead, PlatformBackupRead, PlatformJobRead, TenantRead,
};
use crate::authz::{Caller, Grant, Permission};
use crate::backup::restore::{self, RestoreTest};
use crate::backup::{Kind, catalogue, changes, replicate};
use crate::closing::{self, Closing};
use crate::config::Settings;
use crate::jobs::{self, JobStatus};
use crate::kernel::Timestamp;
use crate::mail::MailState;
use crate::tenants::{ReadOnly, Tenant, Tenants};

pub struct Facts {
    pub settings: Settings,
    pub now: Timestamp,
    pub files: Listing,
    /// Or why they cannot be seen.
    pub records: Result<Records, String>,
    /// None when nobody asked for the network.
    pub reached: Option<Vec<Reached>>,
}

impl Facts {
    /// What is made of the records, or that they cannot be seen.
    pub fn with_records(&self, look: impl FnOnce(&Records) -> Finding) -> Finding {
        match &self.records {
            Ok(records) => look(records),
            Err(why) => Finding::none(format!("not looked at: {why}")),
        }
    }

    /// The same about one job's latest run.
    pub fn with_job(&self, name: &str, look: impl FnOnce(&JobStatus) -> Finding) -> Finding {
        self.with_records(|records| match records.jobs.iter().find(|job| job.name == name) {
            Some(job) => look(job),
            None => Finding::none(format!("there is no job {name}")),
        })
    }

    /// How long ago something was.
    pub fn age(&self, then: Timestamp) -> Duration {
        self.now.since(then)
    }
}

/// What the platform's file and the running server know. Nothing of what is in a tenant.
#[derive(Default)]
pub struct Records {
    pub jobs: Vec<JobStatus>,
    pub admins: Vec<Admin>,
    pub tenants: Vec<Tenant>,
    pub closings: Vec<Closing>,
    /// The latest first.
    pub tests: Vec<RestoreTest>,
    pub targets: Vec<replicate::TargetState>,
    pub last_backup: Option<Timestamp>,
    /// Targets that are not in the settings any more and still hold archives.
    pub elsewhere: Vec<String>,
    /// Those that refuse to delete what is past its time.
    pub overdue: Vec<catalogue::Overdue>,
    /// Age of the oldest change that no target has; None when nothing is archived.
    pub unsent: Option<Duration>,
    /// Lines of the ledger of erasures.
    pub ledger: u64,
    /// Who stopped all changes, while that lasts.
    pub read_only: Option<Arc<ReadOnly>>,
    /// None when no server runs.
    pub streams: Option<(usize, usize)>,
    pub mail: Option<MailState>,
}

impl Records {
    pub async fn gather(
        tenants: &Tenants,
        caller: &Arc<Caller>,
        settings: &Settings,
    ) -> Result<Self, String> {
        let zone = settings.jobs.time_zone.zone();
        let backups = grant::<PlatformBackupRead>(tenants, caller).await?;
        let all_tenants = grant::<TenantRead>(tenants, caller).await?;
        let all_jobs = grant::<PlatformJobRead>(tenants, caller).await?;
        let all_admins = grant::<PlatformAdminRead>(tenants, caller).await?;
        let elsewhere = catalogue::elsewhere(tenants, &settings.backup).await.map_err(said)?;
        let states = replicate::states(tenants, &backups).await.map_err(said)?;
        Ok(Self {
            jobs: jobs::list(tenants, &all_jobs, zone).await.map_err(said)?,
            admins: admins::list(tenants, &all_admins).await.map_err(said)?,
            tenants: crate::tenants::list(tenants, &all_tenants).await.map_err(said)?,
            closings: closing::list(tenants, &all_tenants).await.map_err(said)?,
            tests: restore::tests(tenants, &backups).await.map_err(said)?,
            targets: states.into_iter().map(|(state, _)| state).collect(),
            last_backup: catalogue::last(tenants, &backups, Kind::Data).await.map_err(said)?,
            elsewhere: elsewhere.into_iter().map(|one| one.target).collect(),
            overdue: catalogue::overdue(tenants).await.map_err(said)?,
            unsent: changes::status(tenants).into_iter().map(|one| one.lag).max(),
            ledger: tenants.ledger().head().lines,
            read_only: tenants.read_only(),
            streams: None,
            mail: None,
        })
    }
}

async fn grant<P: Permission>(tenants: &Tenants, caller: &Arc<Caller>) -> Result<Grant<P>, String> {
    tenants.authorize_platform::<P>(caller, "doctor").await.map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A time span as people say it.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The first names of a list, and how many there are.
pub fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=SHOWN => first,
        all => format!("{first} and {} more", all - SHOWN),
    }
}
