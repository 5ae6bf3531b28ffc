//! The permission matrix: who can do what, and through which routes.

use askama::Template;

use super::Chrome;

/// `GET /t/{slug}/admin/permissions`.
#[derive(Template)]
#[template(path = "permissions.html")]
pub struct PermissionsPage {
    pub chrome: Chrome,
    /// Codes of the roles: the columns.
    pub roles: Vec<String>,
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
