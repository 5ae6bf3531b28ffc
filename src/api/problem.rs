//! Problem details (RFC 9457): the only place of the API that knows status codes by name.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::authz::RequestContext;
use crate::http::failure::Failure;
use crate::http::headers::put;

/// Why a request was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable: `urn:strongroom:problem:` and a code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    status: u16,
    /// What is wrong, and what to do about it.
    detail: String,
    /// The member of the input that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    request_id: String,
    /// With `second-factor-required`: stands for what was shown already. A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
}

pub fn render(failure: &Failure, context: &RequestContext) -> HttpResponse {
    answer(failure, context, None)
}

/// A sign-in that waits for one more factor.
pub fn with_ticket(failure: &Failure, context: &RequestContext, ticket: &str) -> HttpResponse {
    answer(failure, context, Some(ticket.to_owned()))
}

fn answer(failure: &Failure, context: &RequestContext, ticket: Option<String>) -> HttpResponse {
    let status =
        StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem {
        kind: format!("urn:strongroom:problem:{}", failure.code),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: failure.detail.clone(),
        field: failure.field.clone(),
        request_id: context.id.to_string(),
        ticket,
    };
    let mut response = HttpResponse::build(status)
        .content_type("application/problem+json")
        .body(serde_json::to_vec(&problem).unwrap_or_default());
    if status == StatusCode::UNAUTHORIZED {
        put(response.headers_mut(), "www-authenticate", "Bearer realm=\"strongroom\"");
    }
    if let Some(seconds) = failure.retry_after {
        put(response.headers_mut(), "retry-after", &seconds.to_string());
    }
    response
}
