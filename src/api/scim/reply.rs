//! Answers, and errors (RFC 7644, 3.12), of provisioning.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::input::Input;
use crate::http::route::Answer;
use crate::kernel::ErrorKind;
use crate::scim::{Asked, Resource, View, names_version, schema};

const TYPE: &str = "application/scim+json";

pub fn json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type(TYPE).body(body.to_string())
}

pub fn ok(body: &Value) -> Answer {
    Ok(json(StatusCode::OK, body))
}

/// A resource with its version and address, as far as it was asked for.
pub fn resource(status: StatusCode, resource: Resource, view: &View) -> Answer {
    let location = resource.value["meta"]["location"].as_str().unwrap_or_default().to_owned();
    let mut response = json(status, &view.apply(resource.value));
    put(response.headers_mut(), "etag", &resource.version);
    put(response.headers_mut(), "location", &location);
    Ok(response)
}

/// The same, or 304 for who has that version.
pub fn fresh(input: &Input, found: Resource, view: &View) -> Answer {
    let condition = input.header("if-none-match");
    if condition.is_some_and(|condition| names_version(condition, &found.version)) {
        let mut response = HttpResponse::new(StatusCode::NOT_MODIFIED);
        put(response.headers_mut(), "etag", &found.version);
        return Ok(response);
    }
    resource(StatusCode::OK, found, view)
}

pub fn error(failure: &Failure) -> HttpResponse {
    // SCIM knows 400 for all that is wrong with a request.
    let status = match (failure.code.as_ref(), failure.status()) {
        ("precondition-failed", _) => 412,
        (_, 422) => 400,
        (_, status) => status,
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({
        "schemas": [schema::ERROR],
        "status": status.as_str(),
        "detail": failure.detail
    });
    if let Some(kind) = scim_type(failure) {
        body["scimType"] = kind.into();
    }
    let mut response = json(status, &body);
    if status == StatusCode::UNAUTHORIZED {
        put(response.headers_mut(), "www-authenticate", "Bearer realm=\"strongroom\"");
    }
    if let Some(seconds) = failure.retry_after {
        put(response.headers_mut(), "retry-after", &seconds.to_string());
    }
    response
}

fn scim_type(failure: &Failure) -> Option<&'static str> {
    Some(match failure.code.as_ref() {
        "invalid-filter" => "invalidFilter",
        "too-many" => "tooMany",
        "uniqueness" | "email-taken" => "uniqueness",
        "mutability" => "mutability",
        "invalid-syntax" | "malformed" | "body-invalid" => "invalidSyntax",
        "invalid-path" => "invalidPath",
        "no-target" => "noTarget",
        _ if failure.kind == ErrorKind::Invalid && failure.code != "method-not-allowed" => {
            "invalidValue"
        }
        _ => return None,
    })
}

/// The parameters of a list; names that are not known are passed over, as clients send some.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    pub filter: Option<String>,
    pub start_index: Option<i64>,
    pub count: Option<i64>,
    pub attributes: Option<String>,
    pub excluded_attributes: Option<String>,
}

impl Parameters {
    pub fn view(&self) -> View {
        View::new(self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }

    pub fn asked(self) -> Asked {
        let view = self.view();
        Asked { filter: self.filter, start_index: self.start_index, count: self.count, view }
    }
}

/// A search that is sent as a body (RFC 7644, 3.4.3).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SearchRequest {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Vec<String>,
    excluded_attributes: Vec<String>,
}

impl SearchRequest {
    pub fn asked(self) -> Asked {
        let (only, all_but) = (self.attributes.join(","), self.excluded_attributes.join(","));
        let view = View::new(Some(&only), Some(&all_but));
        Asked { filter: self.filter, start_index: self.start_index, count: self.count, view }
    }
}

/// The condition under which something is changed.
pub fn if_match(input: &Input) -> Option<String> {
    input.header("if-match").map(str::to_owned)
}

/// What follows a part of the path that is an id.
pub fn view(input: &Input) -> Result<View, Failure> {
    Ok(input.query::<Parameters>()?.view())
}
