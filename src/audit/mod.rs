//! The audit log: what an event is, how an entry is sealed, chained and put into a Merkle tree,
//! and how it is searched. `docs/audit-format.md` describes format version 1 for outsiders.
//!
//! An event (`event`) comes from the server itself (`catalogue`) or from an application
//! (`ingest`). It becomes canonical JSON (`canonical`), then an envelope (`seal`), then a leaf
//! (`leaf`) of the tree (`tree`).

pub mod canonical;
pub mod catalogue;
pub mod event;
pub mod ingest;
pub mod leaf;
mod payload;
mod pointer;
mod posted;
pub mod query;
pub mod seal;
mod stored;
pub mod tree;
pub mod view;

#[cfg(test)]
mod example;
