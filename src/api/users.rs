//! `/api/v1/users/{tenant}/…`: the members of a tenant; `/api/v1/me/{tenant}`: who asks.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authz::permission::{
    AccountRead, UserCreate, UserDisable, UserRead, UserRole, UserUpdate,
};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::UserId;
use crate::trail;
use crate::users::{
    self, Member, MemberFilter, MemberPage, MemberState, NewMember, SecondFactor, UserError,
};

const ALL: &str = "/api/v1/users/{tenant}";
const ONE: &str = "/api/v1/users/{tenant}/{id}";
const ROLE: &str = "/api/v1/users/{tenant}/{id}/role";
const DISABLE: &str = "/api/v1/users/{tenant}/{id}/disable";
const ENABLE: &str = "/api/v1/users/{tenant}/{id}/enable";
const ME: &str = "/api/v1/me/{tenant}";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::api(Method::Get, ALL, opened, list)
            .says("List or search the members, oldest first")
            .parameters(&[
                ("q", "a part of the name or the e-mail address; a whole address is found at once"),
                ("role", "the code of a role"),
                ("state", "active or disabled"),
                ("secondFactor", "on, off or missing (asked for and not set up yet)"),
                ("limit", "1 to 1000, 50 when absent"),
                ("cursor", "nextCursor of the page before"),
            ])
            .gives::<MemberPage>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::USER_CREATED]), create)
            .says("Add a member with a first password")
            .takes::<Wanted>()
            .gives::<Member>(201)
            .sensitive(),
        Route::api(Method::Get, ONE, opened, find).says("One member").gives::<Member>(200),
        Route::api(Method::Patch, ONE, Audit::Events(&[catalogue::USER_UPDATED]), rename)
            .says("Change a member's name")
            .takes::<Name>()
            .gives::<Member>(200),
        Route::api(Method::Put, ROLE, Audit::Events(&[catalogue::ROLE_CHANGED]), change_role)
            .says("Give a member another role; counts on their next request")
            .takes::<RoleOf>()
            .gives::<Member>(200)
            .sensitive(),
        Route::api(Method::Post, DISABLE, Audit::Events(&[catalogue::USER_DISABLED]), disable)
            .says("Disable a member: their sessions end, no sign-in is possible")
            .sensitive()
            .gives::<Member>(200),
        Route::api(Method::Post, ENABLE, Audit::Events(&[catalogue::USER_ENABLED]), enable)
            .says("Let a disabled member sign in again")
            .gives::<Member>(200)
            .sensitive(),
        Route::api(Method::Get, ME, Audit::Nothing("only about whoever asks"), me)
            .says("Who the credential belongs to, and what it may do")
            .gives::<Me>(200),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    role: Option<String>,
    state: Option<MemberState>,
    second_factor: Option<SecondFactor>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(call: Call<UserRead>) -> Answer {
    let Asked { q, role, state, second_factor, limit, cursor } = call.input.query()?;
    let filter = MemberFilter { q, role, state, second_factor };
    let (tenants, grant) = (&call.app.tenants, &call.grant);
    let page = users::page(tenants, grant, filter, limit, cursor.as_deref()).await?;
    trail::record_admin_access(tenants, grant, "members").await?;
    reply::ok(&page)
}

/// A member to be added.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    name: String,
    email: String,
    /// The code of a role, built in or the tenant's own; up to one's own rights.
    role: String,
    /// The first password; the member changes it in the console.
    #[schemars(with = "String")]
    password: SecretString,
}

async fn create(call: Call<UserCreate>) -> Answer {
    let Wanted { name, email, role, password } = call.input.json()?;
    let (app, new) = (&call.app, NewMember { name, email, password, role });
    let member = users::create(&app.tenants, &app.hasher, &call.grant, new).await?;
    let location = format!("/api/v1/users/{}/{}", call.tenant.slug, member.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(member))
}

async fn find(call: Call<UserRead>) -> Answer {
    let member = users::find(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    trail::record_admin_access(&call.app.tenants, &call.grant, "members").await?;
    reply::ok(&member)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

async fn rename(call: Call<UserUpdate>) -> Answer {
    let (id, Name { name }) = (call.input.id::<UserId>("id")?.to_string(), call.input.json()?);
    reply::ok(&users::rename(&call.app.tenants, &call.grant, &id, &name).await?)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RoleOf {
    /// The code of a role.
    role: String,
    /// Asks a second person, where a role that can approve takes one.
    reason: Option<String>,
}

async fn change_role(call: Call<UserRole>) -> Answer {
    let id = call.input.id::<UserId>("id")?.to_string();
    let RoleOf { role, reason } = call.input.json()?;
    match users::change_role(&call.app.tenants, &call.grant, &id, &role).await {
        Ok(member) => reply::ok(&member),
        Err(UserError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn disable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, false).await
}

async fn enable(call: Call<UserDisable>) -> Answer {
    set_enabled(&call, true).await
}

async fn set_enabled(call: &Call<UserDisable>, enabled: bool) -> Answer {
    let id = call.input.id::<UserId>("id")?.to_string();
    reply::ok(&users::set_enabled(&call.app.tenants, &call.grant, &id, enabled).await?)
}

/// Whoever asks.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Me {
    /// `user` or `api_key`.
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    name: Option<String>,
    /// The role's code.
    role: String,
    /// Names of the permissions, in the order of the table.
    permissions: Vec<&'static str>,
    tenant: Place,
}

#[derive(Serialize, JsonSchema)]
struct Place {
    id: String,
    slug: String,
    name: String,
    /// `active` or `frozen`.
    state: &'static str,
}

async fn me(call: Call<AccountRead>) -> Answer {
    let (actor, tenant) = (call.principal().actor(), &call.tenant);
    reply::ok(&Me {
        kind: actor.kind,
        id: actor.id,
        name: actor.name,
        role: actor.role,
        permissions: call.principal().permissions().iter().map(|flag| flag.name()).collect(),
        tenant: Place {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            state: tenant.state.name(),
        },
    })
}
