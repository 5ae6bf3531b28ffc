//! Answers of the API.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::route::Answer;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    pub items: Vec<T>,
    /// Give this as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

pub fn ok(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

pub fn created(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(StatusCode::CREATED).json(body))
}

pub fn nothing() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}
