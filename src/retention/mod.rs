//! How long data is kept, what stops its deletion, and deleting what is past its time.

pub mod holds;
