//! The platform's console: tenants and jobs.

use std::time::Duration;

use askama::Template;

use super::closing::GraceFacts;
use super::query::Pager;
use super::{Chrome, Field, JobResult, TenantState};
use crate::kernel::Timestamp;

/// `GET /platform/[?cursor=]`.
#[derive(Template)]
#[template(path = "platform/tenants.html")]
pub struct TenantsPage {
    pub chrome: Chrome,
    /// What somebody should look at, for who may see backups.
    pub alarms: Vec<String>,
    /// That the server's certificate ends soon, or has ended.
    pub certificate: Option<String>,
    pub rows: Vec<TenantRow>,
    pub pager: Pager,
}

pub struct TenantRow {
    pub name: String,
    pub slug: String,
    /// Of its page.
    pub href: String,
    pub state: TenantState,
    pub created: Timestamp,
}

/// `GET|POST /platform/tenants/new`; sends `name`, `slug`, `owner_name`, `owner_email`,
/// `owner_password`.
#[derive(Template)]
#[template(path = "platform/tenant_new.html")]
pub struct NewTenantPage {
    pub chrome: Chrome,
    pub name: Field,
    pub slug: Field,
    pub owner_name: Field,
    pub owner_email: Field,
    pub owner_password: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}

/// `GET /platform/tenants/{slug}`. Acts lead to confirmations at `…/freeze` and so on.
#[derive(Template)]
#[template(path = "platform/tenant.html")]
pub struct TenantPage {
    pub chrome: Chrome,
    pub id: String,
    pub name: String,
    pub slug: String,
    /// The page's own path; acts are below it.
    pub path: String,
    pub state: TenantState,
    pub created: Timestamp,
    /// Its time of grace, when it is closed.
    pub grace: Option<GraceFacts>,
    pub may_close: bool,
}

impl TenantPage {
    pub fn is_closed(&self) -> bool {
        self.state == TenantState::Closed
    }

    pub fn is_active(&self) -> bool {
        self.state == TenantState::Active
    }

    pub fn is_frozen(&self) -> bool {
        self.state == TenantState::Frozen
    }

    pub fn is_suspended(&self) -> bool {
        self.state == TenantState::Suspended
    }
}

/// `GET /platform/jobs`.
#[derive(Template)]
#[template(path = "platform/jobs.html")]
pub struct JobsPage {
    pub chrome: Chrome,
    /// What runs daily or weekly.
    pub nightly: Vec<JobRow>,
    /// What runs all the time.
    pub machinery: Vec<JobRow>,
}

impl JobsPage {
    /// What failed is not hidden.
    pub fn machinery_failed(&self) -> bool {
        self.machinery.iter().any(|row| row.result == JobResult::Failed)
    }
}

pub struct JobRow {
    /// The job's code, such as `session.sweep`.
    pub name: String,
    pub description: String,
    /// The cron expression in force, and in words where it is simple.
    pub schedule: String,
    pub when: Option<String>,
    pub enabled: bool,
    pub result: JobResult,
    pub last_run: Option<Timestamp>,
    pub took: Option<Duration>,
    pub next_run: Option<Timestamp>,
    /// Of the run that goes on now: done and all.
    pub progress: Option<(u64, u64)>,
    /// What the last run did.
    pub summary: Option<String>,
    /// Why the last run failed.
    pub error: Option<String>,
}

impl JobRow {
    pub fn took_text(&self) -> Option<String> {
        self.took.map(duration)
    }
}

/// `840 µs`, `12.4 ms`, `3.2 s`, `4 min 05 s`: units are the same in every language.
pub fn duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        1_000_000..60_000_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(Duration::from_micros(840)), "840 µs");
        assert_eq!(duration(Duration::from_millis(3_240)), "3.2 s");
        assert_eq!(duration(Duration::from_secs(245)), "4 min 05 s");
    }
}

/// An administrator chooses a password behind a one-time link. The form sends `password` and
/// `password_again`.
#[derive(Template)]
#[template(path = "platform/password.html")]
pub struct ChoosePasswordPage {
    pub chrome: Chrome,
    /// Where the form goes, one-time token included.
    pub action: String,
    pub password: Field,
    pub password_again: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}
