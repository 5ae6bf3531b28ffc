//! Prometheus metrics: request latency per route and status.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::http::route::Route;

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

const REQUESTS: &str = "strongroom_http_request_duration_seconds";
/// Upper bounds in seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];

/// Once a process; later calls change nothing.
pub fn init() {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUESTS.into()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder);
    match builder {
        Ok(handle) => {
            let upkeep = handle.clone();
            if HANDLE.set(handle).is_ok() {
                std::thread::spawn(move || keep_up(&upkeep));
            }
        }
        Err(error) => tracing::warn!(%error, "metrics are off"),
    }
}

/// Samples are kept until they are counted into their buckets; without this they pile up.
fn keep_up(handle: &PrometheusHandle) {
    loop {
        std::thread::sleep(Duration::from_secs(5));
        handle.run_upkeep();
    }
}

pub fn observe(route: &'static Route, status: u16, took: Duration) {
    let labels =
        [("route", route.path), ("method", route.method.name()), ("status", class(status))];
    metrics::histogram!(REQUESTS, &labels).record(took.as_secs_f64());
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
