//! Continuous archiving: what was committed leaves for the targets within seconds, and any second of
//! the kept window can be had back.
//!
//! A *chain* is a copy of a data file as it lies on disk (encrypted pages) and the records of changes
//! that follow it without gap (`store::changes`). Records travel in *segments*; each begins with a
//! note that says where in its chain it belongs, signed by the installation, and the hashes of
//! records follow from one another. A *head*, signed too, says how far the chain has come, so that a
//! cut-off end is noticed. `docs/archive-format.md` has it all.
//!
//! Later copies of the file belong to the chain that goes on: at no moment is there less than a
//! whole chain in a target. A new chain begins only where the old one broke off.

mod archiver;
mod check;
mod deliver;
mod locate;
mod materialise;
mod merge;
pub(super) mod notes;
mod prune;
mod seal;
mod send;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use archiver::{Archived, Archiver};
pub use check::check;
pub use locate::{Chains, Window, owners, window};
pub use materialise::{Materialised, materialise};
pub use notes::{BaseNote, HeadNote, SegmentNote};
pub use status::{Lag, METRIC, report, status};
