//! `/api/v1/audit/{tenant}/retention`

use schemars::JsonSchema;
use serde::Deserialize;

use super::{approvals, reply};
use crate::audit::{catalogue, retention};
use crate::authz::permission::{RetentionManage, RetentionRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::trail::{self, Retention, TrailError};

const PATH: &str = "/api/v1/audit/{tenant}/retention";

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(
            Method::Get,
            PATH,
            Audit::Nothing("a setting and counts; no entry is shown"),
            show,
        )
        .says("How long audit entries are kept, and what is due to be removed")
        .parameters(&[("days", "what it would be like with this setting")])
        .gives::<Retention>(200),
        Route::api(Method::Put, PATH, Audit::Events(&[catalogue::SETTINGS_CHANGED]), change)
            .says("Change how long audit entries are kept; two years at least")
            .sensitive()
            .takes::<Wanted>()
            .gives::<Retention>(200),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    days: Option<u32>,
}

/// `days` or `years`, one of them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    days: Option<u32>,
    years: Option<u32>,
    /// Why, where a second person has to approve a shorter time.
    reason: Option<String>,
}

async fn show(call: Call<RetentionRead>) -> Answer {
    let Asked { days } = call.input.query()?;
    reply::ok(&trail::retention(&call.app.tenants, &call.grant, days).await?)
}

async fn change(call: Call<RetentionManage>) -> Answer {
    let Wanted { days, years, reason } = call.input.json()?;
    let days = match (days, years) {
        (Some(days), None) => days,
        (None, Some(years)) => retention::years(years),
        _ => return Err(TrailError::Retention.into()),
    };
    match trail::set_retention(&call.app.tenants, &call.grant, days).await {
        Err(TrailError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        set => reply::ok(&set?),
    }
}
