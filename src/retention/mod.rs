//! How long data is kept, what stops its deletion, and deleting what is past its time.
//!
//! A class of data has a policy in days; what is past it is deleted by the nightly job `retention.run`
//! or when somebody asks, in small transactions that each bring their entry. `due` says what is past
//! its time, for previews and runs alike; `holds` what must stay all the same; `clock` which time it
//! is, for what a wrong clock deletes cannot be given back.

mod class;
pub mod clock;
mod delete;
mod due;
mod error;
pub mod holds;
mod policy;
mod preview;
mod repo;
mod report;
mod run;
mod runs;
#[cfg(test)]
mod tests;

pub use class::Class;
pub use error::RetentionError;
pub use policy::{
    DecidedBy, Installation, Policies, Policy, PolicyChanges, PolicyStep, change, change_approved,
    policies, shortens,
};
pub use preview::{Preview, PreviewedClass, Sample, preview};
pub use report::{ClassReport, Report, Run, RunPage, RunRequest, RunState, csv};
pub use run::{Asked, Begun, begin, run};
pub use runs::{find_run, runs};
