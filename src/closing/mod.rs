//! Closing a tenant: suspended at once, a time of grace in which it can be exported and taken back,
//! then everything is destroyed, with a certificate.
//!
//! Destroying is destroying one key: all keys of a tenant are wrapped under its root key, and that
//! lies, wrapped, in the platform's key store and nowhere else. Archives of that store are deleted
//! within a week, so with grace and that week nothing can be opened any more by day 30.

mod certificate;
mod close;
mod destroy;
#[cfg(test)]
mod destroy_tests;
mod error;
mod export;
mod list;
mod model;
mod repo;

pub use close::{close, reopen};
pub use destroy::{Destroyed, destroy_due};
pub use error::ClosingError;
pub use export::{Export, begin as export};
pub use list::{find, list, of_tenant};
pub use model::{Closing, ClosingState};
pub use repo::{is_destroyed, was_destroyed};
