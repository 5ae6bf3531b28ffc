//! Links that come by mail: one to sign in with, one to choose a new password with; of a tenant and
//! of the platform. What is answered is the same for every address, known or not.

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::sign_in::admitted;
use crate::audit::catalogue;
use crate::authn::{self, Ask, AskFor, AuthnError, Opened};
use crate::authz::Realm;
use crate::http::call::{OpenCall, PLATFORM_COOKIE, TENANT_COOKIE};
use crate::http::csrf;
use crate::http::failure::Failure;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::tenants::Tenant;
use crate::users;
use crate::web::problems::{self, PASSWORD_MIN};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::links::{AskPage, OpenLinkPage, SaidPage, Way};
use crate::web::view::platform::ChoosePasswordPage;
use crate::web::view::query::{encode, href};
use crate::web::{frame, respond};

/// Marks the browser that asked for a link to sign in with.
const LINK_COOKIE: &str = "__Host-strongroom-link";
const WHY: &str = "somebody who cannot sign in otherwise";
const WHY_LINK: &str = "the one-time link is the credential";

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskKind {
    SignIn,
    NewPassword,
}

impl AskKind {
    pub const fn title(self) -> &'static str {
        match self {
            Self::SignIn => "link-ask-title",
            Self::NewPassword => "reset-ask-title",
        }
    }

    pub const fn lead(self) -> &'static str {
        match self {
            Self::SignIn => "link-ask-lead",
            Self::NewPassword => "reset-ask-lead",
        }
    }
}

pub fn routes() -> Vec<Route> {
    let tenant = of_realm(Surface::Console, TENANT);
    tenant.into_iter().chain(of_realm(Surface::Platform, PLATFORM)).collect()
}

/// The paths of one realm: ask and open, use, ask for a new password, choose it.
type Paths = [&'static str; 4];
const TENANT: Paths = [
    "/t/{tenant}/login/link",
    "/t/{tenant}/login/link/open",
    "/t/{tenant}/login/reset",
    "/t/{tenant}/login/reset/choose",
];
const PLATFORM: Paths = [
    "/platform/login/link",
    "/platform/login/link/open",
    "/platform/login/reset",
    "/platform/login/reset/choose",
];

fn of_realm(surface: Surface, [link, open, reset, choose_path]: Paths) -> [Route; 7] {
    let quiet = Audit::Nothing("a page; nothing is used up by opening it");
    let asked = Audit::Events(&[catalogue::SIGN_IN_LINK_REQUESTED]);
    let forgot = Audit::Events(&[catalogue::PASSWORD_RESET_REQUESTED]);
    let opened = Audit::Events(&[catalogue::LOGIN_SUCCEEDED, catalogue::LOGIN_PENDING]);
    let changed = Audit::Events(&[catalogue::PASSWORD_CHANGED]);
    let (get, post) = (Method::Get, Method::Post);
    [
        Route::open(get, link, surface, WHY, quiet, show_link)
            .says("Ask for a link to sign in with, or open it"),
        Route::open(post, link, surface, WHY, asked, ask_for_link)
            .says("Send a link to sign in with")
            .rate(RateClass::Mail),
        Route::open(post, open, surface, WHY_LINK, opened, use_link)
            .says("Sign in with a link")
            .rate(RateClass::Mail),
        Route::open(get, reset, surface, WHY, quiet, show_reset)
            .says("Ask for a link to choose a new password"),
        Route::open(post, reset, surface, WHY, forgot, ask_for_reset)
            .says("Send a link to choose a new password")
            .rate(RateClass::Mail),
        Route::open(get, choose_path, surface, WHY_LINK, quiet, show_choose)
            .says("Choose a new password behind a link"),
        Route::open(post, choose_path, surface, WHY_LINK, changed, choose)
            .says("Set the new password")
            .rate(RateClass::Mail),
    ]
}

/// Where a page without a session stands. A tenant that is not there, or that lets nobody in, is
/// none, and answers as the others do.
pub(super) struct Here {
    pub realm: Option<Realm>,
    pub tenant: Option<Tenant>,
    /// `/platform` or `/t/{slug}`.
    pub base: String,
}

impl Here {
    pub fn of(call: &OpenCall) -> Self {
        if call.input.route.surface == Surface::Platform {
            let (realm, base) = (Some(Realm::Platform), "/platform".to_owned());
            return Self { realm, tenant: None, base };
        }
        let slug = call.input.path("tenant");
        let tenant = call.app.tenants.tenant(slug).filter(|tenant| tenant.state.admits());
        let realm = tenant.as_ref().map(|tenant| Realm::Tenant(tenant.id));
        Self { realm, tenant, base: format!("/t/{}", encode(slug)) }
    }

    pub fn sign_in(&self) -> Way {
        Way { href: format!("{}/login", self.base), words: "way-sign-in" }
    }

    /// The ways into this realm, beside a password, that would work.
    pub async fn ways(&self, call: &OpenCall) -> Result<authn::Way, Failure> {
        let mails = call.app.mailer.is_configured();
        match self.realm {
            Some(realm) => Ok(authn::Way::now(&call.app.tenants, realm, mails).await?),
            None => Ok(authn::Way::of(&authn::SignInPolicy::default(), mails)),
        }
    }
}

/// A page that says one thing.
pub(super) fn said(
    call: &OpenCall,
    status: StatusCode,
    title: &'static str,
    text: &'static str,
    way: Way,
) -> Answer {
    let make = |chrome| SaidPage { chrome, title, text, way };
    frame::open_page(call, title, make, |page| respond::page_with(status, page))
}

#[derive(Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    pub token: String,
}

async fn show_link(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    if token.is_empty() {
        return show_ask(&call, AskKind::SignIn, Field::default()).await;
    }
    let here = Here::of(&call);
    let browser = call.input.cookie(LINK_COOKIE);
    let opened = match here.realm {
        Some(realm) => {
            let tenants = &call.app.tenants;
            authn::look_at_sign_in_link(tenants, realm, &token, browser.as_deref()).await?
        }
        None => Opened::Over,
    };
    if opened != Opened::Fine {
        return useless(&call, &here, opened);
    }
    let action = href(&format!("{}/login/link/open", here.base), &[("token", &token)]);
    let (title, text, submit) = ("link-open-title", "link-open-text", "sign-in");
    let make = |chrome| OpenLinkPage { chrome, title, text, submit, about: None, action };
    frame::open_page(&call, title, make, respond::page)
}

fn useless(call: &OpenCall, here: &Here, opened: Opened) -> Answer {
    let (status, title, text) = match opened {
        Opened::Elsewhere => (StatusCode::FORBIDDEN, "link-elsewhere-title", "link-elsewhere-text"),
        Opened::Nobody => (StatusCode::NOT_FOUND, "link-nobody-title", "link-nobody-text"),
        Opened::Fine | Opened::Over => (StatusCode::NOT_FOUND, "link-over-title", "link-over-text"),
    };
    said(call, status, title, text, here.sign_in())
}

async fn show_reset(call: OpenCall) -> Answer {
    show_ask(&call, AskKind::NewPassword, Field::default()).await
}

async fn show_ask(call: &OpenCall, kind: AskKind, email: Field) -> Answer {
    let here = Here::of(call);
    let ways = here.ways(call).await?;
    let offered = if kind == AskKind::SignIn { ways.link } else { ways.reset };
    if !offered {
        return said(
            call,
            StatusCode::NOT_FOUND,
            "link-off-title",
            "link-off-text",
            here.sign_in(),
        );
    }
    let wrong = email.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (action, back) = (call.input.request.path().to_owned(), here.sign_in().href);
    let make = |chrome| AskPage { chrome, kind, action, email, back };
    frame::open_page(call, kind.title(), make, |page| respond::page_with(status, page))
}

async fn ask_for_link(call: OpenCall) -> Answer {
    ask(call, AskKind::SignIn).await
}

async fn ask_for_reset(call: OpenCall) -> Answer {
    ask(call, AskKind::NewPassword).await
}

#[derive(Deserialize)]
struct AskForm {
    email: String,
}

async fn ask(call: OpenCall, kind: AskKind) -> Answer {
    let AskForm { email } = call.input.form()?;
    if users::check_email(email.trim()).is_err() {
        return show_ask(&call, kind, Field::wrong(email, FieldError::Email)).await;
    }
    let (here, request) = (Here::of(&call), call.input.context.clone());
    let browser = csrf::new_cookie(&call.app);
    let cookie = respond::cookie(LINK_COOKIE, browser.clone());
    let tenants = &call.app.tenants;
    match here.realm.filter(|_| call.app.mailer.is_configured()) {
        Some(realm) => {
            let what = match kind {
                AskKind::SignIn => AskFor::SignIn,
                AskKind::NewPassword => AskFor::NewPassword,
            };
            let (ask, app) = (Ask { what, email, browser, request }, call.app.clone());
            let base = here.base.clone();
            in_the_background(async move {
                Ok(authn::ask_for_link(&app.tenants, realm, &base, ask).await?)
            });
        }
        // Whether a tenant exists must not show.
        None => tenants.record_bad_credential(&request, call.input.route.label()).await,
    }
    let (title, text) = match kind {
        AskKind::SignIn => ("link-sent-title", "link-sent-text"),
        AskKind::NewPassword => ("link-sent-title", "reset-sent-text"),
    };
    let answer = said(&call, StatusCode::OK, title, text, here.sign_in())?;
    match kind {
        AskKind::SignIn => respond::with_cookie(answer, &cookie),
        AskKind::NewPassword => Ok(answer),
    }
}

/// Nobody waits for what is done about an address, so that its time tells nothing: the key of
/// somebody who is known takes a moment to open. Writers' queues bound how much of it there is.
pub(super) fn in_the_background(work: impl Future<Output = Result<(), Failure>> + 'static) {
    actix_web::rt::spawn(async move {
        if let Err(failure) = work.await {
            tracing::warn!(reason = %failure.detail, "a link that somebody asked for was not sent");
        }
    });
}

async fn use_link(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let (here, browser) = (Here::of(&call), call.input.cookie(LINK_COOKIE));
    let Some(realm) = here.realm else { return useless(&call, &here, Opened::Over) };
    let (tenants, request) = (&call.app.tenants, call.input.context.clone());
    let cookie = if realm == Realm::Platform { PLATFORM_COOKIE } else { TENANT_COOKIE };
    match authn::sign_in_by_link(tenants, realm, &token, browser.as_deref(), request.clone()).await
    {
        Ok(admission) => {
            respond::without_cookie(admitted(admission, &here.base, cookie)?, LINK_COOKIE)
        }
        Err(
            AuthnError::Link
            | AuthnError::WrongPassword
            | AuthnError::Suspended
            | AuthnError::SingleSignOn,
        ) => {
            tenants.record_bad_credential(&request, call.input.route.label()).await;
            useless(&call, &here, Opened::Over)
        }
        Err(error) => Err(error.into()),
    }
}

async fn show_choose(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let opened = match here.realm {
        Some(realm) => authn::look_at_reset_link(&call.app.tenants, realm, &token).await?,
        None => Opened::Over,
    };
    match opened {
        Opened::Fine => choose_form(&call, &token, Field::default(), Field::default()),
        other => useless(&call, &here, other),
    }
}

fn choose_form(call: &OpenCall, token: &str, password: Field, password_again: Field) -> Answer {
    let wrong = password.error.is_some() || password_again.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let action = href(call.input.request.path(), &[("token", token)]);
    let password_min = PASSWORD_MIN;
    let make =
        |chrome| ChoosePasswordPage { chrome, action, password, password_again, password_min };
    frame::open_page(call, "choose-password-title", make, |page| respond::page_with(status, page))
}

#[derive(Deserialize)]
struct ChooseForm {
    password: SecretString,
    password_again: SecretString,
}

async fn choose(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let ChooseForm { password, password_again } = call.input.form()?;
    if password.expose_secret() != password_again.expose_secret() {
        let again = Field::wrong(String::new(), FieldError::PasswordsDiffer);
        return choose_form(&call, &token, Field::default(), again);
    }
    let here = Here::of(&call);
    let Some(realm) = here.realm else { return useless(&call, &here, Opened::Over) };
    let (app, request) = (&call.app, call.input.context.clone());
    let set =
        authn::reset_password(&app.tenants, &app.hasher, realm, &token, password, request).await;
    match set {
        Ok(()) => {
            let login = format!("{}/login?notice=password-changed", here.base);
            Ok(respond::see_other(&login))
        }
        Err(AuthnError::Password(error)) => {
            let error = Field::wrong(String::new(), problems::password(error));
            choose_form(&call, &token, error, Field::default())
        }
        Err(AuthnError::Link) => useless(&call, &here, Opened::Over),
        Err(error) => Err(error.into()),
    }
}
