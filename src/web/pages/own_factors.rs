//! One's own second factor: setting an app up, replacing it, turning it off, recovery codes. The
//! same in a tenant and on the platform.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::second_factor::app_view;
use super::{also, also_platform, with_notice};
use crate::app::App;
use crate::audit::catalogue;
use crate::authn::{self, AuthnError, OwnAccount, OwnAccountRead, RecoveryCodes};
use crate::authz::permission::{
    AccountRead, AccountWrite, PlatformAccountRead, PlatformAccountWrite,
};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::input::Input;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::ErrorKind;
use crate::users;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::second_factor::{OwnFactorsPage, RecoveryCodesPage, SetUpPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const TITLE: &str = "tab-second-factor";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("people see their own settings, nobody else's");
    let own = Audit::Nothing("the person's own codes, as the page before showed them");
    let enabled = Audit::Events(&[
        catalogue::TWO_FACTOR_ENABLED,
        catalogue::RECOVERY_CODES_CREATED,
        catalogue::TWO_FACTOR_FAILED,
    ]);
    let disabled = Audit::Events(&[catalogue::TWO_FACTOR_DISABLED, catalogue::TWO_FACTOR_FAILED]);
    let codes = Audit::Events(&[catalogue::RECOVERY_CODES_CREATED, catalogue::TWO_FACTOR_FAILED]);
    const SHOW: &str = "One's own second factor";
    const APP: &str = "Show a new authenticator app its secret, when signed in";
    const SET_UP: &str = "Set up or replace one's authenticator app";
    const OFF: &str = "Turn one's authenticator app off";
    const CODES: &str = "Make new recovery codes";
    const DOWNLOAD: &str = "Recovery codes as a file";
    let mut routes = tenant_routes(quiet, enabled, disabled, codes, own);
    routes.extend(platform_routes(quiet, enabled, disabled, codes, own));
    let words = [SHOW, APP, SET_UP, OFF, CODES, DOWNLOAD];
    let says = |(at, route): (usize, Route)| {
        let route = route.says(words[at % words.len()]);
        match route.method {
            Method::Post => route.rate(RateClass::SecondFactor),
            _ => route,
        }
    };
    routes.into_iter().enumerate().map(says).collect()
}

fn tenant_routes(
    quiet: Audit,
    enabled: Audit,
    disabled: Audit,
    codes: Audit,
    own: Audit,
) -> Vec<Route> {
    const PAGE: &str = "/t/{tenant}/account/second-factor";
    const SET_UP: &str = "/t/{tenant}/account/second-factor/set-up";
    const OFF: &str = "/t/{tenant}/account/second-factor/turn-off";
    const CODES: &str = "/t/{tenant}/account/second-factor/recovery-codes";
    const FILE: &str = "/t/{tenant}/account/second-factor/recovery-codes/download";
    vec![
        Route::console(Method::Get, PAGE, quiet, async |call: Call<AccountRead>| {
            show(&Own::tenant(&call).await?, Refused::default()).await
        }),
        Route::console(Method::Get, SET_UP, quiet, async |call: Call<AccountWrite>| {
            set_up_page(&Own::tenant(&call).await?, &call.grant, None).await
        }),
        Route::console(Method::Post, SET_UP, enabled, async |call: Call<AccountWrite>| {
            set_up(&Own::tenant(&call).await?, &call.grant).await
        }),
        Route::console(Method::Post, OFF, disabled, async |call: Call<AccountWrite>| {
            turn_off(&Own::tenant(&call).await?, &call.grant).await
        }),
        Route::console(Method::Post, CODES, codes, async |call: Call<AccountWrite>| {
            new_codes(&Own::tenant(&call).await?, &call.grant).await
        }),
        Route::console(Method::Post, FILE, own, async |call: Call<AccountRead>| {
            download(&Own::tenant(&call).await?).await
        }),
    ]
}

fn platform_routes(
    quiet: Audit,
    enabled: Audit,
    disabled: Audit,
    codes: Audit,
    own: Audit,
) -> Vec<Route> {
    const PAGE: &str = "/platform/account/second-factor";
    const SET_UP: &str = "/platform/account/second-factor/set-up";
    const OFF: &str = "/platform/account/second-factor/turn-off";
    const CODES: &str = "/platform/account/second-factor/recovery-codes";
    const FILE: &str = "/platform/account/second-factor/recovery-codes/download";
    vec![
        Route::platform(
            Method::Get,
            PAGE,
            quiet,
            async |call: PlatformCall<PlatformAccountRead>| {
                show(&Own::platform(&call).await?, Refused::default()).await
            },
        ),
        Route::platform(
            Method::Get,
            SET_UP,
            quiet,
            async |call: PlatformCall<PlatformAccountWrite>| {
                set_up_page(&Own::platform(&call).await?, &call.grant, None).await
            },
        ),
        Route::platform(
            Method::Post,
            SET_UP,
            enabled,
            async |call: PlatformCall<PlatformAccountWrite>| {
                set_up(&Own::platform(&call).await?, &call.grant).await
            },
        ),
        Route::platform(
            Method::Post,
            OFF,
            disabled,
            async |call: PlatformCall<PlatformAccountWrite>| {
                turn_off(&Own::platform(&call).await?, &call.grant).await
            },
        ),
        Route::platform(
            Method::Post,
            CODES,
            codes,
            async |call: PlatformCall<PlatformAccountWrite>| {
                new_codes(&Own::platform(&call).await?, &call.grant).await
            },
        ),
        Route::platform(
            Method::Post,
            FILE,
            own,
            async |call: PlatformCall<PlatformAccountRead>| {
                download(&Own::platform(&call).await?).await
            },
        ),
    ]
}

/// A request of somebody about themselves, in either realm.
struct Own<R> {
    app: Arc<App>,
    input: Input,
    chrome: Chrome,
    read: Grant<R>,
}

impl Own<AccountRead> {
    async fn tenant<P: Permission>(call: &Call<P>) -> Result<Self, Failure> {
        let chrome = frame::tenant(call, TITLE, Section::Account).await?;
        let (app, input) = (call.app.clone(), call.input.clone());
        Ok(Self { app, input, chrome, read: also(call)? })
    }
}

impl Own<PlatformAccountRead> {
    async fn platform<P: Permission>(call: &PlatformCall<P>) -> Result<Self, Failure> {
        let chrome = frame::platform(call, TITLE, Section::PlatformAccount).await?;
        let (app, input) = (call.app.clone(), call.input.clone());
        Ok(Self { app, input, chrome, read: also_platform(call)? })
    }
}

impl<R> Own<R> {
    fn page(&self) -> String {
        format!("{}/account/second-factor", self.chrome.base())
    }

    fn back(&self, notice: Notice) -> Answer {
        Ok(respond::see_other(&with_notice(&self.page(), notice)))
    }
}

/// What was wrong with the forms of the page.
#[derive(Default)]
struct Refused {
    new_codes: Field,
    turn_off: Field,
}

async fn show<R: OwnAccountRead>(own: &Own<R>, refused: Refused) -> Answer {
    let factors = authn::own_factors(&own.app.tenants, &own.read).await?;
    let has_password = users::own(&own.app.tenants, &own.read).await?.has_password;
    let wrong = refused.new_codes.error.is_some() || refused.turn_off.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = OwnFactorsPage {
        chrome: own.chrome.clone(),
        authenticator: factors.authenticator,
        has_passkey: factors.has_passkey,
        has_password,
        recovery_codes_left: factors.recovery_codes_left,
        may_turn_off: factors.authenticator.is_some()
            && (!factors.obligatory || factors.has_passkey),
        obligatory: factors.obligatory,
        new_codes: refused.new_codes,
        turn_off: refused.turn_off,
    };
    respond::page_with(status, &page)
}

/// `refused` holds the errors of proof and code when the form came back.
async fn set_up_page<R: OwnAccountRead, W: OwnAccount>(
    own: &Own<R>,
    grant: &Grant<W>,
    refused: Option<(Field, Field)>,
) -> Answer {
    let tenants = &own.app.tenants;
    let again = refused.is_some();
    let secret = authn::new_authenticator(tenants, grant, again).await?;
    let replaces = authn::own_factors(tenants, &own.read).await?.authenticator.is_some();
    let status = if again { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (proof, code) = refused.unwrap_or_default();
    let (chrome, app) = (own.chrome.clone(), app_view(&secret)?);
    respond::page_with(status, &SetUpPage { chrome, app, replaces, proof, code })
}

#[derive(Deserialize)]
struct SetUpForm {
    proof: SecretString,
    code: SecretString,
}

#[derive(Deserialize)]
struct ProofForm {
    proof: SecretString,
}

async fn set_up<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    let SetUpForm { proof, code } = own.input.form()?;
    let (tenants, hasher) = (&own.app.tenants, &own.app.hasher);
    match authn::confirm_authenticator(tenants, hasher, grant, proof, code).await {
        Ok(codes) => show_codes(own, &codes),
        Err(AuthnError::Ticket) => own.back(Notice::SetUpEnded),
        Err(AuthnError::WrongCode) => {
            let code = Field::wrong("", FieldError::CodeWrong);
            set_up_page(own, grant, Some((Field::default(), code))).await
        }
        Err(error) => {
            let proof = Field::wrong("", proof_error(error)?);
            set_up_page(own, grant, Some((proof, Field::default()))).await
        }
    }
}

/// What to say beside the proof; other failures are pages of their own.
fn proof_error(error: AuthnError) -> Result<FieldError, Failure> {
    match error {
        AuthnError::Proof => Ok(FieldError::ProofWrong),
        AuthnError::NotConfirmed => Ok(FieldError::ProofPasskey),
        AuthnError::TooManyCodes => Ok(FieldError::CodesTooMany),
        other => Err(other.into()),
    }
}

fn show_codes<R>(own: &Own<R>, codes: &RecoveryCodes) -> Answer {
    respond::page(&RecoveryCodesPage {
        chrome: own.chrome.clone(),
        codes: codes.texts().iter().map(|code| code.to_string()).collect(),
        download: format!("{}/recovery-codes/download", own.page()),
        go_on: own.page(),
    })
}

async fn turn_off<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    let ProofForm { proof } = own.input.form()?;
    let (tenants, hasher) = (&own.app.tenants, &own.app.hasher);
    match authn::remove_authenticator(tenants, hasher, grant, proof).await {
        Ok(()) => own.back(Notice::SecondFactorOff),
        Err(AuthnError::Ticket) => own.back(Notice::NothingChanged),
        Err(error) => {
            let turn_off = Field::wrong("", proof_error(error)?);
            show(own, Refused { turn_off, ..Refused::default() }).await
        }
    }
}

async fn new_codes<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    let ProofForm { proof } = own.input.form()?;
    let (tenants, hasher) = (&own.app.tenants, &own.app.hasher);
    match authn::new_recovery_codes(tenants, hasher, grant, proof).await {
        Ok(codes) => show_codes(own, &codes),
        Err(AuthnError::Ticket) => own.back(Notice::NothingChanged),
        Err(error) => {
            let new_codes = Field::wrong("", proof_error(error)?);
            show(own, Refused { new_codes, ..Refused::default() }).await
        }
    }
}

/// The codes that the page has sent back, as a file: without script there is no other way from a
/// page to a file. Only the person's own, so that nobody else's text comes from here.
async fn download<R: OwnAccountRead>(own: &Own<R>) -> Answer {
    let fields: Vec<(String, String)> = own.input.form()?;
    let codes = fields.into_iter().filter(|(name, _)| name == "code").map(|(_, code)| code);
    let codes: Vec<String> = codes.take(100).collect();
    if !authn::are_own_recovery_codes(&own.app.tenants, &own.read, codes.clone()).await? {
        let detail = "these codes were used or replaced: make new ones";
        return Err(Failure::new(ErrorKind::Conflict, "recovery-codes", detail));
    }
    let text = codes.join("\n") + "\n";
    let mut answer = HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text);
    let name = "attachment; filename=\"strongroom-recovery-codes.txt\"";
    put(answer.headers_mut(), "content-disposition", name);
    Ok(answer)
}
