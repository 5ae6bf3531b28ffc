//! Four eyes: acts that destroy, that take everything out or that make somebody mighty wait until a
//! second person has approved them, in a tenant that has turned that on.
//!
//! The service of such an act asks [`pass`] in its own transaction, so that no way leads around it:
//! with the setting on it goes through only with an [`Approved`], which is used up there. Approving
//! performs the act at once, in the name and with the rights of the one who approves.

mod act;
mod decide;
mod error;
mod expire;
mod list;
mod pass;
mod quorum;
mod repo;
mod request;

pub use act::Act;
pub use decide::{Performed, approve, refuse, withdraw};
pub use error::ApprovalError;
pub use expire::expire;
pub use list::{Approval, ApprovalState, Party, find, list};
pub use pass::{Approved, gains, pass, pass_role};
pub use quorum::{check_quorum, is_on, is_on_in};
pub use request::request;
