//! `/api/v1/settings/{tenant}/scim`: which groups mean which role.

use super::reply;
use crate::audit::catalogue as c;
use crate::authz::permission::{SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::scim::{self, ScimOverview, ScimSettings};

const PATH: &str = "/api/v1/settings/{tenant}/scim";

pub fn routes() -> Vec<Route> {
    let changed =
        Audit::Events(&[c::SETTINGS_CHANGED, c::ROLE_CHANGED, c::USER_DISABLED, c::USER_ENABLED]);
    vec![
        Route::api(Method::Get, PATH, Audit::Nothing("settings, and counts"), show)
            .says("Which groups of provisioning (SCIM) mean which role")
            .gives::<ScimOverview>(200),
        Route::api(Method::Put, PATH, changed, change)
            .says("Change what provisioning may do, as a whole; roles follow at once")
            .takes::<ScimSettings>()
            .gives::<ScimOverview>(200)
            .sensitive(),
    ]
}

async fn show(call: Call<SsoRead>) -> Answer {
    reply::ok(&scim::overview(&call.app.tenants, &call.grant).await?)
}

async fn change(call: Call<SsoManage>) -> Answer {
    let wanted: ScimSettings = call.input.json()?;
    reply::ok(&scim::change_settings(&call.app.tenants, &call.grant, wanted).await?)
}
