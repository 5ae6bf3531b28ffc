//! The roles of a tenant: what each permits, who has it; roles of the tenant's own.

use actix_web::http::StatusCode;

use super::with_notice;
use crate::audit::catalogue;
use crate::authz::permission::{RoleManage, RoleRead, UserRead};
use crate::authz::{Flag, Permission, Permissions, Role};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::roles::{self, NewRole, RoleChanges, RoleError, RoleView};
use crate::trail;
use crate::web::messages::Messages;
use crate::web::problems::{as_sentence, missing_or_too_long};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::roles::{
    RoleFormPage, RoleGroup, RolePage, RolePermission, RoleRow, RolesPage,
};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const ALL: &str = "/t/{tenant}/admin/roles";
const NEW: &str = "/t/{tenant}/admin/roles/new";
const ONE: &str = "/t/{tenant}/admin/roles/{code}";
const CHANGE: &str = "/t/{tenant}/admin/roles/{code}/change";
const DELETE: &str = "/t/{tenant}/admin/roles/{code}/delete";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::ROLE_CREATED]);
    let changed = Audit::Events(&[catalogue::ROLE_UPDATED]);
    let deleted = Audit::Events(&[catalogue::ROLE_DELETED]);
    vec![
        Route::console(Method::Get, ALL, opened, list)
            .says("The roles, what each is for and how many have it"),
        Route::console(Method::Post, ALL, created, create).says("Define a role").sensitive(),
        Route::console(Method::Get, NEW, opened, new)
            .says("The form for a new role, empty or as a copy"),
        Route::console(Method::Get, ONE, opened, show).says("One role: what it permits"),
        Route::console(Method::Get, CHANGE, opened, edit).says("The form for changing a role"),
        Route::console(Method::Post, CHANGE, changed, change).says("Change a role").sensitive(),
        Route::console(Method::Get, DELETE, opened, confirm).says("Ask before deleting a role"),
        Route::console(Method::Post, DELETE, deleted, delete)
            .says("Delete a role that nobody has")
            .sensitive(),
    ]
}

async fn opened<P: Permission>(call: &Call<P>) -> Result<(), Failure> {
    trail::record_admin_access(&call.app.tenants, &call.grant, "roles").await?;
    Ok(())
}

fn here<P>(call: &Call<P>) -> String {
    format!("/t/{}/admin/roles", call.tenant.slug)
}

async fn list(call: Call<RoleRead>) -> Answer {
    opened(&call).await?;
    let roles = roles::list(&call.app.tenants, &call.grant).await?;
    respond::page(&RolesPage {
        chrome: frame::tenant(&call, "tab-roles", Section::Permissions).await?,
        rows: roles.items.into_iter().map(row).collect(),
        may_manage: call.also::<RoleManage>().is_some(),
        may_see_members: call.also::<UserRead>().is_some(),
    })
}

fn row(role: RoleView) -> RoleRow {
    RoleRow {
        name: name(&role),
        code: role.code,
        description: role.description,
        is_own: !role.built_in,
        permissions: role.permissions.len() as u64,
        members: role.members,
        keys: role.api_keys,
    }
}

/// As people call it.
pub fn name(role: &RoleView) -> String {
    match role.built_in {
        true => Messages::english().label("role-", &role.code),
        false => role.name.clone(),
    }
}

async fn role<P: Permission>(call: &Call<P>) -> Result<RoleView, Failure> {
    let grant = super::also::<_, RoleRead>(call)?;
    Ok(roles::find(&call.app.tenants, &grant, call.input.path("code")).await?)
}

async fn show(call: Call<RoleRead>) -> Answer {
    opened(&call).await?;
    let role = role(&call).await?;
    let may_manage = call.also::<RoleManage>().is_some();
    let within = call.principal().may_give(role.set());
    let mut chrome = frame::tenant(&call, "tab-roles", Section::Permissions).await?;
    chrome.title = name(&role);
    respond::page(&RolePage {
        chrome,
        groups: groups(role.set(), |flag, set| set.has(flag).then(|| ticked(flag, true, true))),
        may_change: may_manage && within && !role.built_in,
        may_copy: may_manage,
        may_see_members: call.also::<UserRead>().is_some(),
        role: row(role),
    })
}

/// Permissions that a member can have, by domain, as far as `row` makes something of them.
fn groups(
    set: Permissions,
    row: impl Fn(Flag, Permissions) -> Option<RolePermission>,
) -> Vec<RoleGroup> {
    let mut groups: Vec<RoleGroup> = Vec::new();
    for flag in Role::Owner.permissions().iter() {
        let Some(permission) = row(flag, set) else { continue };
        match groups.last_mut().filter(|group| group.domain == flag.domain()) {
            Some(group) => group.permissions.push(permission),
            None => groups.push(RoleGroup {
                domain: flag.domain().to_owned(),
                permissions: vec![permission],
            }),
        }
    }
    groups
}

fn ticked(flag: Flag, is_ticked: bool, is_fixed: bool) -> RolePermission {
    RolePermission {
        code: flag.name().to_owned(),
        description: flag.description().to_owned(),
        is_ticked,
        is_fixed,
    }
}

/// All permissions as boxes: what the person lacks cannot be ticked, what everybody has stays so.
fn boxes<P: Permission>(call: &Call<P>, set: Permissions) -> Vec<RoleGroup> {
    let (mine, own) = (call.principal().permissions(), Permissions::own_account());
    groups(set, |flag, set| {
        let everybody = own.has(flag);
        let may = mine.has(flag);
        Some(ticked(flag, everybody || (set.has(flag) && may), everybody || !may))
    })
}

/// What a form brought.
#[derive(Default)]
struct Form {
    code: String,
    name: String,
    description: String,
    permissions: Vec<String>,
}

fn form<P>(call: &Call<P>) -> Result<Form, Failure> {
    let fields: Vec<(String, String)> = call.input.form()?;
    let mut form = Form::default();
    for (name, value) in fields {
        match name.as_str() {
            "code" => form.code = value.trim().to_owned(),
            "name" => form.name = value,
            "description" => form.description = value,
            "permission" => form.permissions.push(value),
            _ => {}
        }
    }
    Ok(form)
}

impl Form {
    fn set(&self) -> Permissions {
        self.permissions.iter().filter_map(|name| Flag::parse(name)).collect()
    }
}

async fn new(call: Call<RoleManage>) -> Answer {
    opened(&call).await?;
    let asked: Vec<(String, String)> = call.input.query()?;
    let copied = asked.into_iter().find(|(name, _)| name == "copy").map(|(_, code)| code);
    let mut form = Form::default();
    if let Some(code) = copied.filter(|code| !code.is_empty()) {
        let grant = super::also::<_, RoleRead>(&call)?;
        let from = roles::find(&call.app.tenants, &grant, &code).await?;
        (form.permissions, form.description) = (from.permissions, from.description);
    }
    page(&call, None, &form, None).await
}

async fn edit(call: Call<RoleManage>) -> Answer {
    opened(&call).await?;
    let role = changeable(&call).await?;
    let RoleView { code, name, description, permissions, .. } = role;
    let form = Form { code: code.clone(), name, description, permissions };
    page(&call, Some(&code), &form, None).await
}

/// A role that this person may change.
async fn changeable(call: &Call<RoleManage>) -> Result<RoleView, Failure> {
    let role = role(call).await?;
    match () {
        () if role.built_in => Err(RoleError::BuiltIn.into()),
        () if !call.principal().may_give(role.set()) => Err(RoleError::TooMuch.into()),
        () => Ok(role),
    }
}

/// The form; `existing` is the code of a role that is there, `refused` why it did not go through.
async fn page(
    call: &Call<RoleManage>,
    existing: Option<&str>,
    form: &Form,
    refused: Option<&RoleError>,
) -> Answer {
    let here = here(call);
    let mut code = Field::value(&form.code);
    let mut name = Field::value(&form.name);
    let mut description = Field::value(&form.description);
    let mut problem = None;
    match refused {
        None => {}
        Some(RoleError::Code | RoleError::Taken) if form.code.is_empty() => {
            code.error = Some(FieldError::Required);
        }
        Some(error @ (RoleError::Code | RoleError::Taken)) => {
            code.error = Some(FieldError::Other(as_sentence(&error.to_string())));
        }
        Some(RoleError::Name) => name.error = Some(missing_or_too_long(&form.name)),
        Some(RoleError::Description) => {
            description.error = Some(missing_or_too_long(&form.description));
        }
        Some(error) => problem = Some(as_sentence(&error.to_string())),
    }
    let (title, button, action, cancel) = match existing {
        None => ("role-new", "role-new", here.clone(), here),
        Some(code) => {
            let one = format!("{here}/{code}");
            ("role-change", "role-save", format!("{one}/change"), one)
        }
    };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let chrome = frame::tenant(call, title, Section::Permissions).await?;
    let groups = boxes(call, form.set());
    let code = existing.is_none().then_some(code);
    let page = RoleFormPage {
        chrome,
        title,
        button,
        action,
        cancel,
        code,
        name,
        description,
        groups,
        problem,
    };
    respond::page_with(status, &page)
}

async fn create(call: Call<RoleManage>) -> Answer {
    let form = form(&call)?;
    let new = NewRole {
        code: form.code.clone(),
        name: form.name.clone(),
        description: form.description.clone(),
        permissions: form.permissions.clone(),
        copy_of: None,
    };
    match roles::create(&call.app.tenants, &call.grant, new).await {
        Ok(role) => {
            let target = format!("{}/{}", here(&call), role.code);
            Ok(respond::see_other(&with_notice(&target, Notice::RoleCreated)))
        }
        Err(RoleError::Door(error)) => Err(error.into()),
        Err(error) => page(&call, None, &form, Some(&error)).await,
    }
}

async fn change(call: Call<RoleManage>) -> Answer {
    let role = changeable(&call).await?;
    let form = form(&call)?;
    let changes = RoleChanges {
        name: Some(form.name.clone()),
        description: Some(form.description.clone()),
        permissions: Some(form.permissions.clone()),
    };
    match roles::change(&call.app.tenants, &call.grant, &role.code, changes).await {
        Ok(_) => {
            let target = format!("{}/{}", here(&call), role.code);
            Ok(respond::see_other(&with_notice(&target, Notice::RoleChanged)))
        }
        Err(RoleError::Door(error)) => Err(error.into()),
        Err(error) => page(&call, Some(&role.code), &form, Some(&error)).await,
    }
}

async fn confirm(call: Call<RoleManage>) -> Answer {
    opened(&call).await?;
    let role = changeable(&call).await?;
    let cancel = format!("{}/{}", here(&call), role.code);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "tab-roles", Section::Permissions).await?,
        act: ConfirmAct::DeleteRole,
        subject: role.name,
        action: format!("{cancel}/delete"),
        cancel,
    })
}

async fn delete(call: Call<RoleManage>) -> Answer {
    roles::delete(&call.app.tenants, &call.grant, call.input.path("code")).await?;
    Ok(respond::see_other(&with_notice(&here(&call), Notice::RoleDeleted)))
}
