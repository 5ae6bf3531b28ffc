//! Memory that SQLite takes, for all files of the process together.
//!
//! Each connection may keep some MiB of pages. One tenant that is busy shall have them; of hundreds
//! that are, all together must not fill the machine. Beyond the bound a connection that needs a page
//! gives up one of its own, and takes a new one only when it has none to give. What else SQLite
//! holds (schemas, statements) counts, but is not given up.

use rusqlite::ffi;

/// Bounds what is kept, from now on and for the whole process.
pub fn bound(mib: u32) {
    // SAFETY: takes a number, and keeps it in an atomic of SQLite's.
    unsafe { ffi::sqlite3_soft_heap_limit64(i64::from(mib) << 20) };
}

/// Bytes that are taken now.
pub fn used() -> u64 {
    // SAFETY: reads a counter of SQLite's, under its own mutex.
    let bytes = unsafe { ffi::sqlite3_memory_used() };
    u64::try_from(bytes).unwrap_or(0)
}
