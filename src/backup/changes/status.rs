//! How much would be lost if this machine burnt down now.

use std::time::Duration;

use crate::authz::Realm;
use crate::tenants::Tenants;

/// The name of the metric with the largest lag of all realms.
pub const METRIC: &str = "strongroom_archive_lag_seconds";

/// One realm's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub realm: Realm,
    /// Since the first commit that has not left this machine; zero when all have. This is what a
    /// restore would lose (RPO).
    pub lag: Duration,
}

/// Of every realm whose file was opened since the start or that has something to send; empty when
/// nothing is archived.
pub fn status(tenants: &Tenants) -> Vec<Lag> {
    let Some(taps) = tenants.taps() else { return Vec::new() };
    let now = tenants.runtime().now();
    let lag = |realm| {
        let tap = taps.of(&tenants.database_file(realm));
        Lag { realm, lag: tap.unsent().map_or(Duration::ZERO, |since| now.since(since)) }
    };
    tenants.realms().into_iter().map(lag).collect()
}

/// Tells the metrics.
pub fn report(tenants: &Tenants) {
    let largest = status(tenants).into_iter().map(|it| it.lag).max().unwrap_or_default();
    metrics::gauge!(METRIC).set(largest.as_secs_f64());
}
