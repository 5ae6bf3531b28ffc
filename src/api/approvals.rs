//! `/api/v1/approvals/{tenant}…`: what waits for a second person.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::approvals::{self, Approval, ApprovalError};
use crate::audit::catalogue;
use crate::authz::permission::{ApprovalDecide, ApprovalRead, ApprovalRequest};
use crate::authz::{Denied, Flag, Permission};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};

const ALL: &str = "/api/v1/approvals/{tenant}";
const ONE: &str = "/api/v1/approvals/{tenant}/{id}";
const APPROVE: &str = "/api/v1/approvals/{tenant}/{id}/approve";
const REFUSE: &str = "/api/v1/approvals/{tenant}/{id}/refuse";
const WITHDRAW: &str = "/api/v1/approvals/{tenant}/{id}/withdraw";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let granted = Audit::Events(&[catalogue::APPROVAL_GRANTED]);
    let refused = Audit::Events(&[catalogue::APPROVAL_REFUSED]);
    let withdrawn = Audit::Events(&[catalogue::APPROVAL_WITHDRAWN]);
    vec![
        Route::api(Method::Get, ALL, opened, list)
            .says("What waits for a second person, then what was decided last")
            .gives::<Approvals>(200),
        Route::api(Method::Get, ONE, opened, find)
            .says("One request for approval")
            .gives::<Approval>(200),
        Route::api(Method::Post, APPROVE, granted, approve)
            .says("Approve what somebody else has asked for, which performs it; people only")
            .gives::<Approval>(200)
            .sensitive(),
        Route::api(Method::Post, REFUSE, refused, refuse)
            .says("Refuse what somebody else has asked for; people only")
            .takes::<Why>()
            .gives::<Approval>(200)
            .sensitive(),
        Route::api(Method::Post, WITHDRAW, withdrawn, withdraw)
            .says("Take back what one has asked for")
            .gives::<Approval>(200),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Approvals {
    items: Vec<Approval>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

/// The answer to an act that did not pass: with a reason, it is asked for.
pub async fn answer<P: Permission>(
    call: &Call<P>,
    error: ApprovalError,
    reason: Option<&str>,
) -> Answer {
    let (ApprovalError::Needed(act), Some(reason)) = (&error, reason) else {
        return Err(error.into());
    };
    let missing = || Denied::Missing(Flag::ApprovalRequest.name());
    let grant = call.also::<ApprovalRequest>().ok_or_else(missing)?;
    let act = (**act).clone();
    let asked = approvals::request(&call.app.tenants, &grant, act, reason).await?;
    let address = format!("/api/v1/approvals/{}/{}", call.tenant.slug, asked.id);
    Ok(HttpResponse::Accepted().insert_header(("location", address)).json(&asked))
}

async fn list(call: Call<ApprovalRead>) -> Answer {
    crate::trail::record_admin_access(&call.app.tenants, &call.grant, "approvals").await?;
    let items = approvals::list(&call.app.tenants, &call.grant).await?;
    reply::ok(&Approvals { items })
}

async fn find(call: Call<ApprovalRead>) -> Answer {
    let id = call.input.id("id")?;
    crate::trail::record_admin_access(&call.app.tenants, &call.grant, "approvals").await?;
    reply::ok(&approvals::find(&call.app.tenants, &call.grant, id).await?)
}

async fn approve(call: Call<ApprovalDecide>) -> Answer {
    let (app, id) = (&call.app, call.input.id("id")?);
    let ageing = app.settings.backup.ageing();
    let (exports, tenants) = (&app.exports, &app.tenants);
    approvals::approve(exports, tenants, &call.grant, &call.tenant, id, ageing).await?;
    let missing = || Denied::Missing(Flag::ApprovalRead.name());
    let grant = call.also::<ApprovalRead>().ok_or_else(missing)?;
    reply::ok(&approvals::find(&app.tenants, &grant, id).await?)
}

async fn refuse(call: Call<ApprovalDecide>) -> Answer {
    let id = call.input.id("id")?;
    let Why { reason } = call.input.json()?;
    reply::ok(&approvals::refuse(&call.app.tenants, &call.grant, id, &reason).await?)
}

async fn withdraw(call: Call<ApprovalRequest>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&approvals::withdraw(&call.app.tenants, &call.grant, id).await?)
}
