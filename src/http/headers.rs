//! Headers that every answer carries.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::limits::RateState;
use super::route::Surface;
use crate::kernel::id::RequestId;

/// Only our own files; no script or style inside a page; nobody frames us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const ALWAYS: [(&str, &str); 7] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not "no-referrer": with that, browsers send our own forms with "Origin: null" (Fetch, 3.2).
    ("referrer-policy", "same-origin"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
];

pub fn add(headers: &mut HeaderMap, surface: Surface, request: RequestId, rate: Option<RateState>) {
    for (name, value) in ALWAYS {
        put(headers, name, value);
    }
    let policy = match surface {
        Surface::Console | Surface::Platform => PAGE_POLICY,
        Surface::Api | Surface::Scim | Surface::Operations => API_POLICY,
    };
    if !headers.contains_key("content-security-policy") {
        put(headers, "content-security-policy", policy);
    }
    if !headers.contains_key("cache-control") {
        put(headers, "cache-control", "no-store");
    }
    put(headers, "x-request-id", &request.to_string());
    if let Some(rate) = rate {
        let (name, limit, left) = (rate.class.name(), rate.per_minute, rate.remaining);
        put(headers, "ratelimit-policy", &format!("\"{name}\";q={limit};w=60"));
        put(headers, "ratelimit", &format!("\"{name}\";r={left};t=60"));
    }
}

/// For a page whose form goes to an identity provider, or to an address of ours that leads on there.
/// Browsers hold every step of the way against the policy, and which addresses a provider leads
/// people over is for it to know: any, over TLS.
pub fn admit_forms(headers: &mut HeaderMap) {
    let policy = PAGE_POLICY.replace("form-action 'self'", "form-action 'self' https:");
    put(headers, "content-security-policy", &policy);
}

pub fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
