//! What people can ask for about their own data: that it is erased.
//!
//! Everything about a person is sealed under a key of their own. Erasing them is destroying that
//! key: rows, entries of the log, backups and copies of them cannot be opened any more, and nothing
//! that proves anything changes. What is not sealed under it is dealt with row by row; the table in
//! `docs/erasure.md` says how.

mod certificate;
mod complete;
mod erase;
#[cfg(test)]
mod erase_tests;
mod error;
mod list;
mod model;
mod person;
mod preview;
mod repo;

pub use complete::complete_interrupted;
pub use erase::{erase, erase_approved};
pub use error::PrivacyError;
pub use list::{find, list};
pub use model::{Erasure, ErasureCounts, ErasureState, Kind, Preview, Wanted, Who};
pub use preview::preview;
