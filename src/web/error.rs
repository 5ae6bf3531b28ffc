//! Failures as pages: the only place of the console that knows status codes by name.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::frame::{self, SignedIn};
use super::messages::Messages;
use super::problems::as_sentence;
use super::view::chrome::Chrome;
use super::view::general::{ErrorPage, ErrorPageKind, WayBack};
use crate::app::App;
use crate::authn;
use crate::authz::{LACKS, RequestContext};
use crate::http::call::{PLATFORM_COOKIE, TENANT_COOKIE};
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::route::Surface;
use crate::kernel::ErrorKind;

pub async fn render(
    app: &App,
    request: &HttpRequest,
    context: &RequestContext,
    failure: Failure,
) -> HttpResponse {
    let kind = kind(&failure);
    let messages = Messages::english();
    let status = failure.status();
    let signed_in = signed_in(app, request).await;
    let page = ErrorPage {
        chrome: match &signed_in {
            Some(person) => frame::after_failure(app, kind.title(), person),
            None => Chrome::public(messages, kind.title()),
        },
        status,
        kind,
        detail: (failure.kind != ErrorKind::Internal).then(|| said(messages, &failure.detail)),
        request_id: context.id.to_string(),
        ways: ways(request, kind, signed_in.as_ref()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(page.render().unwrap_or_default());
    if let Some(seconds) = failure.retry_after {
        put(response.headers_mut(), "retry-after", &seconds.to_string());
    }
    response
}

/// People have a role, applications a credential.
fn said(messages: &Messages, detail: &str) -> String {
    match detail.strip_prefix(LACKS) {
        Some(permission) => {
            messages.with("problem-forbidden-lacks", &[("permission", permission.into())]).into()
        }
        None => as_sentence(detail),
    }
}

fn kind(failure: &Failure) -> ErrorPageKind {
    match (failure.kind, failure.code.as_ref()) {
        (_, "stale-form") => ErrorPageKind::StaleForm,
        (_, "entry-removed") => ErrorPageKind::Removed,
        (ErrorKind::Invalid, _) => ErrorPageKind::BadRequest,
        (ErrorKind::TooLarge, _) => ErrorPageKind::TooLarge,
        (ErrorKind::Conflict, _) => ErrorPageKind::Conflict,
        (ErrorKind::NotFound, _) => ErrorPageKind::NotFound,
        (ErrorKind::Denied | ErrorKind::Unauthenticated, _) => ErrorPageKind::Forbidden,
        (ErrorKind::Throttled, _) => ErrorPageKind::TooManyRequests,
        (ErrorKind::Frozen, _) => ErrorPageKind::Frozen,
        (ErrorKind::Unavailable, _) => ErrorPageKind::Unavailable,
        (ErrorKind::Internal, _) => ErrorPageKind::Internal,
    }
}

/// Whoever is signed in to the console that was asked, without counting as a use of the session.
async fn signed_in(app: &App, request: &HttpRequest) -> Option<SignedIn> {
    let platform = request.path().starts_with("/platform");
    let name = if platform { PLATFORM_COOKIE } else { TENANT_COOKIE };
    let cookie = request.cookie(name)?.value().to_owned();
    let found = authn::session_holder(&app.tenants, app.session_policy(), &cookie).await;
    let principal = found.ok()?;
    let tenant = match principal.tenant() {
        Some(id) => Some(app.tenants.tenant_by_id(id).filter(|tenant| tenant.state.admits())?),
        None => None,
    };
    Some(SignedIn { principal, tenant, cookie })
}

/// Ways back that lead somewhere from where the person is: who is signed in need not do so again.
fn ways(request: &HttpRequest, kind: ErrorPageKind, person: Option<&SignedIn>) -> Vec<WayBack> {
    let path = request.path();
    let slug = path.strip_prefix("/t/").and_then(|rest| rest.split('/').next());
    let mut ways = Vec::new();
    if kind == ErrorPageKind::StaleForm {
        ways.push(WayBack::Form { href: path.to_owned() });
    }
    if let Some(person) = person {
        ways.push(match &person.tenant {
            Some(tenant) => WayBack::TenantHome { slug: tenant.slug.to_string() },
            None => WayBack::PlatformHome,
        });
        return ways;
    }
    match slug {
        Some(slug) if slug.parse::<crate::tenants::Slug>().is_ok() => {
            ways.push(WayBack::TenantHome { slug: slug.to_owned() });
            ways.push(WayBack::TenantSignIn { slug: slug.to_owned() });
        }
        _ if path == "/setup" => ways.push(WayBack::PlatformSignIn),
        _ if path.starts_with("/platform") => {
            ways.extend([WayBack::PlatformHome, WayBack::PlatformSignIn]);
        }
        _ => ways.push(WayBack::Home),
    }
    ways
}

/// Where somebody without a session is sent.
pub fn to_sign_in(request: &HttpRequest, surface: Surface) -> HttpResponse {
    let asked = request.match_info().get("tenant").unwrap_or_default();
    let target = match (surface, asked.parse::<crate::tenants::Slug>()) {
        (Surface::Platform, _) => "/platform/login".to_owned(),
        (_, Ok(slug)) => format!("/t/{slug}/login"),
        // Whatever was asked for does not go into a header.
        (_, Err(_)) => "/".to_owned(),
    };
    super::respond::see_other(&target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::Denied;

    #[test]
    fn people_are_told_of_their_role_and_applications_of_their_credential() {
        let detail = Denied::Missing("api_key.create").to_string();
        assert_eq!(detail, "this credential lacks the permission api_key.create");
        let said = said(Messages::english(), &detail);
        assert_eq!(said, "Your role lacks the permission api_key.create.");
    }
}
