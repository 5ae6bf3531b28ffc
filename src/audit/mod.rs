//! The audit log: what an event is, how an entry is sealed, chained and put into a Merkle tree,
//! and how it is searched. `docs/audit-format.md` describes format version 1 for outsiders.
//!
//! An event (`event`) comes from the server itself (`catalogue`) or from an application
//! (`ingest`). It becomes canonical JSON (`canonical`), then an envelope (`seal`), then a leaf
//! (`leaf`) of the tree (`tree`), appended to the file (`log`). `read` opens entries again,
//! `verify` checks them all, `index` finds them.

pub mod bundle;
pub mod canonical;
pub mod catalogue;
pub mod checkpoint;
pub mod event;
pub mod export;
pub mod index;
pub mod ingest;
pub mod leaf;
pub mod log;
pub mod notary;
pub mod note;
pub mod partial;
pub mod past;
mod payload;
mod pointer;
pub mod posted;
pub mod proof;
pub mod pruning;
#[cfg(test)]
mod pruning_tests;
pub mod query;
pub mod read;
pub mod retention;
pub mod seal;
pub mod shreds;
mod stored;
pub mod tree;
pub mod verify;
pub mod view;
pub mod witness;

pub use event::Event;
pub use log::AuditLog;

#[cfg(test)]
mod example;
