//! Witnesses: somebody outside of the installation who signs its checkpoints, and never two that
//! contradict each other, so that not even the machine's root user can tell two histories.
//!
//! `request` is what travels to a witness (C2SP tlog-witness, `add-checkpoint`), `memory` what a
//! witness has to remember and refuses, `repo` what a log knows of its own witnesses.

mod memory;
pub mod repo;
mod request;

pub use memory::{Memory, Refusal};
pub use request::{Request, RequestError};
