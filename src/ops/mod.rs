//! Running the appliance: its log.

pub mod log;
