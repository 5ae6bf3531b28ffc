//! Roles: the built-in ones and those that a tenant defines for itself.

mod change;
mod check;
mod create;
mod delete;
mod list;
mod model;
mod repo;
mod resolve;
#[cfg(test)]
mod tests;

pub use change::change;
pub use create::create;
pub use delete::delete;
pub use list::{choices, find, list, names};
pub use model::{NewRole, PermissionWords, RoleChanges, RoleError, RoleView, Roles};
pub use resolve::{give, resolve};
