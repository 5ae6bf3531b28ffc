//! Prometheus metrics: what was counted since the start, and what is measured when somebody asks
//! ([`super::gauges`]). No label holds a name, an address or anything that somebody typed.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::config::{Settings, read_secret};
use crate::crypto::mac;

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
/// SHA-256 of the token that metrics are answered to.
static TOKEN: OnceLock<[u8; 32]> = OnceLock::new();

const REQUESTS: &str = "strongroom_http_request_duration_seconds";
/// Not `job`, which is what Prometheus calls its own targets.
const JOB: &str = "job_name";
const JOB_TIME: &str = "strongroom_job_duration_seconds";
const JOB_RUNS: &str = "strongroom_job_runs_total";
const JOB_SUCCESS: &str = "strongroom_job_last_success_timestamp_seconds";

/// Upper bounds in seconds.
const REQUEST_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];
const COMMIT_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];
const JOB_BUCKETS: [f64; 8] = [0.01, 0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0];
const BACKUP_BUCKETS: [f64; 7] = [0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0];
/// Upper bounds in writes.
const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Shorter than this, a token could be guessed.
const TOKEN_CHARACTERS: usize = 20;

#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("server.metrics_token_file: {0}")]
    Token(String),
    #[error(
        "server.metrics_token_file: the token is shorter than {TOKEN_CHARACTERS} characters; make \
         one with: openssl rand -hex 32"
    )]
    Short,
}

/// Once a process; later calls change nothing.
pub fn init() {
    let buckets: [(&str, &[f64]); 5] = [
        (REQUESTS, &REQUEST_BUCKETS),
        (crate::store::COMMIT_TIME, &COMMIT_BUCKETS),
        (crate::store::BATCH_SIZE, &BATCH_BUCKETS),
        (JOB_TIME, &JOB_BUCKETS),
        (crate::backup::DURATION, &BACKUP_BUCKETS),
    ];
    let builder = buckets.into_iter().try_fold(PrometheusBuilder::new(), |builder, (name, at)| {
        builder.set_buckets_for_metric(Matcher::Full(name.into()), at)
    });
    match builder.and_then(PrometheusBuilder::install_recorder) {
        Ok(handle) => {
            describe();
            let upkeep = handle.clone();
            if HANDLE.set(handle).is_ok() {
                std::thread::spawn(move || keep_up(&upkeep));
            }
        }
        Err(error) => tracing::warn!(%error, "metrics are off"),
    }
}

fn describe() {
    metrics::describe_histogram!(REQUESTS, "Time from a request's head to its answer");
    metrics::describe_histogram!(
        crate::store::COMMIT_TIME,
        "Time of a COMMIT, which returns when the write-ahead log is on the disk (fsync)"
    );
    metrics::describe_histogram!(crate::store::BATCH_SIZE, "Writes that shared one commit");
    metrics::describe_histogram!(JOB_TIME, "Time that runs of a job took");
    metrics::describe_counter!(JOB_RUNS, "Runs of a job by how they ended");
    metrics::describe_gauge!(JOB_SUCCESS, "When a job last succeeded since the server started");
}

/// Samples are kept until they are counted into their buckets; without this they pile up.
fn keep_up(handle: &PrometheusHandle) {
    loop {
        std::thread::sleep(Duration::from_secs(5));
        handle.run_upkeep();
    }
}

/// Reads the token that metrics are answered to from elsewhere, if there is one.
///
/// # Errors
/// A file that cannot be read or that others may read, and a token that could be guessed.
pub fn expect_token(settings: &Settings) -> Result<(), MetricsError> {
    let Some(path) = &settings.server.metrics_token_file else { return Ok(()) };
    let token = read_secret(path).map_err(MetricsError::Token)?;
    let token = token.trim();
    if token.len() < TOKEN_CHARACTERS {
        return Err(MetricsError::Short);
    }
    let _ = TOKEN.set(mac::sha256(token.as_bytes()));
    Ok(())
}

/// Whether this is the token; nothing is when none is set.
pub fn is_token(given: &str) -> bool {
    TOKEN.get().is_some_and(|token| mac::same(token, &mac::sha256(given.as_bytes())))
}

/// `route` is a pattern of the route table, never an address that somebody asked for.
pub fn observe(route: &'static str, method: &'static str, status: u16, took: Duration) {
    let labels = [("route", route), ("method", method), ("status", class(status))];
    metrics::histogram!(REQUESTS, &labels).record(took.as_secs_f64());
}

/// `at` in seconds since 1970, of a run that succeeded.
pub fn job_ended(job: &'static str, result: &'static str, took: Duration, at: Option<f64>) {
    metrics::histogram!(JOB_TIME, JOB => job).record(took.as_secs_f64());
    metrics::counter!(JOB_RUNS, JOB => job, "result" => result).increment(1);
    if let Some(at) = at {
        metrics::gauge!(JOB_SUCCESS, JOB => job).set(at);
    }
}

pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

fn class(status: u16) -> &'static str {
    match status {
        0..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
