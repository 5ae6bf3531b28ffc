//! What changes at providers, or ends, without anybody's doing here.

mod findings;

pub use findings::{Ending, Finding, findings, own_finding};
