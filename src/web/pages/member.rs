//! One member: name, role, disabling and enabling.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::members::{role_names, row};
use super::{also, approvals, role_choices, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{
    SsoManage, SsoRead, UserDisable, UserFactorReset, UserRead, UserRole, UserUpdate,
};
use crate::authz::{Permission, Role, TenantState};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::{ProviderId, UserId};
use crate::roles::{self, RoleError};
use crate::settings;
use crate::sso;
use crate::trail;
use crate::users::{self, Member, MemberState, UserError};
use crate::web::problems::{as_sentence, missing_or_too_long};
use crate::web::view::admins::AdminLinkPage;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::members::{MemberPage, SignsInWith};
use crate::web::view::state::{Notice, SecondFactorState};
use crate::web::{frame, respond};

const ONE: &str = "/t/{tenant}/members/{id}";
const NAME: &str = "/t/{tenant}/members/{id}/name";
const ROLE: &str = "/t/{tenant}/members/{id}/role";
const LINK: &str = "/t/{tenant}/members/{id}/password-link";
const UNLINK: &str = "/t/{tenant}/members/{id}/providers/{provider}/unlink";
const DISABLE: &str = "/t/{tenant}/members/{id}/disable";
const ENABLE: &str = "/t/{tenant}/members/{id}/enable";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let renamed = Audit::Events(&[catalogue::USER_UPDATED]);
    let linked = Audit::Events(&[catalogue::PASSWORD_RESET_REQUESTED]);
    let role = Audit::Events(&[catalogue::ROLE_CHANGED]);
    let unlinked = Audit::Events(&[catalogue::IDENTITY_UNLINKED]);
    let disabled = Audit::Events(&[catalogue::USER_DISABLED]);
    let enabled = Audit::Events(&[catalogue::USER_ENABLED]);
    vec![
        Route::console(Method::Get, ONE, opened, show).says("One member"),
        Route::console(Method::Post, NAME, renamed, rename).says("Change a member's name"),
        Route::console(Method::Post, LINK, linked, link)
            .says("Make a link for a member's new password; the answer shows it once")
            .sensitive(),
        Route::console(Method::Post, ROLE, role, change_role)
            .says("Change a member's role")
            .sensitive(),
        Route::console(Method::Get, DISABLE, opened, confirm).says("Ask before disabling a member"),
        Route::console(Method::Post, DISABLE, disabled, disable)
            .says("Disable a member")
            .sensitive(),
        Route::console(Method::Post, UNLINK, unlinked, unlink)
            .says("Forget who a member is at an identity provider, and end the sessions by it")
            .sensitive(),
        Route::console(Method::Post, ENABLE, enabled, enable).says("Enable a member").sensitive(),
    ]
}

async fn show(call: Call<UserRead>) -> Answer {
    page(&call, None, None).await
}

/// `name` and `role` are what was refused.
async fn page<P: Permission>(call: &Call<P>, name: Option<Field>, role: Option<Field>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "member").await?;
    let member = member(call).await?;
    let mut chrome = frame::tenant(call, "nav-members", Section::Members).await?;
    member.name.iter().for_each(|name| chrome.title.clone_from(name));
    let is_refused = name.is_some() || role.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let within = match roles::choices(&call.app.tenants, &call.grant).await {
        Ok(mine) => mine.iter().any(|role| role.code == member.role),
        Err(error) => return Err(error.into()),
    };
    let names = role_names(call).await?;
    let (state, created, code) = (member.state, member.created_at, member.role.clone());
    let old_name = member.name.clone();
    let row = row(call, &names, member);
    let has_factor = row.factor == SecondFactorState::On;
    let may = within && !row.is_me;
    // In a frozen tenant rights can be taken away, not given back.
    let frozen = call.tenant.state == TenantState::Frozen;
    let may_turn = may && call.also::<UserDisable>().is_some();
    let roles = match may && call.also::<UserRole>().is_some() {
        true => role_choices(call, &code).await?,
        false => Vec::new(),
    };
    let only = settings::single_sign_on(&call.app.tenants, &call.grant).await?;
    let gets_in_by_password =
        !only.single_sign_on_only || only.break_glass.is_some_and(|id| id.to_string() == row.id);
    let may_rename = within && call.also::<UserUpdate>().is_some();
    // Who decides who somebody is could be anybody: only owners do.
    let owns = call.principal().may_give(Role::Owner.permissions());
    let page = MemberPage {
        providers: providers(call).await?,
        may_unlink: owns && call.also::<SsoManage>().is_some(),
        chrome,
        created,
        name: old_name.filter(|_| may_rename).map(|old| name.unwrap_or_else(|| Field::value(old))),
        roles,
        role: role.unwrap_or_default(),
        may_disable: may_turn && state == MemberState::Active,
        may_enable: may_turn && state == MemberState::Disabled && !frozen,
        may_link: may && may_rename && state == MemberState::Active && gets_in_by_password,
        may_reset_factors: may && has_factor && call.also::<UserFactorReset>().is_some(),
        is_above: !within,
        row,
    };
    respond::page_with(status, &page)
}

/// The providers that sign the member in, for who may see providers.
async fn providers<P: Permission>(call: &Call<P>) -> Result<Vec<SignsInWith>, Failure> {
    let Some(grant) = call.also::<SsoRead>() else { return Ok(Vec::new()) };
    let (tenants, member) = (&call.app.tenants, call.input.id::<UserId>("id")?);
    let mut found = Vec::new();
    for provider in sso::list(tenants, &grant).await? {
        let links = sso::links(tenants, &grant, provider.id).await?;
        let link = links.into_iter().find(|link| link.user == member);
        found.extend(link.map(|link| SignsInWith {
            id: provider.id.to_string(),
            name: provider.settings.name,
            since: link.linked_at,
        }));
    }
    Ok(found)
}

/// The member that the path names.
async fn member<P: Permission>(call: &Call<P>) -> Result<Member, Failure> {
    let id: UserId = call.input.id("id")?;
    let grant = also::<_, UserRead>(call)?;
    Ok(users::find(&call.app.tenants, &grant, id).await?)
}

fn id<P>(call: &Call<P>) -> Result<String, Failure> {
    Ok(call.input.id::<UserId>("id")?.to_string())
}

fn here<P>(call: &Call<P>) -> Result<String, Failure> {
    Ok(format!("/t/{}/members/{}", call.tenant.slug, id(call)?))
}

fn done<P>(call: &Call<P>, notice: Notice) -> Answer {
    Ok(respond::see_other(&with_notice(&here(call)?, notice)))
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
}

async fn link(call: Call<UserUpdate>) -> Answer {
    let (tenants, tenant) = (&call.app.tenants, &call.tenant);
    let (member, link) = users::password_link(tenants, &call.grant, tenant, &id(&call)?).await?;
    respond::page(&AdminLinkPage {
        chrome: frame::tenant(&call, "admin-link-title", Section::Members).await?,
        email: member.email.unwrap_or_default(),
        link: format!("{}{}", call.app.base_url(), link.as_str()),
        back: here(&call)?,
        list: "nav-members",
    })
}

async fn rename(call: Call<UserUpdate>) -> Answer {
    let NameForm { name } = call.input.form()?;
    match users::rename(&call.app.tenants, &call.grant, &id(&call)?, &name).await {
        Ok(_) => done(&call, Notice::MemberRenamed),
        Err(UserError::Name) => {
            let field = Field::wrong(&name, missing_or_too_long(&name));
            page(&call, Some(field), None).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct RoleForm {
    role: String,
}

async fn change_role(call: Call<UserRole>) -> Answer {
    let RoleForm { role } = call.input.form()?;
    let before = member(&call).await?;
    match users::change_role(&call.app.tenants, &call.grant, &id(&call)?, &role).await {
        Ok(after) if after.role == before.role => done(&call, Notice::NothingChanged),
        Ok(_) => done(&call, Notice::MemberRoleChanged),
        Err(UserError::Approval(error)) => approvals::answer(&call, *error).await,
        Err(error @ (UserError::LastOwner | UserError::Role(RoleError::Unknown))) => {
            let error = FieldError::Other(as_sentence(&error.to_string()));
            page(&call, None, Some(Field::wrong(role, error))).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm(call: Call<UserDisable>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "members").await?;
    let (member, here) = (member(&call).await?, here(&call)?);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "nav-members", Section::Members).await?,
        act: ConfirmAct::DisableMember,
        subject: member.name.unwrap_or_else(|| member.id.to_string()),
        action: format!("{here}/disable"),
        cancel: here,
    })
}

async fn disable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, false, Notice::MemberDisabled).await
}

async fn unlink(call: Call<SsoManage>) -> Answer {
    let (provider, member) =
        (call.input.id::<ProviderId>("provider")?, call.input.id::<UserId>("id")?);
    sso::unlink(&call.app.tenants, &call.grant, provider, member).await?;
    done(&call, Notice::MemberUnlinked)
}

async fn enable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, true, Notice::MemberEnabled).await
}

async fn set_enabled(call: &Call<UserDisable>, enabled: bool, notice: Notice) -> Answer {
    users::set_enabled(&call.app.tenants, &call.grant, &id(call)?, enabled).await?;
    done(call, notice)
}
