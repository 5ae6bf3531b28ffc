//! Members of a tenant: people who sign in to its console.

mod change;
mod create;
mod list;
mod model;
mod password;
mod repo;
mod sessions;

pub use change::{change_role, set_enabled};
pub use create::{create, seed_owner};
pub use list::{find, list, own};
pub use model::{Member, MemberState, NO_PASSWORD, NewMember, Prepared, UserError};
pub use password::change_password;
pub use sessions::{OwnSession, end_own_session, own_sessions};
