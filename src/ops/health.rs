//! Probes and public documents.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use serde_json::json;

use crate::config::ContactUrl;
use crate::http::call::OpenCall;
use crate::http::failure::Failure;
use crate::http::route::Answer;
use crate::kernel::ErrorKind;

pub type Reply = Pin<Box<dyn Future<Output = Answer>>>;

pub fn healthz(_: OpenCall) -> Reply {
    Box::pin(async {
        Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n"))
    })
}

pub fn readyz(call: OpenCall) -> Reply {
    Box::pin(async move {
        crate::admins::any(&call.app.tenants).await?;
        Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
    })
}

pub fn status(call: OpenCall) -> Reply {
    Box::pin(async move {
        let uptime = call.app.runtime.now().since(call.app.started).as_secs();
        Ok(HttpResponse::Ok().json(json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "build": crate::BUILD,
            "uptimeSeconds": uptime,
            "startedAt": call.app.started,
            "readOnly": call.app.tenants.read_only().is_some(),
            "recovery": call.app.is_recovering(),
        })))
    })
}

pub fn metrics(call: OpenCall) -> Reply {
    Box::pin(async move {
        if !may_measure(&call) {
            let detail = "metrics are answered on this machine only, or to who has the token of \
                          server.metrics_token_file";
            return Err(Failure::new(ErrorKind::Denied, "forbidden", detail));
        }
        let body = super::metrics::render() + &super::gauges::render(&call.app);
        Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(body))
    })
}

/// By the token, or from this machine. What a proxy here hands on is from elsewhere, whether or not
/// `server.trusted_proxies` knows of it.
fn may_measure(call: &OpenCall) -> bool {
    if let Some(header) = call.input.header("authorization") {
        let bearer = header.split_once(' ');
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return bearer.is_some_and(|(_, token)| super::metrics::is_token(token.trim()));
    }
    !call.input.is_handed_on() && call.input.context.ip.is_some_and(|ip| ip.is_loopback())
}

pub fn security_txt(call: OpenCall) -> Reply {
    Box::pin(async move {
        let expires = call.app.runtime.now().plus(Duration::from_secs(180 * 86_400));
        let base = call.app.base_url();
        let settings = &call.app.settings.server;
        let own = format!("{base}/");
        let contact = settings.security_contact.as_ref().map_or(own.as_str(), ContactUrl::as_str);
        let policy = settings.security_policy.as_ref();
        let ours = format!("{base}/security");
        let policy = policy.map_or(ours.as_str(), |policy| policy.as_str());
        let body = format!(
            "Contact: {contact}\nPolicy: {policy}\nExpires: {expires}\nPreferred-Languages: en\n\
             Canonical: {base}/.well-known/security.txt\n"
        );
        Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body))
    })
}

pub fn openapi(_: OpenCall) -> Reply {
    Box::pin(async { Ok(HttpResponse::Ok().json(crate::api::openapi::document())) })
}
