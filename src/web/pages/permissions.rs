//! The permission matrix: who can do what, through which routes. Made from the tables that the
//! server itself goes by.

use crate::audit::catalogue;
use crate::authz::permission::AccountRead;
use crate::authz::{Flag, Role};
use crate::http::call::Call;
use crate::http::route::{Access, Answer, Audit, Method, Route};
use crate::http::table;
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::permissions::{PermissionGroup, PermissionRow, PermissionsPage, RouteRow};
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/permissions", opened, matrix)
            .says("Which role may do what, through which routes"),
    ]
}

async fn matrix(call: Call<AccountRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "permissions").await?;
    let roles = Role::TENANT.map(|role| role.name().to_owned()).into();
    let chrome = frame::tenant(&call, "tab-permissions", Section::Permissions).await?;
    respond::page(&PermissionsPage { chrome, roles, groups: groups() })
}

/// Permissions inside a tenant, by domain.
fn groups() -> Vec<PermissionGroup> {
    let mut groups: Vec<PermissionGroup> = Vec::new();
    for flag in Flag::ALL.iter().filter(|flag| !flag.is_platform()) {
        match groups.last_mut().filter(|group| group.domain == flag.domain()) {
            Some(group) => group.permissions.push(row(*flag)),
            None => groups.push(PermissionGroup {
                domain: flag.domain().to_owned(),
                permissions: vec![row(*flag)],
            }),
        }
    }
    groups
}

fn row(flag: Flag) -> PermissionRow {
    let opened = table::routes().iter().filter(|route| route.access == Access::Permission(flag));
    PermissionRow {
        code: flag.name().to_owned(),
        description: flag.description().to_owned(),
        granted: Role::TENANT.map(|role| flag.roles().contains(&role)).into(),
        routes: opened
            .map(|route| RouteRow {
                method: route.method.name().to_owned(),
                path: route.path.to_owned(),
                sensitive: route.sensitive,
            })
            .collect(),
    }
}
