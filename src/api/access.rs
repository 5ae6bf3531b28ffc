//! `/api/v1/access/{tenant}`: what lets people and applications in, and taking it away.

use schemars::JsonSchema;
use serde::Deserialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::AccessRevoke;
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::incident::{self, Access, IncidentError, Revoked};

pub fn routes() -> Vec<Route> {
    let counts = Audit::Nothing("counts; nobody's data is shown");
    let revoked = Audit::Events(&[catalogue::ACCESS_REVOKED]);
    vec![
        Route::api(Method::Get, "/api/v1/access/{tenant}", counts, count)
            .says("How many sessions, links and keys there are")
            .parameters(&[("user", "e-mail address or id of a member; everybody when absent")])
            .gives::<Access>(200),
        Route::api(Method::Post, "/api/v1/access/{tenant}/revoke", revoked, revoke)
            .says("Take all sessions, links and keys away, of a member or of the whole tenant")
            .sensitive()
            .takes::<Request>()
            .gives::<Revoked>(200),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountQuery {
    user: Option<String>,
}

/// Whose access is taken away: one of both is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Request {
    /// E-mail address or id of a member.
    user: Option<String>,
    /// For the whole tenant: its short name.
    confirm: Option<String>,
    /// Why; it stays in the log.
    reason: Option<String>,
}

async fn count(call: Call<AccessRevoke>) -> Answer {
    let CountQuery { user } = call.input.query()?;
    reply::ok(&incident::count(&call.app.tenants, &call.grant, user.as_deref()).await?)
}

async fn revoke(call: Call<AccessRevoke>) -> Answer {
    let Request { user, confirm, reason } = call.input.json()?;
    // Nobody takes everybody's away because a name got lost on the way.
    let user = user.filter(|user| !user.trim().is_empty());
    let whole = confirm.as_deref().is_some_and(|name| name.trim() == call.tenant.slug.as_str());
    if user.is_some() == confirm.is_some() || (user.is_none() && !whole) {
        return Err(IncidentError::Confirmation.into());
    }
    let tenants = &call.app.tenants;
    let done = incident::revoke(tenants, &call.grant, user.as_deref(), reason.as_deref()).await?;
    reply::ok(&done)
}
