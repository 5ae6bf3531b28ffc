//! Running the appliance: log, health, metrics, what systemd is told.

pub mod components;
pub mod doctor;
mod gauges;
pub mod harden;
mod health;
pub mod log;
pub mod metrics;
pub mod performance;
pub mod release;
pub mod reload;
pub mod supervisor;
pub mod support;

use crate::http::route::{Audit, Method, Route, Surface};

pub fn routes() -> Vec<Route> {
    const QUIET: Audit = Audit::Nothing("nobody's data is touched");
    let open = |path, handler: fn(crate::http::call::OpenCall) -> health::Reply, summary| {
        Route::open(Method::Get, path, Surface::Operations, "probes and documents", QUIET, handler)
            .says(summary)
    };
    vec![
        open("/healthz", health::healthz, "Whether the process answers"),
        open("/readyz", health::readyz, "Whether the platform's database answers"),
        open("/status", health::status, "Version, build and uptime"),
        open(
            "/metrics",
            health::metrics,
            "Prometheus metrics, to this machine or to who has the token",
        ),
        open(
            "/.well-known/security.txt",
            health::security_txt,
            "Where to report a weakness (RFC 9116)",
        ),
        open("/api/v1/openapi.json", health::openapi, "This document"),
    ]
}
