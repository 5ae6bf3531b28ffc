//! What came in with a request.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};
use serde::de::DeserializeOwned;

use super::call::{PLATFORM_COOKIE, TENANT_COOKIE};
use super::failure::Failure;
use super::limits::RateState;
use super::route::{Route, Surface};
use crate::authn::{self, Confirmed};
use crate::authz::RequestContext;
use crate::kernel::ErrorKind;
use crate::tenants::{DoorError, IdempotencyKey};

#[derive(Clone)]
pub struct Input {
    pub request: HttpRequest,
    pub body: Bytes,
    pub context: RequestContext,
    pub route: &'static Route,
    /// For the `RateLimit` headers of the answer.
    pub rate: Rc<Cell<Option<RateState>>>,
    /// What the client goes on to send, on a route that becomes a WebSocket; taken once.
    pub stream: Rc<Cell<Option<Payload>>>,
    /// The session's cookie as it is from now on, once its person has proven again who they are.
    pub renewed: Rc<RefCell<Option<(&'static str, String)>>>,
}

/// What proxies add, whether or not `server.trusted_proxies` knows of them. Who forges it takes
/// something away from themselves.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Whether a proxy hands it on for somebody elsewhere, as far as it says so.
pub fn is_handed_on(request: &HttpRequest) -> bool {
    OF_PROXIES.iter().any(|name| request.headers().contains_key(*name))
}

impl Input {
    /// A part of the path, decoded; empty when the route has no such part.
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A part of the path that is an id; what is not one is simply not there.
    pub fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.path(name).parse().map_err(|_| Failure::not_found())
    }

    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_urlencoded::from_str(self.request.query_string())
            .map_err(|error| invalid("query-invalid", format!("in the query: {error}")))
    }

    /// # Errors
    /// 400 for what is not JSON, 422 for JSON of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                invalid("body-invalid", format!("the body does not fit: {error}"))
            }
            _ => invalid("malformed", format!("the body is not JSON: {error}")),
        })
    }

    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_urlencoded::from_bytes(&self.body)
            .map_err(|error| invalid("form-invalid", format!("the form does not fit: {error}")))
    }

    /// One field of a form, without asking for the others.
    pub fn form_field(&self, name: &str) -> Option<String> {
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&self.body).ok()?;
        fields.into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// Whether a proxy hands it on for somebody elsewhere, as far as it says so.
    pub fn is_handed_on(&self) -> bool {
        is_handed_on(&self.request)
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        if let Some((renewed, value)) = &*self.renewed.borrow()
            && *renewed == name
        {
            return Some(value.clone());
        }
        self.request.cookie(name).map(|cookie| cookie.value().to_owned())
    }

    /// Puts a session's new token into its cookie; what forms are bound to stays.
    pub fn renew_session(&self, confirmed: &Confirmed) {
        let name = match self.route.surface {
            Surface::Platform => PLATFORM_COOKIE,
            _ => TENANT_COOKIE,
        };
        if let (Some(token), Some(former)) = (&confirmed.token, self.cookie(name)) {
            let cookie = format!("{}.{}", **token, authn::form_binding(&former));
            *self.renewed.borrow_mut() = Some((name, cookie));
        }
    }

    /// The `Idempotency-Key` header, bound to this route, path and body.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, DoorError> {
        let Some(value) = self.request.headers().get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().map_err(|_| DoorError::IdempotencyKey)?;
        let request = [self.request.path().as_bytes(), b"\0", &self.body].concat();
        IdempotencyKey::new(self.route.path, key, crate::crypto::mac::sha256(&request)).map(Some)
    }
}

fn invalid(code: &'static str, detail: String) -> Failure {
    Failure::new(ErrorKind::Invalid, code, detail)
}

/// The address of whoever asks. `X-Forwarded-For` is believed from trusted proxies alone: the
/// rightmost address in it that is not such a proxy.
pub fn client_ip(request: &HttpRequest, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all(header::HeaderName::from_static("x-forwarded-for"));
    let addresses: Vec<_> =
        forwarded.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
    let mut client = peer;
    for address in addresses.into_iter().rev() {
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !trusted.contains(&client) {
            break;
        }
    }
    Some(client)
}
