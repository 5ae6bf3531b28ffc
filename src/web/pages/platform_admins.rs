//! Who signs in to the platform, in which role.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also_platform, with_notice};
use crate::admins::{self, Admin, AdminError};
use crate::audit::catalogue;
use crate::authn::{self, LinkFor};
use crate::authz::permission::{PlatformAdminDisable, PlatformAdminManage, PlatformAdminRead};
use crate::authz::{Permission, Principal, Role};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::AdminId;
use crate::trail;
use crate::users;
use crate::web::messages::Messages;
use crate::web::problems::{PersonFields, as_sentence};
use crate::web::view::admins::{AdminForm, AdminLinkPage, AdminPage, AdminRow, AdminsPage};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::query::href;
use crate::web::view::state::{MemberState, Notice, SecondFactorState};
use crate::web::{frame, respond};

const ALL: &str = "/platform/admins";
const ONE: &str = "/platform/admins/{id}";
const ROLE: &str = "/platform/admins/{id}/role";
const LINK: &str = "/platform/admins/{id}/link";
const DISABLE: &str = "/platform/admins/{id}/disable";
const ENABLE: &str = "/platform/admins/{id}/enable";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[
        catalogue::PLATFORM_ADMIN_CREATED,
        catalogue::SETUP_LINK_CREATED,
        catalogue::ADMIN_PANEL_ACCESS,
    ]);
    let reset = Audit::Events(&[catalogue::PLATFORM_ADMIN_RESET, catalogue::SETUP_LINK_CREATED]);
    let role = Audit::Events(&[catalogue::PLATFORM_ADMIN_CHANGED]);
    let disabled = Audit::Events(&[catalogue::PLATFORM_ADMIN_DISABLED]);
    let enabled = Audit::Events(&[catalogue::PLATFORM_ADMIN_ENABLED]);
    vec![
        Route::platform(Method::Get, ALL, opened, list).says("Who signs in to the platform"),
        Route::platform(Method::Post, ALL, created, create)
            .says("Add somebody; the answer shows a link to choose a password, once")
            .sensitive(),
        Route::platform(Method::Get, ONE, opened, show).says("One of them"),
        Route::platform(Method::Post, ROLE, role, change_role)
            .says("Change somebody's role on the platform")
            .sensitive(),
        Route::platform(Method::Get, LINK, opened, confirm_link)
            .says("Ask before taking away somebody's password"),
        Route::platform(Method::Post, LINK, reset, link)
            .says("Take away somebody's password; the answer shows a link to choose one, once")
            .sensitive(),
        Route::platform(Method::Get, DISABLE, opened, confirm_disable)
            .says("Ask before disabling somebody"),
        Route::platform(Method::Post, DISABLE, disabled, disable)
            .says("Disable somebody who signs in to the platform")
            .sensitive(),
        Route::platform(Method::Post, ENABLE, enabled, enable)
            .says("Let somebody sign in to the platform again")
            .sensitive(),
    ]
}

async fn list(call: PlatformCall<PlatformAdminRead>) -> Answer {
    overview(&call, None).await
}

/// `refused` is a form that did not go through.
async fn overview<P: Permission>(call: &PlatformCall<P>, refused: Option<AdminForm>) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also_platform::<_, PlatformAdminRead>(call)?);
    trail::record_admin_access(tenants, &grant, "admins").await?;
    let admins = admins::list(tenants, &grant).await?;
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = call.also::<PlatformAdminManage>().map(|_| {
        refused.unwrap_or_else(|| form(PersonFields::default(), Role::PlatformAdmin.name(), None))
    });
    let chrome = frame::platform(call, "nav-admins", Section::PlatformAdmins).await?;
    let rows = admins.into_iter().map(|admin| row(call, admin)).collect();
    respond::page_with(status, &AdminsPage { chrome, rows, form })
}

fn form(person: PersonFields, role: &str, error: Option<FieldError>) -> AdminForm {
    let PersonFields { name, email, .. } = person;
    AdminForm { name, email, role: Field { value: role.to_owned(), error }, roles: choices(role) }
}

fn choices(selected: &str) -> Vec<Choice> {
    Choice::roles(Messages::english(), &Role::PLATFORM.map(Role::name), selected)
}

fn row<P: Permission>(call: &PlatformCall<P>, admin: Admin) -> AdminRow {
    let factor = SecondFactorState::from_code(admin.second_factor.name());
    AdminRow {
        id: admin.id.to_string(),
        state: MemberState::from_code(admin.state.name()).unwrap_or(MemberState::Disabled),
        factor: factor.unwrap_or(SecondFactorState::Off),
        last_sign_in: admin.signed_in_at,
        is_me: matches!(call.principal(), Principal::PlatformAdmin { id, .. } if *id == admin.id),
        name: admin.name.unwrap_or_default(),
        email: admin.email.unwrap_or_default(),
        role: admin.role,
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    email: String,
    role: String,
}

async fn create(call: PlatformCall<PlatformAdminManage>) -> Answer {
    let Form { name, email, role } = call.input.form()?;
    let mut person = PersonFields::new(&name, &email);
    match admins::invite(&call.app.tenants, &call.grant, &name, &email, &role).await {
        Ok(id) => link_page(&call, id, email.trim()).await,
        Err(AdminError::User(error)) if person.mark(&error) => {
            overview(&call, Some(form(person, &role, None))).await
        }
        Err(AdminError::Role) => {
            overview(&call, Some(form(person, &role, Some(FieldError::Choice)))).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A new link for somebody, shown this once.
async fn link_page(call: &PlatformCall<PlatformAdminManage>, id: AdminId, email: &str) -> Answer {
    let token = authn::create_link(&call.app.tenants, &call.grant, LinkFor::Password(id)).await?;
    let path = format!("{}/platform/password", call.app.base_url());
    respond::page(&AdminLinkPage {
        chrome: frame::platform(call, "admin-link-title", Section::PlatformAdmins).await?,
        email: email.to_owned(),
        link: href(&path, &[("token", token.as_str())]),
        back: ALL.to_owned(),
        list: "nav-admins",
    })
}

async fn admin<P: Permission>(call: &PlatformCall<P>) -> Result<Admin, Failure> {
    let id: AdminId = call.input.id("id")?;
    let grant = also_platform::<_, PlatformAdminRead>(call)?;
    trail::record_admin_access(&call.app.tenants, &grant, "admin").await?;
    Ok(admins::find(&call.app.tenants, &grant, id).await?)
}

async fn show(call: PlatformCall<PlatformAdminRead>) -> Answer {
    page(&call, None).await
}

/// `role` is what was refused.
async fn page<P: Permission>(call: &PlatformCall<P>, role: Option<Field>) -> Answer {
    let admin = admin(call).await?;
    let mut chrome = frame::platform(call, "nav-admins", Section::PlatformAdmins).await?;
    admin.name.iter().for_each(|name| chrome.title.clone_from(name));
    let status = if role.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (created, active) = (admin.created_at, admin.state == users::MemberState::Active);
    let row = row(call, admin);
    let may_manage = call.also::<PlatformAdminManage>().is_some() && !row.is_me;
    let may_turn = call.also::<PlatformAdminDisable>().is_some() && !row.is_me;
    let page = AdminPage {
        chrome,
        created,
        roles: if may_manage { choices(&row.role) } else { Vec::new() },
        role: role.unwrap_or_default(),
        may_disable: may_turn && active,
        may_enable: may_turn && !active,
        may_reset: may_manage && active,
        row,
    };
    respond::page_with(status, &page)
}

fn id<P>(call: &PlatformCall<P>) -> Result<String, Failure> {
    Ok(call.input.id::<AdminId>("id")?.to_string())
}

fn here<P>(call: &PlatformCall<P>) -> Result<String, Failure> {
    Ok(format!("{ALL}/{}", id(call)?))
}

fn done<P>(call: &PlatformCall<P>, notice: Notice) -> Answer {
    Ok(respond::see_other(&with_notice(&here(call)?, notice)))
}

#[derive(Deserialize)]
struct RoleForm {
    role: String,
}

async fn change_role(call: PlatformCall<PlatformAdminManage>) -> Answer {
    let RoleForm { role } = call.input.form()?;
    match admins::change_role(&call.app.tenants, &call.grant, &id(&call)?, &role).await {
        Ok(_) => done(&call, Notice::AdminRoleChanged),
        Err(error @ (AdminError::LastAdmin | AdminError::Role)) => {
            let error = FieldError::Other(as_sentence(&error.to_string()));
            page(&call, Some(Field::wrong(role, error))).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm<P: Permission>(call: &PlatformCall<P>, act: ConfirmAct, verb: &str) -> Answer {
    let (admin, here) = (admin(call).await?, here(call)?);
    respond::page(&ConfirmPage {
        chrome: frame::platform(call, "nav-admins", Section::PlatformAdmins).await?,
        act,
        subject: admin.name.unwrap_or_else(|| admin.id.to_string()),
        action: format!("{here}/{verb}"),
        cancel: here,
    })
}

async fn confirm_link(call: PlatformCall<PlatformAdminManage>) -> Answer {
    confirm(&call, ConfirmAct::ResetAdmin, "link").await
}

async fn confirm_disable(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    confirm(&call, ConfirmAct::DisableAdmin, "disable").await
}

async fn link(call: PlatformCall<PlatformAdminManage>) -> Answer {
    let admin = admin(&call).await?;
    let who = admin.id.to_string();
    admins::lock_out(&call.app.tenants, &call.grant, &who).await?;
    link_page(&call, admin.id, admin.email.as_deref().unwrap_or_default()).await
}

async fn disable(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    set_enabled(&call, false, Notice::AdminDisabled).await
}

async fn enable(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    set_enabled(&call, true, Notice::AdminEnabled).await
}

async fn set_enabled(
    call: &PlatformCall<PlatformAdminDisable>,
    enabled: bool,
    notice: Notice,
) -> Answer {
    admins::set_enabled(&call.app.tenants, &call.grant, &id(call)?, enabled).await?;
    done(call, notice)
}
