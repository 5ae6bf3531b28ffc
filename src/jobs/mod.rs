//! Scheduled jobs: what runs by itself, when, and what came of it. One file a job.
//!
//! A run that does more than count is recorded in the platform's audit log (`job.started`, then
//! `job.completed` or `job.failed`), and the last hundred runs of each job are kept. Housekeeping
//! runs every few seconds or minutes and does system writes only: no entries, and of its runs those
//! that somebody asked for and the latest alone, written down once a minute or when it ends otherwise
//! than before.
//!
//! Administrators start and cancel runs and change when a job runs (`control`), except where nothing
//! else would do its work ([`Job::is_vital`]). What a job says of itself is kept, sealed, with the run.
//!
//! A job never runs twice at once. A run that its process did not live to end is marked as
//! interrupted at the next start.

mod context;
mod control;
mod job;
mod list;
mod output;
mod repo;
mod retries;
mod runner;
mod schedule;
mod scheduler;
#[cfg(test)]
mod tests;
mod walk;

mod archive_changes;
mod backup_daily;
mod backup_verify;
mod checkpoint_logs;
mod close_idle;
mod complete_erasures;
mod destroy_closed;
mod expire_approvals;
mod expire_exports;
mod expire_sessions;
mod feed_indexes;
mod flush_denials;
mod flush_key_use;
mod forget_before;
mod forget_rates;
mod migrate_tenants;
mod prune_logs;
#[cfg(test)]
mod prune_tests;
mod publish_checkpoints;
mod renew_certificate;
mod restore_test;
mod rhythm;
mod rotate_token_keys;
mod run_retention;
mod send_mail;
mod sweep_subject_keys;
mod sync_targets;
pub mod verify_logs;
mod watch_backups;
mod watch_certificate;
mod watch_providers;

pub use context::Context;
pub use control::{ControlError, cancel, find, schedule, start_now};
pub use job::{Job, JobError, Record, Running, Summary};
pub use list::{JobRun, JobStatus, list, runs};
pub use repo::{Origin, RunState};
pub use rhythm::Rhythm;
pub use runner::Runner;
pub use schedule::Schedule;
pub use scheduler::{Jobs, Scheduler, SchedulerError, start};
use walk::Walk;

/// Jobs beside housekeeping that nobody switches off: without them keys would not be replaced, and
/// what was to be destroyed would not be.
pub const VITAL: &[&str] = &["erasures.complete", "tenants.migrate", "tokens.rotate-key"];

/// Every job there is.
pub const JOBS: &[Job] = &[
    flush_key_use::JOB,
    flush_denials::JOB,
    close_idle::JOB,
    forget_rates::JOB,
    archive_changes::JOB,
    feed_indexes::JOB,
    checkpoint_logs::JOB,
    publish_checkpoints::JOB,
    send_mail::JOB,
    sync_targets::JOB,
    watch_backups::JOB,
    expire_sessions::JOB,
    expire_exports::JOB,
    expire_approvals::JOB,
    migrate_tenants::JOB,
    complete_erasures::JOB,
    destroy_closed::JOB,
    backup_daily::JOB,
    backup_verify::JOB,
    verify_logs::JOB,
    run_retention::JOB,
    prune_logs::JOB,
    restore_test::JOB,
    rotate_token_keys::JOB,
    sweep_subject_keys::JOB,
    renew_certificate::JOB,
    watch_certificate::JOB,
    forget_before::JOB,
    watch_providers::JOB,
];
