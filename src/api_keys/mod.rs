//! API keys of a tenant: shown once, stored as SHA-256.

mod create;
mod list;
mod model;
mod revoke;

pub use create::create;
pub use list::list;
pub use model::{ApiKey, ApiKeyError, NewApiKey, NewKey};
pub use revoke::revoke;
