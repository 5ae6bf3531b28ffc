//! Provisioning: an identity provider keeps a tenant's members and groups as it has them (SCIM 2.0,
//! RFC 7643 and 7644). The protocol's words are in `filter`, `patch`, `shape`, `query` and `schema`;
//! who is reached and what they get, in `plan` and `settle`.
//!
//! The key that does all this is in a cloud. So it reaches only those whom provisioning has made or
//! taken over, and nobody whose role no rule could have given; the emergency account and the last
//! owner are never touched, and passwords are not accepted.

mod attributes;
mod error;
mod filter;
mod group_list;
mod group_patch;
mod group_repo;
mod groups;
mod limits;
mod patch;
mod plan;
#[cfg(test)]
mod power_tests;
mod query;
mod repo;
mod resource;
pub mod schema;
mod settings;
mod settle;
mod shape;
#[cfg(test)]
mod tests;
mod user_list;
mod users;

pub use attributes::UserAttributes;
pub use error::ScimError;
pub use group_list::list as list_groups;
pub use groups::{
    create as create_group, delete as delete_group, find as find_group, patch as patch_group,
    replace as replace_group,
};
pub use limits::PAGE;
pub use query::{Asked, Found, View};
pub use resource::{Resource, names as names_version};
pub use settings::{GroupRule, ScimOverview, ScimSettings, change as change_settings, overview};
pub use user_list::list as list_users;
pub use users::{
    create as create_user, delete as delete_user, find as find_user, patch as patch_user,
    replace as replace_user,
};

use crate::kernel::id::UserId;
use crate::store::{Sql, StoreError};
use plan::Plan;

/// Whether provisioning keeps a member: their role then follows their groups, and nothing else.
pub fn keeps(tx: &impl Sql, member: UserId) -> Result<bool, StoreError> {
    Ok(repo::kept(tx, member)?.is_some())
}

/// For fuzzing: whatever is read as a filter can be held against a resource.
pub fn try_filter(text: &str, resource: &serde_json::Value) -> Option<bool> {
    let filter = filter::parse(text).ok()?;
    filter::matches(&filter, resource).ok()
}
