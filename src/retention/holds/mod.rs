//! Legal holds: what must not be deleted, whatever the policies say, and why.

mod change;
mod check;
mod error;
mod expire;
mod list;
mod model;
mod open;
mod repo;
mod set;
mod target;
#[cfg(test)]
mod tests;

pub use change::{change, change_approved, lift, lift_approved};
pub use check::{
    Held, any, conversation, is_held_conversation, is_held_subject, is_held_tenant, over, subject,
    tenant,
};
pub use error::{HoldError, REASON_BYTES};
pub use expire::lift_ended;
pub use list::{find, list};
pub use model::{
    Hold, HoldChange, HoldChanges, HoldPage, HoldRequest, HoldScope, HoldState, Lift, NewHold,
    given,
};
pub(super) use repo::count_in_force as in_force;
pub use set::set;
pub use target::{TargetName, name};
