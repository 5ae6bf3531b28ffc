//! API keys of a tenant: shown once, stored as SHA-256.

mod change;
mod create;
mod limits;
mod list;
mod model;
mod repo;
mod revoke;
mod rotate;
mod secret;

pub use change::change;
pub use create::{create, create_once};
pub use list::{find, list};
pub use model::{
    ApiKey, ApiKeyError, ChangeApiKey, NewApiKey, NewKey, OVERLAP_DEFAULT, OVERLAP_MOST,
};
pub use revoke::revoke;
pub use rotate::rotate;
