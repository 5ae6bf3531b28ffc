//! Answers of the console: pages, redirects, cookies.

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::http::call::DEVICE_COOKIE;
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::route::Answer;
use crate::kernel::{ErrorKind, limits};

pub fn page(page: &impl Template) -> Answer {
    page_with(StatusCode::OK, page)
}

/// A page that says that something was wrong with the form on it.
pub fn refused(page: &impl Template) -> Answer {
    page_with(StatusCode::UNPROCESSABLE_ENTITY, page)
}

pub fn page_with(status: StatusCode, page: &impl Template) -> Answer {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Failure::new(ErrorKind::Internal, "internal", "the page could not be made")
    })?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}

/// After a form: look here now (RFC 9110, 303).
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// A cookie for this host and TLS only, out of reach of scripts.
pub fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}

/// Gives a session's cookie its new value.
pub fn renew(response: &mut HttpResponse, name: &'static str, value: String) {
    if let Err(error) = response.add_cookie(&cookie(name, value)) {
        tracing::error!(%error, "a session's cookie could not be renewed");
    }
}

/// The cookie that marks a browser, kept beyond the session.
pub fn device_cookie(value: String) -> Cookie<'static> {
    let mut cookie = cookie(DEVICE_COOKIE, value);
    let life = i64::try_from(limits::DEVICE_LIFE.as_secs()).unwrap_or(i64::MAX);
    cookie.set_max_age(actix_web::cookie::time::Duration::seconds(life));
    cookie
}

pub fn with_cookie(mut response: HttpResponse, cookie: &Cookie<'_>) -> Answer {
    let broken = |_| Failure::new(ErrorKind::Internal, "internal", "a cookie could not be set");
    response.add_cookie(cookie).map_err(broken)?;
    Ok(response)
}

/// After a session has ended: its cookie goes, and what the browser has kept of the pages
/// (W3C Clear Site Data). Not all cookies: one marks the browser as known, and the other console
/// may be signed in to.
pub fn signed_out(response: HttpResponse, cookie: &'static str) -> Answer {
    let mut response = without_cookie(response, cookie)?;
    put(response.headers_mut(), "clear-site-data", "\"cache\", \"storage\"");
    Ok(response)
}

pub fn without_cookie(response: HttpResponse, name: &'static str) -> Answer {
    let mut gone = cookie(name, String::new());
    gone.make_removal();
    with_cookie(response, &gone)
}
