//! `/api/v1/erasures/{tenant}…`: erasing persons, and the certificates.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{approvals, reply};
use crate::audit::catalogue;
use crate::authz::permission::{SubjectErase, SubjectRead};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::privacy::{self, Erasure, ErasureState, Preview, PrivacyError, Wanted, Who};

const ALL: &str = "/api/v1/erasures/{tenant}";
const PREVIEW: &str = "/api/v1/erasures/{tenant}/preview";
const ONE: &str = "/api/v1/erasures/{tenant}/{id}";
const CERTIFICATE: &str = "/api/v1/erasures/{tenant}/{id}/certificate";

pub fn routes() -> Vec<Route> {
    let opaque = Audit::Nothing("ids, counts and reasons; nothing of the person is left");
    vec![
        Route::api(Method::Post, PREVIEW, Audit::Events(&[catalogue::ERASURE_PREVIEWED]), preview)
            .says("Who fits, and what erasing them would do")
            .takes::<Asked>()
            .gives::<Previews>(200),
        Route::api(
            Method::Post,
            ALL,
            Audit::Events(&[catalogue::ERASURE_REQUESTED, catalogue::ERASURE_COMPLETED]),
            erase,
        )
        .says("Erase a person for good: their key is destroyed")
        .sensitive()
        .takes::<Request>()
        .gives::<Erasure>(201),
        Route::api(Method::Get, ALL, opaque, list)
            .says("Erasures, the latest first")
            .gives::<Erasures>(200),
        Route::api(Method::Get, ONE, opaque, one)
            .says("One erasure with its certificate")
            .gives::<Erasure>(200),
        Route::api(Method::Get, CERTIFICATE, opaque, certificate)
            .says("The certificate of an erasure as a file"),
    ]
}

/// Whom somebody means.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    person: Who,
}

/// What a person's erasure takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Request {
    person: Who,
    /// The person's reference or e-mail address once more, or the word `erase`.
    confirm: String,
    /// Why, without naming the person: it stays in the log.
    reason: String,
    /// The number under which the request is known elsewhere.
    request: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Previews {
    items: Vec<Preview>,
}

#[derive(Serialize, JsonSchema)]
struct Erasures {
    items: Vec<Erasure>,
}

async fn preview(call: Call<SubjectErase>) -> Answer {
    let Asked { person } = call.input.json()?;
    let found = privacy::preview(&call.app.tenants, &call.grant, person).await?;
    reply::ok(&Previews { items: found.value })
}

async fn erase(call: Call<SubjectErase>) -> Answer {
    let Request { person, confirm, reason, request } = call.input.json()?;
    let wanted = Wanted { who: person, confirm, reason: reason.clone(), request };
    let (app, key) = (&call.app, call.input.idempotency_key()?);
    let ageing = app.settings.backup.ageing();
    let done = privacy::erase(&app.tenants, &call.grant, &call.tenant, wanted, ageing, key).await;
    match done {
        Ok(erasure) => {
            let location = format!("/api/v1/erasures/{}/{}", call.tenant.slug, erasure.id);
            Ok(HttpResponse::Created().insert_header(("location", location)).json(erasure))
        }
        Err(PrivacyError::Approval(error)) => approvals::answer(&call, *error, Some(&reason)).await,
        Err(error) => Err(error.into()),
    }
}

async fn list(call: Call<SubjectRead>) -> Answer {
    reply::ok(&Erasures { items: privacy::list(&call.app.tenants, &call.grant).await? })
}

async fn one(call: Call<SubjectRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&privacy::find(&call.app.tenants, &call.grant, id).await?)
}

async fn certificate(call: Call<SubjectRead>) -> Answer {
    let found = privacy::find(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let (ErasureState::Done, Some(certificate)) = (found.state, found.certificate) else {
        return Err(Failure::not_found());
    };
    let name = format!("attachment; filename=\"strongroom-erasure-{}.txt\"", found.id);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(certificate))
}
