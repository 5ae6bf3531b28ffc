//! Roles: the list, and one role as a page or as a form.

use askama::Template;

use super::{Chrome, Field};

/// `GET /t/{slug}/admin/roles`.
#[derive(Template)]
#[template(path = "roles/list.html")]
pub struct RolesPage {
    pub chrome: Chrome,
    pub rows: Vec<RoleRow>,
    /// Whether the person may define roles.
    pub may_manage: bool,
    /// Whether the number of members leads to them.
    pub may_see_members: bool,
}

pub struct RoleRow {
    pub code: String,
    /// In the person's language, for built-in ones.
    pub name: String,
    pub description: String,
    pub is_own: bool,
    pub permissions: u64,
    pub members: u64,
    pub keys: u64,
}

/// `GET /t/{slug}/admin/roles/{code}`.
#[derive(Template)]
#[template(path = "roles/one.html")]
pub struct RolePage {
    pub chrome: Chrome,
    pub role: RoleRow,
    /// Permissions that it has, by domain.
    pub groups: Vec<RoleGroup>,
    pub may_change: bool,
    pub may_copy: bool,
    pub may_see_members: bool,
}

/// `GET /t/{slug}/admin/roles/new`, `…/{code}/change`; the form sends `code` (a new one), `name`,
/// `description` and `permission` for each that is ticked.
#[derive(Template)]
#[template(path = "roles/form.html")]
pub struct RoleFormPage {
    pub chrome: Chrome,
    /// The message of the heading.
    pub title: &'static str,
    /// The message of the button.
    pub button: &'static str,
    pub action: String,
    pub cancel: String,
    /// Absent for a role that is there: its code stays.
    pub code: Option<Field>,
    pub name: Field,
    pub description: Field,
    /// Every permission that a member can have, by domain.
    pub groups: Vec<RoleGroup>,
    /// What is wrong with the permissions.
    pub problem: Option<String>,
}

pub struct RoleGroup {
    /// The domain's code.
    pub domain: String,
    pub permissions: Vec<RolePermission>,
}

pub struct RolePermission {
    pub code: String,
    pub description: String,
    pub is_ticked: bool,
    /// What everybody may do, or what the person lacks: the box cannot be changed.
    pub is_fixed: bool,
}
