//! Forms are accepted only from our own pages: the request's origin must be ours, and the form
//! carries a token bound to the session (or, before there is one, to a cookie).

use data_encoding::HEXLOWER;

use super::call::{PLATFORM_COOKIE, TENANT_COOKIE};
use super::failure::Failure;
use super::input::Input;
use crate::app::App;
use crate::authn;
use crate::crypto::mac;
use crate::kernel::ErrorKind;

/// Set on pages with a form that somebody not yet signed in sends.
pub const FORM_COOKIE: &str = "__Host-strongroom-form";

/// The token for forms on pages of this cookie.
pub fn token(app: &App, cookie: &str) -> String {
    HEXLOWER.encode(&mac::hmac(&app.form_key, &[b"form", cookie.as_bytes()]))
}

/// A new value for the form cookie.
pub fn new_cookie(app: &App) -> String {
    HEXLOWER.encode(&app.runtime.bytes::<16>())
}

/// The cookie that a page's forms are bound to: the session's, else the form cookie.
pub fn binding(input: &Input) -> Option<String> {
    let platform = input.request.path().starts_with("/platform");
    let session = if platform { PLATFORM_COOKIE } else { TENANT_COOKIE };
    let signed_out = input.route.is_open();
    let session = if signed_out { None } else { input.cookie(session) };
    let session = session.map(|cookie| authn::form_binding(&cookie).to_owned());
    session.or_else(|| input.cookie(FORM_COOKIE))
}

/// Whether the request says that one of our own pages sent it.
pub fn is_same_origin(input: &Input) -> bool {
    match (input.header("origin"), input.header("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        _ => false,
    }
}

/// # Errors
/// A form that was not sent from one of our pages, or from one that is too old.
pub fn check(app: &App, input: &Input) -> Result<(), Failure> {
    let site = input.header("sec-fetch-site").unwrap_or("same-origin");
    let same_site = matches!(site, "same-origin" | "none");
    let same_origin = input.header("origin").is_none() || is_same_origin(input);
    let sent = input.form_field("csrf").unwrap_or_default();
    let bound = binding(input)
        .is_some_and(|cookie| mac::same(sent.as_bytes(), token(app, &cookie).as_bytes()));
    if same_site && same_origin && bound {
        return Ok(());
    }
    let detail =
        "this form is too old or was sent from elsewhere: go back, reload and send it again";
    Err(Failure::new(ErrorKind::Denied, "stale-form", detail))
}
