//! What a route is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::HttpResponse;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::call::{Call, OpenCall, PlatformCall};
use super::csrf;
use super::failure::Failure;
use super::input::Input;
use super::limits::RateClass;
use super::step_up;
use crate::app::App;
use crate::audit::catalogue::Action;
use crate::authz::{Flag, Permission};
use crate::kernel::limits;

pub type Answer = Result<HttpResponse, Failure>;
type Handler = Arc<dyn Fn(Arc<App>, Input) -> Pin<Box<dyn Future<Output = Answer>>> + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who is at the other end, and with that how they prove it and how failures look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Applications: API keys, problem details.
    Api,
    /// Identity providers that keep members (SCIM): API keys, errors of RFC 7644. The key says which
    /// tenant.
    Scim,
    /// People in a tenant's console: sessions, pages.
    Console,
    /// Platform administrators: sessions of their own, pages.
    Platform,
    /// Probes and documents.
    Operations,
}

impl Surface {
    /// Whether applications come with an API key or an access token.
    pub const fn is_for_applications(self) -> bool {
        matches!(self, Self::Api | Self::Scim)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Permission(Flag),
    /// Open to anybody, for this reason.
    Open(&'static str),
}

/// What the log says afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    Events(&'static [Action]),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// `limits.body_bytes`
    Setting,
    Bytes(usize),
}

pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub surface: Surface,
    pub access: Access,
    pub audit: Audit,
    pub rate: RateClass,
    pub body: BodyLimit,
    /// The connection becomes a WebSocket (RFC 6455); no body is read.
    pub upgrades: bool,
    /// One line for the API's documentation and the permission page.
    pub summary: &'static str,
    pub request: Option<SchemaOf>,
    /// Status and schema of the answer.
    pub answer: (u16, Option<SchemaOf>),
    /// Query parameters: name and what it means.
    pub parameters: &'static [(&'static str, &'static str)],
    /// A person has to have proven a factor a short while ago; see [`super::step_up`].
    pub sensitive: bool,
    /// Forms come from an identity provider's pages, or from nobody's; see [`Route::from_elsewhere`].
    pub from_elsewhere: bool,
    label: String,
    handler: Handler,
}

impl Route {
    /// A route of the REST API; the handler's argument says which permission it takes.
    pub fn api<P, F, Fut>(method: Method, path: &'static str, audit: Audit, handler: F) -> Self
    where
        P: Permission,
        F: Fn(Call<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let handler: Handler = Arc::new(move |app, input| {
            let handler = handler.clone();
            Box::pin(async move {
                let call = Call::by_bearer(app, input).await?;
                step_up::api(&call)?;
                handler(call).await
            })
        });
        let access = Access::Permission(P::FLAG);
        Self::new(method, path, Surface::Api, access, audit, RateClass::Api, handler)
    }

    /// A route of provisioning (SCIM). There are no people to ask for a fresh factor.
    pub fn scim<P, F, Fut>(method: Method, path: &'static str, audit: Audit, handler: F) -> Self
    where
        P: Permission,
        F: Fn(Call<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let handler: Handler = Arc::new(move |app, input| {
            let handler = handler.clone();
            Box::pin(async move { handler(Call::by_bearer_of_tenant(app, input).await?).await })
        });
        let access = Access::Permission(P::FLAG);
        Self::new(method, path, Surface::Scim, access, audit, RateClass::Api, handler)
    }

    /// A page or form of a tenant's console.
    pub fn console<P, F, Fut>(method: Method, path: &'static str, audit: Audit, handler: F) -> Self
    where
        P: Permission,
        F: Fn(Call<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let handler: Handler = Arc::new(move |app, input| {
            let handler = handler.clone();
            Box::pin(async move {
                check_form(&app, &input)?;
                match step_up::console(Call::by_session(app, input).await?).await? {
                    Ok(call) => handler(call).await,
                    Err(asking) => Ok(asking),
                }
            })
        });
        let access = Access::Permission(P::FLAG);
        Self::new(method, path, Surface::Console, access, audit, RateClass::Console, handler)
    }

    /// A page or form of the platform console.
    pub fn platform<P, F, Fut>(method: Method, path: &'static str, audit: Audit, handler: F) -> Self
    where
        P: Permission,
        F: Fn(PlatformCall<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let handler: Handler = Arc::new(move |app, input| {
            let handler = handler.clone();
            Box::pin(async move {
                check_form(&app, &input)?;
                match step_up::platform(PlatformCall::by_session(app, input).await?).await? {
                    Ok(call) => handler(call).await,
                    Err(asking) => Ok(asking),
                }
            })
        });
        let access = Access::Permission(P::FLAG);
        Self::new(method, path, Surface::Platform, access, audit, RateClass::Console, handler)
    }

    /// A route that anybody may use, and why.
    pub fn open<F, Fut>(
        method: Method,
        path: &'static str,
        surface: Surface,
        why: &'static str,
        audit: Audit,
        handler: F,
    ) -> Self
    where
        F: Fn(OpenCall) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let rate = match surface {
            Surface::Operations => RateClass::Unlimited,
            _ => RateClass::Console,
        };
        let handler: Handler = Arc::new(move |app, input| {
            let handler = handler.clone();
            Box::pin(async move {
                let of_ours = matches!(input.route.surface, Surface::Console | Surface::Platform);
                if of_ours && !input.route.from_elsewhere {
                    check_form(&app, &input)?;
                }
                super::call::throttle(&app, &input).await?;
                handler(OpenCall { app, input }).await
            })
        });
        Self::new(method, path, surface, Access::Open(why), audit, rate, handler)
    }

    fn new(
        method: Method,
        path: &'static str,
        surface: Surface,
        access: Access,
        audit: Audit,
        rate: RateClass,
        handler: Handler,
    ) -> Self {
        let body = match surface {
            Surface::Api => BodyLimit::Setting,
            Surface::Scim => BodyLimit::Bytes(limits::SCIM_BODY_BYTES),
            _ => BodyLimit::Bytes(limits::FORM_BYTES),
        };
        Self {
            method,
            path,
            surface,
            access,
            audit,
            rate,
            body,
            upgrades: false,
            summary: "",
            request: None,
            answer: (200, None),
            parameters: &[],
            sensitive: false,
            from_elsewhere: false,
            label: format!("{} {path}", method.name()),
            handler,
        }
    }

    #[must_use]
    pub fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    #[must_use]
    pub fn rate(mut self, rate: RateClass) -> Self {
        self.rate = rate;
        self
    }

    #[must_use]
    pub fn body(mut self, body: BodyLimit) -> Self {
        self.body = body;
        self
    }

    /// The handler turns the connection into a WebSocket; see [`super::socket`].
    #[must_use]
    pub fn upgrades(mut self) -> Self {
        self.upgrades = true;
        self
    }

    #[must_use]
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.request = Some(|generator| generator.subschema_for::<T>());
        self
    }

    #[must_use]
    pub fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answer = (status, Some(|generator| generator.subschema_for::<T>()));
        self
    }

    /// A status without a body.
    #[must_use]
    pub fn gives_nothing(mut self) -> Self {
        self.answer = (204, None);
        self
    }

    #[must_use]
    pub fn parameters(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Asks the person for a fresh factor. An act that asks for one itself does not need it.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// For messages of identity providers, which bring a signature or a secret of their own instead of
    /// a form's token: the handler checks it.
    #[must_use]
    pub fn from_elsewhere(mut self) -> Self {
        self.from_elsewhere = true;
        self
    }

    pub fn is_open(&self) -> bool {
        matches!(self.access, Access::Open(_))
    }

    /// `GET /api/v1/…` as logs and denials name it.
    pub fn label(&self) -> &str {
        &self.label
    }

    pub async fn run(&self, app: Arc<App>, input: Input) -> Answer {
        (self.handler)(app, input).await
    }
}

fn check_form(app: &App, input: &Input) -> Result<(), Failure> {
    if input.route.method == Method::Get { Ok(()) } else { csrf::check(app, input) }
}
