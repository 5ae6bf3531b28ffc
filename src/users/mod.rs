//! Members of a tenant: people who sign in to its console.

mod change;
mod create;
mod list;
mod model;
mod own;
mod password;
mod repo;

pub use change::{change_role, set_enabled};
pub use create::{create, seed_owner};
pub use list::{find, list};
pub use model::{Member, MemberState, NO_PASSWORD, NewMember, Prepared, UserError};
pub use own::{Own, own};
pub use password::change_password;
