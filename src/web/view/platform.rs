//! The platform's console: tenants and jobs.

use std::time::Duration;

use askama::Template;

use super::query::Pager;
use super::{Chrome, Field, JobResult, TenantState};
use crate::kernel::Timestamp;

/// `GET /platform/[?cursor=]`.
#[derive(Template)]
#[template(path = "platform/tenants.html")]
pub struct TenantsPage {
    pub chrome: Chrome,
    pub rows: Vec<TenantRow>,
    pub pager: Pager,
}

pub struct TenantRow {
    pub name: String,
    pub slug: String,
    pub state: TenantState,
    pub created: Timestamp,
    /// Entries of the tenant's audit log; absent while its file was not opened.
    pub entries: Option<u64>,
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
    pub state: TenantState,
    pub created: Timestamp,
    pub entries: Option<u64>,
    pub members: Option<u64>,
    /// Size of the tenant's files in bytes.
    pub bytes: Option<u64>,
}

impl TenantPage {
    pub fn is_active(&self) -> bool {
        self.state == TenantState::Active
    }

    pub fn is_frozen(&self) -> bool {
        self.state == TenantState::Frozen
    }

    pub fn is_suspended(&self) -> bool {
        self.state == TenantState::Suspended
    }

    /// `12.3 MiB`.
    pub fn size(&self) -> Option<String> {
        self.bytes.map(size)
    }
}

/// `GET /platform/jobs`.
#[derive(Template)]
#[template(path = "platform/jobs.html")]
pub struct JobsPage {
    pub chrome: Chrome,
    pub rows: Vec<JobRow>,
}

pub struct JobRow {
    /// The job's code, such as `session.sweep`.
    pub name: String,
    /// As configured: a cron expression or an interval.
    pub schedule: String,
    pub result: JobResult,
    pub last_run: Option<Timestamp>,
    pub took: Option<Duration>,
    pub next_run: Option<Timestamp>,
    /// Of the run that goes on now: done and all.
    pub progress: Option<(u64, u64)>,
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

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_well() {
        assert_eq!(duration(Duration::from_micros(840)), "840 µs");
        assert_eq!(duration(Duration::from_millis(3_240)), "3.2 s");
        assert_eq!(duration(Duration::from_secs(245)), "4 min 05 s");
        assert_eq!(size(1_500), "1.5 KiB");
        assert_eq!(size(3 << 30), "3.0 GiB");
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
