//! Sensitive routes: before the handler of one runs, the person behind a session has proven a factor
//! a short while ago, or proves one now.
//!
//! A form that comes too late is not lost: it goes back to the browser, sealed for this session and
//! this address, in a page that asks for a factor; sent again with one, it is performed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use data_encoding::BASE64URL_NOPAD;

use super::call::{Call, PlatformCall};
use super::failure::Failure;
use super::input::Input;
use super::limits::{RateClass, Source};
use super::route::Method;
use crate::app::App;
use crate::authn::{self, Again, Asked, AuthnError, Confirmed, passkey};
use crate::authz::{Caller, Permission, Principal};
use crate::crypto::envelope::{DataKey, Place};
use crate::crypto::{Field, mac};
use crate::kernel::id::{KeyId, TenantId};
use crate::kernel::{ErrorKind, Timestamp, limits};
use crate::web::step_up as page;

/// The fields that the asking page adds to a form.
pub const SHOWN: &str = "step_up";
pub const KEPT: &str = "step_up_form";

/// A page that asks for a factor.
pub struct Ask {
    /// The sealed form, which the page's form brings back; none when it was too large to keep.
    pub kept: Option<String>,
    /// What was shown before was wrong.
    pub wrong: bool,
}

/// A call that may go on, or the page that asks for a factor first.
pub type Checked<C> = Result<C, HttpResponse>;

/// For a route of a tenant's console.
pub async fn console<P: Permission>(mut call: Call<P>) -> Result<Checked<Call<P>>, Failure> {
    if !call.input.route.sensitive {
        return Ok(Ok(call));
    }
    let (app, caller) = (call.app.clone(), call.grant.caller().clone());
    let proven = call.proven.unwrap_or(Timestamp::from_micros(0));
    match check(&app, &mut call.input, &caller, proven).await? {
        Outcome::Proven(when) => {
            call.proven = Some(when);
            Ok(Ok(call))
        }
        Outcome::Confirm => Ok(Err(page::to_confirm(&call.input, &call.tenant.slug))),
        Outcome::Ask(ask) => page::ask(&call, &ask).await.map(Err),
    }
}

/// For a route of the platform console.
pub async fn platform<P: Permission>(
    mut call: PlatformCall<P>,
) -> Result<Checked<PlatformCall<P>>, Failure> {
    if !call.input.route.sensitive {
        return Ok(Ok(call));
    }
    let (app, caller) = (call.app.clone(), call.grant.caller().clone());
    match check(&app, &mut call.input, &caller, call.proven).await? {
        Outcome::Proven(when) => {
            call.proven = when;
            Ok(Ok(call))
        }
        Outcome::Confirm => Ok(Err(page::to_confirm_platform(&call.input))),
        Outcome::Ask(ask) => page::ask_platform(&call, &ask).await.map(Err),
    }
}

/// For a route of the API: an application confirms for its person by an address of its own. What a
/// key may do was decided by a person who had confirmed.
///
/// # Errors
/// `step-up-required`, for a person whose last proof is too old.
pub fn api<P: Permission>(call: &Call<P>) -> Result<(), Failure> {
    let person = matches!(call.principal(), Principal::User { .. });
    if !call.input.route.sensitive || !person {
        return Ok(());
    }
    if call.proven.is_some_and(|proven| is_fresh(&call.app, proven)) {
        return Ok(());
    }
    let detail = "this act asks for a factor that was proven a short while ago: send one to \
                  POST /api/v1/auth/{tenant}/step-up, then send the request again; whoever signs in \
                  by an identity provider alone does this in the console";
    Err(Failure::new(ErrorKind::Denied, "step-up-required", detail))
}

enum Outcome {
    Proven(Timestamp),
    /// An address that is only looked at: another page asks, and leads back here.
    Confirm,
    Ask(Ask),
}

/// Whether somebody who proved a factor then is asked again.
pub fn is_fresh(app: &App, proven: Timestamp) -> bool {
    app.runtime.now() < fresh_until(app, proven)
}

/// Until when somebody who proved a factor is not asked again.
pub fn fresh_until(app: &App, proven: Timestamp) -> Timestamp {
    proven.plus(Duration::from_secs(app.settings.sessions.step_up_seconds.into()))
}

async fn check(
    app: &App,
    input: &mut Input,
    caller: &Arc<Caller>,
    proven: Timestamp,
) -> Result<Outcome, Failure> {
    let fresh = is_fresh(app, proven);
    let kept = input.form_field(KEPT);
    let (Some(kept), false) = (kept, input.route.method == Method::Get) else {
        return Ok(match (fresh, input.route.method) {
            (true, _) => Outcome::Proven(proven),
            (false, Method::Get) => Outcome::Confirm,
            (false, _) => Outcome::Ask(Ask { kept: keep(app, input, caller), wrong: false }),
        });
    };
    let body = open(app, input, caller, &kept)?;
    let proven = match fresh {
        // Another window was faster.
        true => proven,
        false => match typed(app, caller, input.form_field(SHOWN)).await {
            Ok(confirmed) => {
                input.renew_session(&confirmed);
                confirmed.at
            }
            Err(NotProven::Wrong) => {
                return Ok(Outcome::Ask(Ask { kept: Some(kept), wrong: true }));
            }
            Err(NotProven::Failed(failure)) => return Err(failure),
        },
    };
    input.body = body.into();
    Ok(Outcome::Proven(proven))
}

/// Why nothing was proven.
pub enum NotProven {
    Wrong,
    Failed(Failure),
}

/// Takes what somebody typed into a page as proof.
pub async fn typed(
    app: &App,
    caller: &Arc<Caller>,
    text: Option<String>,
) -> Result<Confirmed, NotProven> {
    let failed = |error: AuthnError| NotProven::Failed(error.into());
    let passkey = text.as_deref().and_then(passkey::Answer::from_field);
    if let (Some(answer), Some(party)) = (passkey, app.relying_party()) {
        return prove(app, caller, Again::Passkey(Box::new((party, answer)))).await;
    }
    let asked = authn::step_up_asks(&app.tenants, &caller.principal).await.map_err(failed)?;
    // Nothing could be typed: they have not confirmed at their provider yet.
    if asked == Asked::Provider {
        return Err(NotProven::Wrong);
    }
    prove(app, caller, Again::typed(asked, text.unwrap_or_default().into())).await
}

/// Takes a proof. Guesses are counted like those of second factors, per address and per person.
pub async fn prove(app: &App, caller: &Arc<Caller>, again: Again) -> Result<Confirmed, NotProven> {
    throttle(app, caller).await.map_err(NotProven::Failed)?;
    match authn::step_up(&app.tenants, &app.hasher, caller, again).await {
        Ok(confirmed) => Ok(confirmed),
        Err(AuthnError::NotConfirmed) => Err(NotProven::Wrong),
        Err(error) => Err(NotProven::Failed(error.into())),
    }
}

async fn throttle(app: &App, caller: &Arc<Caller>) -> Result<(), Failure> {
    let person = match &caller.principal {
        Principal::User { id, .. } => *id.bytes(),
        Principal::PlatformAdmin { id, .. } => *id.bytes(),
        _ => return Err(AuthnError::NoPerson.into()),
    };
    for source in [Source::address(caller.request.ip), Source::Id(person)] {
        let (_, taken) = app.limiter.take(RateClass::SecondFactor, &source);
        if let Err(failure) = taken {
            app.tenants.record_throttled(caller, "step-up").await;
            return Err(failure);
        }
    }
    Ok(())
}

/// The form as it came, for this session and this address alone.
fn keep(app: &App, input: &Input, caller: &Caller) -> Option<String> {
    if input.body.len() > limits::STEP_UP_FORM_BYTES {
        return None;
    }
    let form = [address(input).as_bytes(), b"\0", &input.body].concat();
    let sealed = key(app).seal(place(caller)?.of(), &form, app.runtime.random.as_ref());
    Some(BASE64URL_NOPAD.encode(&sealed))
}

fn open(app: &App, input: &Input, caller: &Caller, kept: &str) -> Result<Vec<u8>, Failure> {
    let opened = || {
        let sealed = BASE64URL_NOPAD.decode(kept.as_bytes()).ok()?;
        let form = key(app).open(place(caller)?.of(), &sealed).ok()?;
        let body = form.strip_prefix(address(input).as_bytes())?.strip_prefix(b"\0")?;
        Some(body.to_vec())
    };
    opened().ok_or_else(|| {
        let detail = "this form is too old or belongs elsewhere: go back, reload and send it again";
        Failure::new(ErrorKind::Denied, "stale-form", detail)
    })
}

fn address(input: &Input) -> String {
    format!("{}?{}", input.request.path(), input.request.query_string())
}

fn key(app: &App) -> DataKey {
    DataKey::new(KeyId::from_bytes([0; 16]), &mac::derive(&app.form_key, &[b"step-up"]))
}

/// Whose form it is: ids of sessions are unique.
struct Whose([u8; 16], TenantId);

impl Whose {
    fn of(&self) -> Place<'_> {
        Place { field: Field::PendingForm, row: &self.0, tenant: self.1 }
    }
}

fn place(caller: &Caller) -> Option<Whose> {
    match &caller.principal {
        Principal::User { session, tenant, .. } => Some(Whose(*session.bytes(), *tenant)),
        Principal::PlatformAdmin { session, .. } => {
            Some(Whose(*session.bytes(), TenantId::from_bytes([0; 16])))
        }
        _ => None,
    }
}
