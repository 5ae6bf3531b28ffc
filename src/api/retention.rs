//! `/api/v1/retention/{tenant}/…`: how long data is kept, what would go, what went.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authz::permission::{RetentionManage, RetentionRead};
use crate::http::attachment;
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::retention::{
    self, Asked, Class, Policies, PolicyChanges, Preview, RetentionError, Run, RunPage, RunRequest,
};

const ALL: &str = "/api/v1/retention/{tenant}";
const PREVIEW: &str = "/api/v1/retention/{tenant}/preview";
const RUNS: &str = "/api/v1/retention/{tenant}/runs";
const RUN: &str = "/api/v1/retention/{tenant}/runs/{id}";
const CSV: &str = "/api/v1/retention/{tenant}/runs/{id}/csv";

pub fn routes() -> Vec<Route> {
    let counts = Audit::Nothing("policies and counts; no data is shown");
    vec![
        Route::api(Method::Get, ALL, counts, show)
            .says("How long each class of data is kept")
            .gives::<Policies>(200),
        Route::api(Method::Patch, ALL, Audit::Events(&[catalogue::RETENTION_CHANGED]), change)
            .says("Change how long classes are kept; what is past it goes in the next run")
            .sensitive()
            .takes::<Wanted>()
            .gives::<Policies>(200),
        Route::api(
            Method::Post,
            PREVIEW,
            Audit::Events(&[catalogue::RETENTION_PREVIEWED]),
            preview,
        )
        .says("What would be deleted now, under the present policies or under others")
        .takes::<PolicyChanges>()
        .gives::<Preview>(200),
        Route::api(Method::Post, RUNS, Audit::Events(&[catalogue::RETENTION_COMPLETED]), run)
            .says(
                "Delete what is due, now; the answer is the run, which goes on when there is much",
            )
            .sensitive()
            .gives::<Run>(202),
        Route::api(Method::Get, RUNS, counts, runs)
            .says("What was deleted, run by run, the newest first")
            .parameters(&[
                ("limit", "1 to 1000, 50 when absent"),
                ("cursor", "nextCursor of the page before"),
            ])
            .gives::<RunPage>(200),
        Route::api(Method::Get, RUN, counts, one).says("One run").gives::<Run>(200),
        Route::api(Method::Get, CSV, counts, csv).says("One run as CSV, a line for each class"),
    ]
}

/// What to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Days by class, null keeps a class until somebody deletes it.
    #[serde(default)]
    policies: BTreeMap<Class, Option<u32>>,
    /// Why, where a second person has to approve a shorter time.
    reason: Option<String>,
}

async fn show(call: Call<RetentionRead>) -> Answer {
    let app = &call.app;
    reply::ok(&retention::policies(&app.tenants, &call.grant, app.retention()).await?)
}

async fn change(call: Call<RetentionManage>) -> Answer {
    let (app, Wanted { policies, reason }) = (&call.app, call.input.json()?);
    let changes = PolicyChanges { policies };
    match retention::change(&app.tenants, &call.grant, changes, app.retention()).await {
        Err(RetentionError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        changed => reply::ok(&changed?),
    }
}

async fn preview(call: Call<RetentionRead>) -> Answer {
    let (app, changes) = (&call.app, call.input.json()?);
    reply::ok(&retention::preview(&app.tenants, &call.grant, changes, app.retention()).await?)
}

async fn run(call: Call<RetentionManage>) -> Answer {
    let app = call.app.clone();
    let begun =
        retention::begin(&app.tenants, &call.grant, app.retention(), Asked::BySomebody).await?;
    let begun = begun.ok_or(RetentionError::NoRun)?;
    let id = begun.id();
    begun.in_background(app.stopping.subscribe()).await;
    let found = retention::find_run(&app.tenants, &call.grant, id).await?;
    let location = format!("/api/v1/retention/{}/runs/{}", call.tenant.slug, found.id);
    Ok(HttpResponse::Accepted().insert_header(("location", location)).json(found))
}

async fn runs(call: Call<RetentionRead>) -> Answer {
    let wanted: RunRequest = call.input.query()?;
    reply::ok(&retention::runs(&call.app.tenants, &call.grant, wanted).await?)
}

async fn one(call: Call<RetentionRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&retention::find_run(&call.app.tenants, &call.grant, id).await?)
}

async fn csv(call: Call<RetentionRead>) -> Answer {
    let id = call.input.id("id")?;
    let run = retention::find_run(&call.app.tenants, &call.grant, id).await?;
    Ok(attachment::text(
        &format!("retention-{id}.csv"),
        "text/csv; charset=utf-8",
        retention::csv(&run),
    ))
}
