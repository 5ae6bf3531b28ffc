//! Members of a tenant: people who sign in to its console.

mod change;
mod create;
mod list;
mod model;
mod own;
mod password;
mod repo;

pub use change::{change_role, rename, set_enabled};
pub use create::{create, seed_owner};
pub use list::{count_active, find, list, page};
pub use model::{
    Member, MemberFilter, MemberPage, MemberState, NO_PASSWORD, NewMember, Prepared, SecondFactor,
    UserError,
};
pub use own::{Own, own};
pub use password::change_password;
