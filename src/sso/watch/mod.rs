//! What changes at providers, or ends, without anybody's doing here.

mod findings;
mod refresh;
mod repo;
mod warn;
#[cfg(test)]
mod watch_tests;

pub use findings::{Ending, Finding, findings, own_finding};
pub use refresh::{RefreshError, Refreshed, refresh};
pub use warn::warn;
