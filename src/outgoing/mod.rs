//! Connections that this machine opens on an administrator's word: to which addresses, trusting whom,
//! and requests to identity providers.

mod address;
mod cause;
mod fetch;
mod resolver;
mod roots;

pub use address::{AddressError, Allowed, cut_off, host_and_port, may_connect};
pub use cause::{Cause, cause};
pub use fetch::{FetchError, Fetched, Fetcher};
pub use resolver::Guarded;
pub use roots::{certificates, pasted, system};
