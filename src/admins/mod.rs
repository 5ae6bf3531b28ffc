//! Platform administrators: they make and freeze tenants and have no way into a tenant's data.

mod change;
mod create;
mod error;
mod factors;
mod list;
mod model;
mod notify;
mod password;
mod repo;

pub use change::{change_role, set_enabled};
pub use create::{create, invite};
pub use error::AdminError;
pub use factors::reset_factors;
pub use list::{find, list};
pub use model::{Admin, role};
pub use notify::tell_all;
pub use password::{choose_password, lock_out, reset};
pub use repo::any;
