//! What continuous archiving takes from a data file: its committed pages, copied out of the WAL
//! before a checkpoint may let that begin anew, into records on the local disk. Where those go is
//! none of this room's business (`backup::changes`).
//!
//! A record has what the commits of one second made of the file, each page once: what a busy log
//! rewrites with every commit is kept once a second, and any second can still be restored.
//!
//! *Invariant: no writer waits for an archive.* Copying is done on a thread of its own as the WAL
//! grows; a checkpoint takes what little is left. When the disk or the space for changes is full,
//! the chain of records breaks off ([`Gap`]) and another begins later, with a copy of the file.

mod apply;
mod local;
mod record;
mod tap;
mod taps;
#[cfg(test)]
mod tests;
pub mod wal_file;

pub use apply::{Applied, Rebuilt};
pub(super) use local::forget;
pub use local::{Batch, Broken, Gap};
pub use record::{Hash, Record, RecordReader, RecordWriter, seed};
pub use tap::{BaseTicket, Tap};
pub use taps::{Taps, TapsLimits};
