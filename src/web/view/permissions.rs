//! The permission matrix: who can do what, and through which routes.

use askama::Template;

use super::Chrome;

/// `GET /t/{slug}/admin/permissions`, `GET /platform/permissions`.
#[derive(Template)]
#[template(path = "permissions.html")]
pub struct PermissionsPage {
    pub chrome: Chrome,
    /// The columns.
    pub roles: Vec<RoleColumn>,
    pub groups: Vec<PermissionGroup>,
}

impl PermissionsPage {
    /// Columns of the table, for headings that span it.
    pub fn columns(&self) -> usize {
        self.roles.len() + 1
    }

    pub fn permissions(&self) -> u64 {
        self.groups.iter().map(|group| group.permissions.len() as u64).sum()
    }
}

pub struct RoleColumn {
    /// In the person's language, for built-in ones.
    pub name: String,
    /// The role's own page.
    pub href: Option<String>,
    /// Whether the tenant has defined it.
    pub is_own: bool,
}

pub struct PermissionGroup {
    /// The domain's code, such as `conversation`.
    pub domain: String,
    pub permissions: Vec<PermissionRow>,
}

pub struct PermissionRow {
    /// The permission's code, such as `message.read`.
    pub code: String,
    pub description: String,
    /// In the order of the columns.
    pub granted: Vec<bool>,
    pub routes: Vec<RouteRow>,
}

pub struct RouteRow {
    pub method: String,
    pub path: String,
    /// A person is asked for a fresh factor.
    pub sensitive: bool,
}
