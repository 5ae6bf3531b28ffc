//! `/api/v1/holds/{tenant}/…`: legal holds.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authz::permission::{HoldManage, RetentionRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::retention::holds::{
    self, Hold, HoldChanges, HoldError, HoldPage, HoldRequest, Lift, NewHold,
};

const ALL: &str = "/api/v1/holds/{tenant}";
const ONE: &str = "/api/v1/holds/{tenant}/{id}";

pub fn routes() -> Vec<Route> {
    let shown = Audit::Nothing("holds and their reasons; no data that they cover is shown");
    vec![
        Route::api(Method::Get, ALL, shown, list)
            .says("Legal holds, the newest first")
            .parameters(&[
                ("state", "in-force or lifted"),
                ("limit", "1 to 1000, 50 when absent"),
                ("cursor", "nextCursor of the page before"),
            ])
            .gives::<HoldPage>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::HOLD_SET]), set)
            .says("Set a legal hold: nothing that it covers is deleted before it is lifted")
            .takes::<NewHold>()
            .gives::<Hold>(201),
        Route::api(Method::Get, ONE, shown, find).says("One legal hold").gives::<Hold>(200),
        Route::api(Method::Patch, ONE, Audit::Events(&[catalogue::HOLD_CHANGED]), change)
            .says("Change when a hold ends or is to be looked at")
            .takes::<Wanted>()
            .gives::<Hold>(200),
        Route::api(
            Method::Post,
            "/api/v1/holds/{tenant}/{id}/lift",
            Audit::Events(&[catalogue::HOLD_LIFTED]),
            lift,
        )
        .says("Lift a hold: what it covered can be deleted again")
        .sensitive()
        .takes::<Lift>()
        .gives::<Hold>(200),
    ]
}

/// What to change; what is left out stays, null takes the date away.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    #[serde(default, deserialize_with = "holds::given")]
    #[schemars(with = "Option<Timestamp>")]
    ends_at: Option<Option<Timestamp>>,
    #[serde(default, deserialize_with = "holds::given")]
    #[schemars(with = "Option<Timestamp>")]
    review_at: Option<Option<Timestamp>>,
    /// Why, where a second person has to approve an earlier end.
    reason: Option<String>,
}

async fn list(call: Call<RetentionRead>) -> Answer {
    let wanted: HoldRequest = call.input.query()?;
    reply::ok(&holds::list(&call.app.tenants, &call.grant, wanted).await?)
}

async fn set(call: Call<HoldManage>) -> Answer {
    let (new, key) = (call.input.json()?, call.input.idempotency_key()?);
    let hold = holds::set(&call.app.tenants, &call.grant, new, key).await?;
    let location = format!("/api/v1/holds/{}/{}", call.tenant.slug, hold.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(hold))
}

async fn find(call: Call<RetentionRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&holds::find(&call.app.tenants, &call.grant, id).await?.0)
}

async fn change(call: Call<HoldManage>) -> Answer {
    let (id, Wanted { ends_at, review_at, reason }) = (call.input.id("id")?, call.input.json()?);
    let changes = HoldChanges { ends_at, review_at };
    match holds::change(&call.app.tenants, &call.grant, id, changes).await {
        Err(HoldError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        changed => reply::ok(&changed?),
    }
}

async fn lift(call: Call<HoldManage>) -> Answer {
    let (id, Lift { reason }) = (call.input.id("id")?, call.input.json()?);
    match holds::lift(&call.app.tenants, &call.grant, id, &reason).await {
        Err(HoldError::Approval(error)) => approvals::answer(&call, *error, Some(&reason)).await,
        lifted => reply::ok(&lifted?),
    }
}
