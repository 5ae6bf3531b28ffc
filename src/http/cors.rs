//! Browsers on other sites (Fetch standard, 3.2): only sites that are named in `server.cors_origins`,
//! only the API, and never with cookies. An application in a browser sends a token of its own.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};

use super::headers::put;
use super::route::{Route, Surface};
use super::table;
use crate::config::Settings;

/// Request headers that the API reads.
const ALLOWED: &str = "authorization, content-type, idempotency-key";
/// Answer headers beyond the usual that a script may read.
const EXPOSED: &str = "location, ratelimit, ratelimit-policy, retry-after, x-request-id";
/// Seconds for which a browser need not ask again.
const MAX_AGE: &str = "600";

/// Says whether the asking site may read the answer of an API route.
pub fn add(headers: &mut HeaderMap, settings: &Settings, request: &HttpRequest) {
    if settings.server.cors_origins.is_empty() {
        return;
    }
    put(headers, "vary", "origin");
    if let Some(origin) = allowed(settings, request) {
        put(headers, "access-control-allow-origin", origin);
        put(headers, "access-control-expose-headers", EXPOSED);
        // The policy of everything else says that other sites get nothing.
        put(headers, "cross-origin-resource-policy", "cross-origin");
    }
}

/// What a browser asks before it sends a request: answered from the route table. Nothing for what
/// is no such question.
pub fn preflight(settings: &Settings, request: &HttpRequest, path: &str) -> Option<HttpResponse> {
    let asks = request.method() == actix_web::http::Method::OPTIONS
        && request.headers().contains_key("access-control-request-method");
    let at_path = |route: &&Route| route.path == path && is_shared(route);
    let methods: Vec<_> =
        table::routes().iter().filter(at_path).map(|route| route.method.name()).collect();
    if !asks || methods.is_empty() || allowed(settings, request).is_none() {
        return None;
    }
    let mut answer = HttpResponse::new(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    put(headers, "access-control-allow-methods", &methods.join(", "));
    put(headers, "access-control-allow-headers", ALLOWED);
    put(headers, "access-control-max-age", MAX_AGE);
    Some(answer)
}

/// Whether other sites may use it at all.
pub fn is_shared(route: &Route) -> bool {
    route.surface == Surface::Api
}

/// The asking site, when it is one of those named: compared as a whole, never by its end.
fn allowed<'a>(settings: &Settings, request: &'a HttpRequest) -> Option<&'a str> {
    let origin = request.headers().get("origin")?.to_str().ok()?;
    let named = settings.server.cors_origins.iter().any(|named| named.as_str() == origin);
    named.then_some(origin)
}
