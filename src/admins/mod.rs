//! Platform administrators: they make and freeze tenants and have no way into a tenant's data.

mod create;
mod error;
mod password;
mod repo;

pub use create::{create, invite};
pub use error::AdminError;
pub use password::{choose_password, lock_out, reset};
pub use repo::any;
