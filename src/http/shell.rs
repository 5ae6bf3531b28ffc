//! The shell around every request: body, handler, failure, headers, log line.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::OwnedSemaphorePermit;

use super::call::{DEVICE_COOKIE, PLATFORM_COOKIE, TENANT_COOKIE};
use super::failure::Failure;
use super::input::{Input, client_ip, is_handed_on};
use super::route::{Access, BodyLimit, Route, Surface};
use super::{cors, headers};
use crate::app::App;
use crate::authz::{Browser, RequestContext};
use crate::kernel::id::TenantId;
use crate::kernel::{ErrorKind, limits};

/// A body has to be there after this long, so that a slow client cannot hold a connection.
const BODY_TIME: Duration = Duration::from_secs(60);

/// Room made at once for a body that says its length; a larger one grows as it comes.
const EXPECTED_MOST: usize = 512 * 1024;

pub async fn serve(
    app: Arc<App>,
    route: &'static Route,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let start = app.runtime.clock.monotonic();
    let browser = route.is_open().then(|| browser(route.surface, &request)).flatten();
    let context = RequestContext { browser, ..context(&app, &request) };
    let rate = Rc::new(Cell::new(None));
    // Held until the answer is made: what a body is parsed into is larger than the body.
    let mut room = None;
    let stream = Rc::new(Cell::new(None));
    let renewed = Rc::new(RefCell::new(None));
    let body = if route.upgrades {
        stream.set(Some(payload));
        Ok(Bytes::new())
    } else {
        read_body(&app, route, &request, &context, payload, &mut room).await
    };
    let result = match body {
        Ok(_) if app.is_recovering() && (is_tenants(route) || is_handed_on(&request)) => {
            Err(recovering())
        }
        Ok(body) => {
            let (request, context, rate) = (request.clone(), context.clone(), rate.clone());
            let renewed = renewed.clone();
            route
                .run(app.clone(), Input { request, body, context, route, rate, stream, renewed })
                .await
        }
        Err(failure) => Err(failure),
    };
    let mut response = match result {
        Ok(response) => response,
        Err(failure) => render(&app, route.surface, route, &request, &context, failure).await,
    };
    drop(room);
    if let Some((name, value)) = renewed.take() {
        crate::web::renew_cookie(&mut response, name, value);
    }
    headers::add(response.headers_mut(), route.surface, context.id, rate.get());
    if cors::is_shared(route) {
        cors::add(response.headers_mut(), &app.settings, &request);
    }
    let tenant = request.match_info().get("tenant").and_then(|name| app.tenants.tenant(name));
    let asked = Asked {
        label: route.label(),
        path: route.path,
        method: route.method.name(),
        tenant: tenant.map(|tenant| tenant.id),
    };
    account(&app, &asked, &context, &response, start);
    response
}

/// What only people and applications of a tenant ask.
fn is_tenants(route: &Route) -> bool {
    route.surface.is_for_applications() || route.path.starts_with("/t/")
}

fn recovering() -> Failure {
    let detail = "this server is in recovery mode: only platform administrators get in, on the \
                  machine itself, until it is started in the usual way";
    Failure::new(ErrorKind::Unavailable, "recovery-mode", detail)
}

/// What no route of this path takes: a browser's question whether it may send something, or a
/// mistake.
pub async fn other_method(
    app: Arc<App>,
    path: &'static str,
    request: HttpRequest,
    failure: Failure,
) -> HttpResponse {
    let Some(mut answer) = cors::preflight(&app.settings, &request, path) else {
        return nothing(app, request, failure).await;
    };
    let start = app.runtime.clock.monotonic();
    let context = context(&app, &request);
    headers::add(answer.headers_mut(), Surface::Api, context.id, None);
    cors::add(answer.headers_mut(), &app.settings, &request);
    let asked = Asked { label: "OPTIONS", path, method: "OPTIONS", tenant: None };
    account(&app, &asked, &context, &answer, start);
    answer
}

/// Where nothing is declared.
pub async fn nothing(app: Arc<App>, request: HttpRequest, failure: Failure) -> HttpResponse {
    let start = app.runtime.clock.monotonic();
    let context = context(&app, &request);
    let path = request.path();
    let api = path.starts_with("/api/") || path.starts_with("/.well-known/");
    let surface = match api {
        true => Surface::Api,
        false if path.starts_with("/scim/") => Surface::Scim,
        false => Surface::Console,
    };
    let mut response = match surface {
        Surface::Api => crate::api::problem::render(&failure, &context),
        Surface::Scim => crate::api::scim::error(&failure),
        _ => crate::web::error::render(&app, &request, &context, failure).await,
    };
    headers::add(response.headers_mut(), surface, context.id, None);
    account(&app, &NOWHERE, &context, &response, start);
    response
}

fn context(app: &App, request: &HttpRequest) -> RequestContext {
    let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
    RequestContext {
        id: app.runtime.id(),
        ip: client_ip(request, &app.settings.server.trusted_proxies),
        user_agent: agent.map(|agent| agent.chars().take(512).collect()),
        browser: None,
    }
}

/// What a browser has kept from earlier sign-ins. Only for requests that may be a new one.
fn browser(surface: Surface, request: &HttpRequest) -> Option<Arc<Browser>> {
    let session = match surface {
        Surface::Console => TENANT_COOKIE,
        Surface::Platform => PLATFORM_COOKIE,
        Surface::Api | Surface::Scim | Surface::Operations => return None,
    };
    let cookie = |name| request.cookie(name).map(|cookie| cookie.value().to_owned().into());
    let (device, session) = (cookie(DEVICE_COOKIE), cookie(session));
    (device.is_some() || session.is_some()).then(|| Arc::new(Browser { device, session }))
}

async fn render(
    app: &App,
    surface: Surface,
    route: &Route,
    request: &HttpRequest,
    context: &RequestContext,
    failure: Failure,
) -> HttpResponse {
    match surface {
        Surface::Api | Surface::Operations => crate::api::problem::render(&failure, context),
        Surface::Scim => crate::api::scim::error(&failure),
        Surface::Console | Surface::Platform => {
            let signed_out = failure.kind == ErrorKind::Unauthenticated;
            if signed_out && matches!(route.access, Access::Permission(_)) {
                return crate::web::error::to_sign_in(request, surface);
            }
            crate::web::error::render(app, request, context, failure).await
        }
    }
}

async fn read_body(
    app: &App,
    route: &Route,
    request: &HttpRequest,
    context: &RequestContext,
    mut payload: Payload,
    room: &mut Option<OwnedSemaphorePermit>,
) -> Result<Bytes, Failure> {
    let limit = match route.body {
        BodyLimit::Bytes(bytes) => bytes,
        BodyLimit::Setting => app.limiter.body_bytes(),
    };
    let declared = request.headers().get("content-length").and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let chunked = request.headers().contains_key("transfer-encoding");
    let large = chunked || declared.is_some_and(|length| length > limits::BODY_SMALL_BYTES as u64);
    if large && route.surface.is_for_applications() && !route.is_open() {
        super::call::may_send(app, route, request, context).await?;
    }
    let expected = usize::try_from(declared.unwrap_or(0)).unwrap_or(0).min(EXPECTED_MOST);
    let read = async {
        let mut body = BytesMut::with_capacity(expected);
        while let Some(chunk) = futures_util::StreamExt::next(&mut payload).await {
            let broken = |_| Failure::new(ErrorKind::Invalid, "malformed", "the body broke off");
            body.extend_from_slice(&chunk.map_err(broken)?);
            if body.len() > limit {
                return Err(too_large(limit));
            }
            reserve(app, body.len(), room)?;
        }
        Ok(body.freeze())
    };
    let slow = || Failure::new(ErrorKind::Invalid, "malformed", "the body did not arrive in 60 s");
    tokio::time::timeout(BODY_TIME, read).await.map_err(|_| slow())?
}

/// Room for a large body, as far as it has arrived: somebody who sends slowly holds no more than
/// what they sent.
fn reserve(
    app: &App,
    bytes: usize,
    room: &mut Option<OwnedSemaphorePermit>,
) -> Result<(), Failure> {
    let kib = bytes.saturating_sub(limits::BODY_SMALL_BYTES).div_ceil(1024);
    let more = kib.saturating_sub(room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
    if more == 0 {
        return Ok(());
    }
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    let Ok(permit) = app.bodies.clone().try_acquire_many_owned(more) else {
        let detail = "too many large bodies are being read: send it again shortly";
        return Err(Failure::new(ErrorKind::Unavailable, "busy", detail));
    };
    match room {
        Some(room) => room.merge(permit),
        None => *room = Some(permit),
    }
    Ok(())
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("the body is larger than {limit} bytes: send less at a time");
    Failure::new(ErrorKind::TooLarge, "body-too-large", detail)
}

/// What was asked for, as the route table has it: an address as it was typed may hold anything.
struct Asked {
    /// Method and path.
    label: &'static str,
    path: &'static str,
    method: &'static str,
    /// One that there is.
    tenant: Option<TenantId>,
}

/// An address, or a method, that no route has.
const NOWHERE: Asked =
    Asked { label: "(no route)", path: "(no route)", method: "any", tenant: None };

/// Log and metrics: one line a request, without personal data; the audit log has that.
fn account(
    app: &App,
    asked: &Asked,
    context: &RequestContext,
    response: &HttpResponse,
    start: Duration,
) {
    let now = app.runtime.clock.monotonic();
    let (took, status) = (now.saturating_sub(start), response.status().as_u16());
    tracing::info!(
        request_id = %context.id,
        tenant = asked.tenant.map(tracing::field::display),
        route = asked.path,
        method = asked.method,
        status,
        latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    crate::ops::metrics::observe(asked.path, asked.method, status, took);
    app.performance.record(asked.label, status, took, now);
}
