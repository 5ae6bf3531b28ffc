//! `/api/v1/roles/{tenant}/…`: what members and applications may do.

use actix_web::HttpResponse;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{RoleManage, RoleRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::roles::{self, NewRole, RoleChanges, RoleView, Roles};

const ALL: &str = "/api/v1/roles/{tenant}";
const ONE: &str = "/api/v1/roles/{tenant}/{code}";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("what roles permit is for everybody to know; nobody is named");
    vec![
        Route::api(Method::Get, ALL, quiet, list)
            .says("The roles, built in and the tenant's own, and what each permission means")
            .gives::<Roles>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::ROLE_CREATED]), create)
            .says("Define a role, up to one's own rights")
            .takes::<NewRole>()
            .gives::<RoleView>(201)
            .sensitive(),
        Route::api(Method::Get, ONE, quiet, find).says("One role").gives::<RoleView>(200),
        Route::api(Method::Patch, ONE, Audit::Events(&[catalogue::ROLE_UPDATED]), change)
            .says("Change a role of the tenant's own; counts on the next request of who has it")
            .takes::<RoleChanges>()
            .gives::<RoleView>(200)
            .sensitive(),
        Route::api(Method::Delete, ONE, Audit::Events(&[catalogue::ROLE_DELETED]), delete)
            .says("Delete a role that nobody has")
            .gives_nothing()
            .sensitive(),
    ]
}

async fn list(call: Call<RoleRead>) -> Answer {
    reply::ok(&roles::list(&call.app.tenants, &call.grant).await?)
}

async fn find(call: Call<RoleRead>) -> Answer {
    reply::ok(&roles::find(&call.app.tenants, &call.grant, call.input.path("code")).await?)
}

async fn create(call: Call<RoleManage>) -> Answer {
    let role = roles::create(&call.app.tenants, &call.grant, call.input.json()?).await?;
    let location = format!("/api/v1/roles/{}/{}", call.tenant.slug, role.code);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(role))
}

async fn change(call: Call<RoleManage>) -> Answer {
    let (code, changes) = (call.input.path("code"), call.input.json()?);
    reply::ok(&roles::change(&call.app.tenants, &call.grant, code, changes).await?)
}

async fn delete(call: Call<RoleManage>) -> Answer {
    roles::delete(&call.app.tenants, &call.grant, call.input.path("code")).await?;
    reply::nothing()
}
