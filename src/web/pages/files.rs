//! Style sheet, script and icon, from inside the binary.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::http::call::OpenCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::web::assets;

pub fn routes() -> Vec<Route> {
    vec![
        Route::open(
            Method::Get,
            "/static/{file}",
            Surface::Operations,
            "style sheet, script and icon",
            Audit::Nothing("nobody's data is touched"),
            file,
        )
        .says("A file that pages are made with"),
    ]
}

async fn file(call: OpenCall) -> Answer {
    let asset = assets::find(call.input.path("file")).ok_or_else(Failure::not_found)?;
    let version = call.input.request.query_string().strip_prefix("v=").unwrap_or_default();
    let cache = match asset.is_version(version) {
        true => "public, max-age=31536000, immutable",
        false => "public, max-age=300",
    };
    let known = call.input.header("if-none-match") == Some(asset.etag.as_str());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::ETAG, asset.etag.as_str()))
        .content_type(asset.content_type);
    Ok(if known { response.finish() } else { response.body(asset.bytes) })
}
