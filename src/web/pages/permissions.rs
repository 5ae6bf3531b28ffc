//! The permission matrix: who can do what, through which routes. Made from the tables that the
//! server itself goes by, and from the tenant's own roles.

use super::roles::name;
use crate::audit::catalogue;
use crate::authz::permission::{AccountRead, PlatformAccountRead, RoleRead};
use crate::authz::{Flag, Permissions, Role};
use crate::http::call::{Call, PlatformCall};
use crate::http::route::{Access, Answer, Audit, Method, Route};
use crate::http::table;
use crate::roles;
use crate::trail;
use crate::web::messages::Messages;
use crate::web::view::chrome::Section;
use crate::web::view::permissions::{
    PermissionGroup, PermissionRow, PermissionsPage, RoleColumn, RouteRow,
};
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/permissions", opened, matrix)
            .says("Which role may do what, through which routes"),
        Route::platform(Method::Get, "/platform/permissions", opened, platform_matrix)
            .says("Which role of the platform may do what, through which routes"),
    ]
}

/// A role as a column: its heading, and what it permits.
type Columns = Vec<(RoleColumn, Permissions)>;

async fn matrix(call: Call<AccountRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "permissions").await?;
    let chrome = frame::tenant(&call, "tab-permissions", Section::Permissions).await?;
    let mut columns = built_in(&Role::TENANT);
    if let Some(grant) = call.also::<RoleRead>() {
        let all = roles::list(&call.app.tenants, &grant).await?.items;
        columns = all
            .iter()
            .map(|role| {
                let href = format!("{}/admin/roles/{}", chrome.base(), role.code);
                let is_own = !role.built_in;
                (RoleColumn { name: name(role), href: Some(href), is_own }, role.set())
            })
            .collect();
    }
    let groups = groups(&columns, |flag| !flag.is_platform());
    let roles = columns.into_iter().map(|(column, _)| column).collect();
    respond::page(&PermissionsPage { chrome, roles, groups })
}

async fn platform_matrix(call: PlatformCall<PlatformAccountRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "permissions").await?;
    let chrome = frame::platform(&call, "tab-permissions", Section::PlatformAdmins).await?;
    let columns = built_in(&Role::PLATFORM);
    let groups = groups(&columns, |flag| columns.iter().any(|(_, set)| set.has(flag)));
    let roles = columns.into_iter().map(|(column, _)| column).collect();
    respond::page(&PermissionsPage { chrome, roles, groups })
}

fn built_in(roles: &[Role]) -> Columns {
    let column = |role: &Role| {
        let name = Messages::english().label("role-", role.name());
        (RoleColumn { name, href: None, is_own: false }, role.permissions())
    };
    roles.iter().map(column).collect()
}

/// The permissions that are shown, by domain.
fn groups(columns: &Columns, is_shown: impl Fn(Flag) -> bool) -> Vec<PermissionGroup> {
    let mut groups: Vec<PermissionGroup> = Vec::new();
    for flag in Flag::ALL.iter().copied().filter(|flag| is_shown(*flag)) {
        let row = row(flag, columns);
        match groups.last_mut().filter(|group| group.domain == flag.domain()) {
            Some(group) => group.permissions.push(row),
            None => groups
                .push(PermissionGroup { domain: flag.domain().to_owned(), permissions: vec![row] }),
        }
    }
    groups
}

fn row(flag: Flag, columns: &Columns) -> PermissionRow {
    let opened = table::routes().iter().filter(|route| route.access == Access::Permission(flag));
    PermissionRow {
        code: flag.name().to_owned(),
        description: flag.description().to_owned(),
        granted: columns.iter().map(|(_, set)| set.has(flag)).collect(),
        routes: opened
            .map(|route| RouteRow {
                method: route.method.name().to_owned(),
                path: route.path.to_owned(),
                sensitive: route.sensitive,
            })
            .collect(),
    }
}
