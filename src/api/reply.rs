//! Answers of the API.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use crate::http::route::Answer;

pub fn ok(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

pub fn created(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(StatusCode::CREATED).json(body))
}

pub fn accepted(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::Accepted().json(body))
}

pub fn nothing() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}
