//! Asking for a factor before a sensitive act: instead of a form's answer, or on a page of its own
//! that leads back.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::audit::catalogue;
use crate::authn::{self, Asked};
use crate::authz::permission::{AccountRead, PlatformAccountRead};
use crate::authz::{Caller, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::http::step_up::{self, Ask, NotProven};
use crate::sso::{self, Confirming, Offered};
use crate::tenants::Slug;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::query;
use crate::web::view::step_up::{
    Before, ConfirmBy, ProofField, StepUpBesidePage, StepUpDonePage, StepUpPage,
};
use crate::web::{frame, respond};

const CONFIRM: &str = "/t/{tenant}/account/confirm";
const PLATFORM_CONFIRM: &str = "/platform/account/confirm";
const TITLE: &str = "step-up-title";
/// A longer address is none of ours.
const NEXT_BYTES: usize = 1024;

pub fn routes() -> Vec<Route> {
    let (get, post) = (Method::Get, Method::Post);
    let quiet = Audit::Nothing("a form that asks people to prove who they are");
    let confirmed = Audit::Events(&[catalogue::SESSION_CONFIRMED]);
    vec![
        Route::console(get, CONFIRM, quiet, form).says("Ask for a factor before a sensitive act"),
        Route::console(post, CONFIRM, confirmed, confirm).says("Prove a factor once more"),
        Route::platform(get, PLATFORM_CONFIRM, quiet, platform_form)
            .says("Ask an administrator for a factor before a sensitive act"),
        Route::platform(post, PLATFORM_CONFIRM, confirmed, platform_confirm)
            .says("Prove an administrator's factor once more"),
    ]
}

/// Instead of what a form was sent for.
pub async fn ask<P: Permission>(call: &Call<P>, ask: &Ask) -> Result<HttpResponse, Failure> {
    let chrome = bare(frame::tenant(call, TITLE, Section::Account).await?);
    instead(chrome, &call.app, &call.input, call.grant.caller(), ask).await
}

pub async fn ask_platform<P: Permission>(
    call: &PlatformCall<P>,
    ask: &Ask,
) -> Result<HttpResponse, Failure> {
    let chrome = bare(frame::platform(call, TITLE, Section::PlatformAccount).await?);
    instead(chrome, &call.app, &call.input, call.grant.caller(), ask).await
}

async fn instead(
    chrome: Chrome,
    app: &App,
    input: &Input,
    caller: &Arc<Caller>,
    ask: &Ask,
) -> Result<HttpResponse, Failure> {
    // What follows a semicolon is for who reads the API.
    let act = input.route.summary.split(';').next().unwrap_or_default();
    let before = match &ask.kept {
        Some(kept) => Before::Form { act, kept: kept.clone() },
        None => {
            let confirm = format!("{}/account/confirm", chrome.base());
            Before::LargeForm { act, confirm }
        }
    };
    let action = address(input);
    let Proofs { proof, passkey, provider } = Proofs::of(app, caller).await?;
    let base = chrome.base();
    let beside = format!("{base}/account/confirm?beside=1");
    let provider = provider.map(|by| confirm_by(by, &base, &beside, true));
    let cancel = format!("{base}/");
    let wrong = ask.wrong;
    let page = StepUpPage { chrome, before, proof, passkey, provider, wrong, action, cancel };
    respond::page_with(StatusCode::FORBIDDEN, &page)
}

/// The page that asks before another one is shown.
pub fn to_confirm(input: &Input, tenant: &Slug) -> HttpResponse {
    lead(input, &CONFIRM.replace("{tenant}", tenant.as_str()))
}

pub fn to_confirm_platform(input: &Input) -> HttpResponse {
    lead(input, PLATFORM_CONFIRM)
}

fn lead(input: &Input, confirm: &str) -> HttpResponse {
    respond::see_other(&query::href(confirm, &[("next", &address(input))]))
}

fn address(input: &Input) -> String {
    match input.request.query_string() {
        "" => input.request.path().to_owned(),
        query => format!("{}?{query}", input.request.path()),
    }
}

/// Where one is in the console does not matter here.
fn bare(chrome: Chrome) -> Chrome {
    Chrome { tabs: Vec::new(), ..chrome }
}

/// What the person can show.
struct Proofs {
    proof: ProofField,
    passkey: bool,
    provider: Option<Offered>,
}

impl Proofs {
    async fn of(app: &App, caller: &Arc<Caller>) -> Result<Self, Failure> {
        let asked = authn::step_up_asks(&app.tenants, &caller.principal).await?;
        let by = sso::confirming(&app.tenants, &caller.principal).await?;
        // One factor is not taken for two.
        let provider = by.filter(Confirming::may_be_enough).map(|by| by.provider);
        let (proof, passkey) = match asked {
            Asked::Password => (ProofField::Password, false),
            Asked::SecondFactor { has_passkey, .. } => {
                (ProofField::Code, has_passkey && app.relying_party().is_some())
            }
            Asked::Provider => (ProofField::None, false),
        };
        Ok(Self { proof, passkey, provider })
    }
}

fn confirm_by(provider: Offered, base: &str, next: &str, beside: bool) -> ConfirmBy {
    let start = format!("{base}/sso/{}", provider.id);
    let href = query::href(&start, &[("for", "confirm"), ("next", next)]);
    ConfirmBy { name: provider.name, href, beside }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Next {
    next: String,
    step_up: String,
    /// Somebody comes back from their provider, in a window beside the one with their form.
    beside: String,
}

async fn form(call: Call<AccountRead>) -> Answer {
    let chrome = bare(frame::tenant(&call, TITLE, Section::Account).await?);
    let Next { next, beside, .. } = call.input.query()?;
    let is_fresh = call.proven.is_some_and(|proven| step_up::is_fresh(&call.app, proven));
    if !beside.is_empty() && is_fresh {
        return respond::page(&StepUpBesidePage { chrome });
    }
    asking(chrome, &call.app, call.grant.caller(), &next, false).await
}

async fn platform_form(call: PlatformCall<PlatformAccountRead>) -> Answer {
    let chrome = bare(frame::platform(&call, TITLE, Section::PlatformAccount).await?);
    let next = call.input.query::<Next>()?.next;
    asking(chrome, &call.app, call.grant.caller(), &next, false).await
}

async fn confirm(call: Call<AccountRead>) -> Answer {
    let chrome = bare(frame::tenant(&call, TITLE, Section::Account).await?);
    take(chrome, &call.app, &call.input, call.grant.caller()).await
}

async fn platform_confirm(call: PlatformCall<PlatformAccountRead>) -> Answer {
    let chrome = bare(frame::platform(&call, TITLE, Section::PlatformAccount).await?);
    take(chrome, &call.app, &call.input, call.grant.caller()).await
}

async fn asking(
    chrome: Chrome,
    app: &App,
    caller: &Arc<Caller>,
    next: &str,
    wrong: bool,
) -> Answer {
    let base = chrome.base();
    let next = own(next, &base).unwrap_or_default().to_owned();
    let Proofs { proof, passkey, provider } = Proofs::of(app, caller).await?;
    let home = format!("{base}/");
    let back = if next.is_empty() { &home } else { &next };
    let provider = provider.map(|by| confirm_by(by, &base, back, false));
    let page = StepUpPage {
        before: Before::Page { next },
        proof,
        passkey,
        provider,
        wrong,
        action: format!("{base}/account/confirm"),
        cancel: home.clone(),
        chrome,
    };
    let status = if wrong { StatusCode::FORBIDDEN } else { StatusCode::OK };
    respond::page_with(status, &page)
}

async fn take(chrome: Chrome, app: &App, input: &Input, caller: &Arc<Caller>) -> Answer {
    let form: Next = input.form()?;
    match step_up::typed(app, caller, Some(form.step_up)).await {
        Ok(confirmed) => input.renew_session(&confirmed),
        Err(NotProven::Wrong) => return asking(chrome, app, caller, &form.next, true).await,
        Err(NotProven::Failed(failure)) => return Err(failure),
    }
    let home = format!("{}/", chrome.base());
    let next = own(&form.next, &chrome.base()).unwrap_or(&home).to_owned();
    let mut response = respond::page(&StepUpDonePage { chrome, next: next.clone() })?;
    // A redirect would leave the form standing behind a download.
    put(response.headers_mut(), "refresh", &format!("0; url={next}"));
    Ok(response)
}

/// The address, if it is one of this console's: nobody is led elsewhere from here.
pub fn own<'a>(next: &'a str, base: &str) -> Option<&'a str> {
    let below = next.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"/_-.?=&%+:~".contains(&c);
    (below && next.len() <= NEXT_BYTES && next.bytes().all(plain)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_out_of_the_console() {
        let fine = "/t/acme/admin/audit/exports/1/download?x=1";
        assert_eq!(own(fine, "/t/acme"), Some(fine));
        for elsewhere in [
            "https://evil.example/t/acme/",
            "//evil.example/t/acme/",
            "/t/acme",
            "/t/acmeevil/x",
            "/t/other/admin",
            "/\\evil.example",
            "/t/acme/\\evil",
            "/t/acme/x\r\nSet-Cookie: a=b",
            "/t/acme/\"x",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(own(elsewhere, "/t/acme"), None, "{elsewhere}");
        }
    }
}
