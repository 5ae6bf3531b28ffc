//! Encrypted database files: the engine, readers, the group-commit writer, migrations, key shelves.
//!
//! Everything above this room speaks [`Sql`] and [`SqlMut`]; what only SQLite can do stays here.

pub mod before;
pub mod changes;
#[cfg(test)]
mod damage_tests;
pub mod database;
pub mod engine;
pub mod erasures;
mod error;
pub mod files;
mod index_file;
pub mod lock;
pub mod memory;
pub mod migrate;
pub mod pages;
pub mod readers;
mod removal;
pub mod shelf;
pub mod spool;
mod sql;
mod staging;
#[cfg(test)]
pub mod test_support;
mod value;
mod wal;
pub mod workers;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use database::{Database, DatabaseOptions};
pub use error::StoreError;
pub use index_file::IndexFile;
pub use readers::{OwnReader, Readers};
pub use sql::{RawReadTx, RawWriteTx, Sql, SqlMut};
pub use staging::Staged;
pub use value::{FromColumn, Row, Value};
pub use workers::Workers;
pub use writer::{BATCH_SIZE, COMMIT_TIME, Companion, Job, Outcome};

/// Arguments of a statement, in the order of its `$1 …` placeholders.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Value::from($value)),*] };
}
