//! Members of a tenant: people who sign in to its console.

mod change;
mod create;
mod factors;
mod invitations;
mod join;
mod leave;
mod list;
mod model;
mod own;
mod password;
mod password_link;
mod provisioned;
mod repo;
mod switch;

pub use change::{change_role, change_role_approved, rename, set_enabled};
pub use create::{create, seed_owner};
pub use factors::reset_factors;
pub use invitations::{
    Invitation, Invited, NewInvitation, invitations, invite, look_at_invitation,
    withdraw_invitation,
};
pub use join::{
    Newcomer, Registration, check_registration, confirm_registration, join, look_at_registration,
    register,
};
pub use leave::{check_leaving, lock_out, remove};
pub use list::{count_active, find, list, page};
pub use model::{
    Member, MemberFilter, MemberPage, MemberState, NO_PASSWORD, NewMember, Prepared, SecondFactor,
    UserError, check_email, check_name,
};
pub use own::{Own, own};
pub use password::change_password;
pub use password_link::password_link;
pub use provisioned::{Alteration, add, alter, is_last_owner, look, look_by_email};
#[cfg(test)]
pub(crate) use repo::OF_A_PERSON;
pub use repo::keep_emergency;
pub use switch::switch;
