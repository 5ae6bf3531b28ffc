//! The second half of a sign-in: a code, or setting up the app that makes codes. The ticket's
//! cookie is the credential.

use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::sign_in::admitted;
use super::{passkeys, with_notice};
use crate::audit::catalogue;
use crate::authn::{self, AppSecret, AuthnError, SecondFactor, SignedIn, Ticket, Wanted};
use crate::authz::Realm;
use crate::http::call::{OpenCall, PLATFORM_COOKIE, TENANT_COOKIE, TICKET_COOKIE};
use crate::http::csrf;
use crate::http::failure::Failure;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::kernel::ErrorKind;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::second_factor::{
    AppView, EnrolPage, Qr, RecoveryCodesPage, SecondFactorPage,
};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const WHY: &str = "the ticket of the sign-in under way is the credential";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("a form; what it leads to is recorded");
    let code = Audit::Events(&[
        catalogue::LOGIN_SUCCEEDED,
        catalogue::SESSION_CREATED,
        catalogue::TWO_FACTOR_FAILED,
        catalogue::RECOVERY_CODE_USED,
    ]);
    let enrolled = Audit::Events(&[
        catalogue::TWO_FACTOR_ENABLED,
        catalogue::RECOVERY_CODES_CREATED,
        catalogue::LOGIN_SUCCEEDED,
        catalogue::SESSION_CREATED,
        catalogue::TWO_FACTOR_FAILED,
    ]);
    const ASK: &str = "Ask for the second factor of a sign-in";
    const TAKE: &str = "Go on with a sign-in by a code";
    const SHOW: &str = "Show a new authenticator app its secret";
    const ENROL: &str = "End a sign-in with the first code of a new app";
    let pages = [
        ("/t/{tenant}/login/second-factor", "/t/{tenant}/login/enrol", Surface::Console),
        ("/platform/login/second-factor", "/platform/login/enrol", Surface::Platform),
    ];
    let both = pages.into_iter().flat_map(|(second, enrolment, surface)| {
        [
            Route::open(Method::Get, second, surface, WHY, quiet, ask).says(ASK),
            Route::open(Method::Post, second, surface, WHY, code, take)
                .says(TAKE)
                .rate(RateClass::SecondFactor),
            Route::open(Method::Get, enrolment, surface, WHY, quiet, show_app).says(SHOW),
            Route::open(Method::Post, enrolment, surface, WHY, enrolled, enrol)
                .says(ENROL)
                .rate(RateClass::SecondFactor),
        ]
    });
    both.collect()
}

/// Where a sign-in takes place.
pub(super) struct Place {
    pub realm: Realm,
    /// `/platform` or `/t/{slug}`.
    pub base: String,
    pub cookie: &'static str,
}

impl Place {
    /// None for an organisation that there is not: nobody has a ticket for that.
    pub fn of(call: &OpenCall) -> Option<Self> {
        if call.input.route.surface == Surface::Platform {
            let base = "/platform".to_owned();
            return Some(Self { realm: Realm::Platform, base, cookie: PLATFORM_COOKIE });
        }
        let tenant = call.app.tenants.tenant(call.input.path("tenant"))?;
        let base = format!("/t/{}", tenant.slug);
        Some(Self { realm: Realm::Tenant(tenant.id), base, cookie: TENANT_COOKIE })
    }

    fn sign_in(&self) -> String {
        format!("{}/login", self.base)
    }

    fn page(&self, wanted: Wanted) -> String {
        let page = match wanted {
            Wanted::SecondFactor => "second-factor",
            Wanted::Enrolment => "enrol",
        };
        format!("{}/login/{page}", self.base)
    }
}

/// A sign-in under way, in this browser.
pub(super) struct UnderWay {
    pub place: Place,
    /// The cookie's value.
    pub secret: String,
    pub ticket: Ticket,
}

/// The sign-in under way, or the way to where it begins.
pub(super) async fn under_way(call: &OpenCall) -> Result<Result<UnderWay, Answer>, Failure> {
    let Some(place) = Place::of(call) else { return Ok(Err(Ok(respond::see_other("/")))) };
    let secret = call.input.cookie(TICKET_COOKIE).unwrap_or_default();
    match authn::look_at_ticket(&call.app.tenants, place.realm, &secret).await? {
        Some(ticket) => Ok(Ok(UnderWay { place, secret, ticket })),
        None => Ok(Err(ended(&place))),
    }
}

/// Back to the beginning, because there is no sign-in to go on with.
pub(super) fn ended(place: &Place) -> Answer {
    let target = with_notice(&place.sign_in(), Notice::SignInEnded);
    respond::without_cookie(respond::see_other(&target), TICKET_COOKIE)
}

#[derive(Deserialize)]
struct Form {
    code: SecretString,
}

async fn ask(call: OpenCall) -> Answer {
    let under_way = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    if under_way.ticket.wanted != Wanted::SecondFactor {
        return Ok(respond::see_other(&under_way.place.page(Wanted::Enrolment)));
    }
    code_page(&call, &under_way, Field::default(), StatusCode::OK)
}

/// The page again, because a passkey's answer was not accepted.
pub(super) fn passkey_refused(call: &OpenCall, at: &UnderWay) -> Answer {
    asking(call, at, Field::default(), true, StatusCode::UNAUTHORIZED)
}

fn code_page(call: &OpenCall, at: &UnderWay, code: Field, status: StatusCode) -> Answer {
    asking(call, at, code, false, status)
}

fn asking(
    call: &OpenCall,
    at: &UnderWay,
    code: Field,
    passkey_refused: bool,
    status: StatusCode,
) -> Answer {
    let needs = at.ticket.needs;
    let make = |chrome| SecondFactorPage {
        chrome,
        sign_in: at.place.sign_in(),
        name: at.ticket.name.clone(),
        has_authenticator: needs.has_authenticator,
        has_passkey: needs.has_passkey,
        place: passkeys::place(&call.app, &call.input),
        passkey_refused,
        code,
    };
    frame::open_page(call, "second-factor-title", make, |page| respond::page_with(status, page))
}

async fn take(call: OpenCall) -> Answer {
    let Form { code } = call.input.form()?;
    let at = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    let (shown, request) = (SecondFactor::typed(&code), call.input.context.clone());
    let (tenants, realm) = (&call.app.tenants, at.place.realm);
    match authn::second_factor(tenants, realm, &at.secret, shown, request).await {
        Ok(admission) => {
            let answer = admitted(admission, &at.place.base, at.place.cookie)?;
            respond::without_cookie(answer, TICKET_COOKIE)
        }
        Err(error) => match refused(&call, &at, error).await? {
            Ok((code, status)) => code_page(&call, &at, code, status),
            Err(answer) => answer,
        },
    }
}

/// The field with what is wrong in it, or the way back when the sign-in has ended.
async fn refused(
    call: &OpenCall,
    at: &UnderWay,
    error: AuthnError,
) -> Result<Result<(Field, StatusCode), Answer>, Failure> {
    let (wrong, status) = match error {
        AuthnError::WrongCode => (FieldError::CodeWrong, StatusCode::UNAUTHORIZED),
        AuthnError::TooManyCodes => (FieldError::CodesTooMany, StatusCode::TOO_MANY_REQUESTS),
        AuthnError::TryLater(seconds) => {
            (FieldError::TryLater { seconds }, StatusCode::TOO_MANY_REQUESTS)
        }
        AuthnError::Ticket | AuthnError::WrongPassword => return Ok(Err(ended(&at.place))),
        other => return Err(other.into()),
    };
    let left = authn::look_at_ticket(&call.app.tenants, at.place.realm, &at.secret).await?;
    Ok(match left {
        Some(_) => Ok((Field::wrong("", wrong), status)),
        None => Err(ended(&at.place)),
    })
}

async fn show_app(call: OpenCall) -> Answer {
    let at = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    if at.ticket.wanted != Wanted::Enrolment {
        return Ok(respond::see_other(&at.place.page(Wanted::SecondFactor)));
    }
    app_page(&call, &at, Field::default(), StatusCode::OK).await
}

async fn app_page(call: &OpenCall, at: &UnderWay, code: Field, status: StatusCode) -> Answer {
    let shown = authn::show_enrolment(&call.app.tenants, at.place.realm, &at.secret).await;
    let app = match shown {
        Ok(secret) => app_view(&secret)?,
        Err(AuthnError::Ticket) => return ended(&at.place),
        Err(error) => return Err(error.into()),
    };
    let sign_in = at.place.sign_in();
    let make = |chrome| EnrolPage { chrome, sign_in, app, code };
    frame::open_page(call, "enrol-title", make, |page| respond::page_with(status, page))
}

pub(super) fn app_view(secret: &AppSecret) -> Result<AppView, Failure> {
    let too_long = || Failure::new(ErrorKind::Internal, "internal", "the QR code is too large");
    let qr = Qr::of(&secret.url).ok_or_else(too_long)?;
    Ok(AppView { qr, secret: secret.text.to_string(), url: secret.url.to_string() })
}

async fn enrol(call: OpenCall) -> Answer {
    let Form { code } = call.input.form()?;
    let at = match under_way(&call).await? {
        Ok(under_way) => under_way,
        Err(answer) => return answer,
    };
    let request = call.input.context.clone();
    let (tenants, realm) = (&call.app.tenants, at.place.realm);
    match authn::enrol(tenants, realm, &at.secret, code, request).await {
        Ok((signed_in, codes)) => {
            let codes = codes.texts().iter().map(|code| code.to_string()).collect();
            let answer = codes_page(&call, &at.place, codes, &signed_in)?;
            respond::without_cookie(answer, TICKET_COOKIE)
        }
        Err(error) => match refused(&call, &at, error).await? {
            Ok((code, status)) => app_page(&call, &at, code, status).await,
            Err(answer) => answer,
        },
    }
}

/// The recovery codes of somebody who has just come in.
fn codes_page(call: &OpenCall, place: &Place, codes: Vec<String>, signed_in: &SignedIn) -> Answer {
    let make = |mut chrome: crate::web::view::Chrome| {
        // The form on it belongs to the session that begins with this answer.
        chrome.csrf = csrf::token(&call.app, &signed_in.cookie);
        RecoveryCodesPage {
            chrome,
            codes,
            download: format!("{}/account/second-factor/recovery-codes/download", place.base),
            go_on: format!("{}/", place.base),
        }
    };
    let answer = frame::open_page(call, "recovery-title", make, respond::page)?;
    respond::with_cookie(answer, &respond::cookie(place.cookie, signed_in.cookie.to_string()))
}
