//! The members of a tenant.

use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::{also, roles, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{UserCreate, UserDisable, UserRead, UserRole};
use crate::authz::{Permission, Principal, Role, TenantState};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::UserId;
use crate::trail;
use crate::users::{self, Member, NewMember, UserError};
use crate::web::problems::{PASSWORD_MIN, PersonFields};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::members::{MemberForm, MemberRow, MembersPage};
use crate::web::view::state::{MemberState, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/members";
const ROLE: &str = "/t/{tenant}/members/{id}/role";
const DISABLE: &str = "/t/{tenant}/members/{id}/disable";
const ENABLE: &str = "/t/{tenant}/members/{id}/enable";
/// What most members of a tenant are.
const USUAL_ROLE: &str = Role::Operator.name();

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::USER_CREATED, catalogue::ADMIN_PANEL_ACCESS]);
    let role = Audit::Events(&[catalogue::ROLE_CHANGED]);
    let disabled = Audit::Events(&[catalogue::USER_DISABLED]);
    let enabled = Audit::Events(&[catalogue::USER_ENABLED]);
    vec![
        Route::console(Method::Get, PATH, opened, list).says("The members and their roles"),
        Route::console(Method::Post, PATH, created, create).says("Add a member"),
        Route::console(Method::Post, ROLE, role, change_role).says("Change a member's role"),
        Route::console(Method::Get, DISABLE, opened, confirm).says("Ask before disabling a member"),
        Route::console(Method::Post, DISABLE, disabled, disable).says("Disable a member"),
        Route::console(Method::Post, ENABLE, enabled, enable).says("Enable a member"),
    ]
}

async fn list(call: Call<UserRead>) -> Answer {
    show(&call, None).await
}

/// `refused` is a form that did not go through.
async fn show<P: Permission>(call: &Call<P>, refused: Option<MemberForm>) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, UserRead>(call)?);
    trail::record_admin_access(tenants, &grant, "members").await?;
    let mut members = users::list(tenants, &grant).await?;
    // Names are sealed, so the database cannot sort by them.
    members.sort_by_cached_key(|member| member.name.as_deref().unwrap_or_default().to_lowercase());
    let rows = members.into_iter().map(|member| row(call, member)).collect();
    let may_create = call.also::<UserCreate>().is_some();
    let empty = || MemberForm::new(roles(call.principal(), USUAL_ROLE), PASSWORD_MIN);
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = may_create.then(|| refused.unwrap_or_else(empty));
    let chrome = frame::tenant(call, "nav-members", Section::Members).await?;
    respond::page_with(status, &MembersPage { chrome, rows, form })
}

fn row<P: Permission>(call: &Call<P>, member: Member) -> MemberRow {
    let is_me = matches!(call.principal(), Principal::User { id, .. } if *id == member.id);
    // One's own role and state are for somebody else to change: nobody locks themselves out.
    let within =
        member.role.parse().is_ok_and(|role: Role| call.principal().may_give(role.permissions()))
            && !is_me;
    // In a frozen tenant rights can be taken away, not given back.
    let frozen = call.tenant.state == TenantState::Frozen;
    let may_turn = !frozen || member.state == users::MemberState::Active;
    MemberRow {
        id: member.id.to_string(),
        state: MemberState::from_code(member.state.name()).unwrap_or(MemberState::Disabled),
        last_sign_in: member.signed_in_at,
        is_me,
        roles: match within && call.also::<UserRole>().is_some() {
            true => roles(call.principal(), &member.role),
            false => Vec::new(),
        },
        may_disable: within && may_turn && call.also::<UserDisable>().is_some(),
        name: member.name.unwrap_or_default(),
        email: member.email.unwrap_or_default(),
        role: member.role,
    }
}

#[derive(Deserialize)]
struct Form {
    name: String,
    email: String,
    role: String,
    password: SecretString,
}

async fn create(call: Call<UserCreate>) -> Answer {
    let form: Form = call.input.form()?;
    let mut person = PersonFields::new(&form.name, &form.email);
    let Ok(role) = form.role.parse::<Role>() else {
        return refuse(&call, person, &form.role, Some(FieldError::Choice)).await;
    };
    let Form { name, email, password, .. } = form;
    let new = NewMember { name, email, password, role };
    let problems = new.problems(&call.tenant.name);
    if problems.iter().filter(|problem| person.mark(problem)).count() > 0 {
        return refuse(&call, person, role.name(), None).await;
    }
    let app = &call.app;
    match users::create(&app.tenants, &app.hasher, &call.grant, new).await {
        Ok(_) => Ok(respond::see_other(&with_notice(&here(&call), Notice::MemberAdded))),
        Err(UserError::TooMuch) => {
            refuse(&call, person, role.name(), Some(FieldError::Choice)).await
        }
        Err(error) if person.mark(&error) => refuse(&call, person, role.name(), None).await,
        Err(error) => Err(error.into()),
    }
}

async fn refuse(
    call: &Call<UserCreate>,
    person: PersonFields,
    role: &str,
    role_error: Option<FieldError>,
) -> Answer {
    let PersonFields { name, email, password } = person;
    let mut form = MemberForm::new(roles(call.principal(), role), PASSWORD_MIN);
    (form.name, form.email, form.password) = (name, email, password);
    form.role = Field { value: role.to_owned(), error: role_error };
    show(call, Some(form)).await
}

fn here<P>(call: &Call<P>) -> String {
    format!("/t/{}/members", call.tenant.slug)
}

#[derive(Deserialize)]
struct RoleForm {
    role: String,
}

async fn change_role(call: Call<UserRole>) -> Answer {
    let RoleForm { role } = call.input.form()?;
    let role: Role = role.parse().map_err(|_| Failure::not_found())?;
    let before = member(&call).await?;
    let who = before.id.to_string();
    users::change_role(&call.app.tenants, &call.grant, &who, role).await?;
    let changed = before.role != role.name();
    let notice = if changed { Notice::MemberRoleChanged } else { Notice::NothingChanged };
    Ok(respond::see_other(&with_notice(&here(&call), notice)))
}

/// The member that the path names.
async fn member<P: Permission>(call: &Call<P>) -> Result<Member, Failure> {
    let id: UserId = call.input.id("id")?;
    let grant = also::<_, UserRead>(call)?;
    Ok(users::find(&call.app.tenants, &grant, id).await?)
}

async fn confirm(call: Call<UserDisable>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "members").await?;
    let member = member(&call).await?;
    let here = here(&call);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "nav-members", Section::Members).await?,
        act: ConfirmAct::DisableMember,
        subject: member.name.unwrap_or_else(|| member.id.to_string()),
        action: format!("{here}/{}/disable", member.id),
        cancel: here,
    })
}

async fn disable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, false, Notice::MemberDisabled).await
}

async fn enable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, true, Notice::MemberEnabled).await
}

async fn set_enabled(call: &Call<UserDisable>, enabled: bool, notice: Notice) -> Answer {
    let who = call.input.id::<UserId>("id")?.to_string();
    users::set_enabled(&call.app.tenants, &call.grant, &who, enabled).await?;
    Ok(respond::see_other(&with_notice(&here(call), notice)))
}
