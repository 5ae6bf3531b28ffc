//! One's own passkeys, in a tenant and on the platform.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{also, also_platform, with_notice};
use crate::app::App;
use crate::audit::catalogue;
use crate::authn::passkey::{
    self, Answer as Answered, Asked, Binding, Kept, OwnPasskey, PasskeyError, Place, RelyingParty,
};
use crate::authn::{self, OwnAccount, OwnAccountRead};
use crate::authz::permission::{
    AccountRead, AccountWrite, PlatformAccountRead, PlatformAccountWrite,
};
use crate::authz::{Grant, Permission, Principal};
use crate::http::call::{Call, PlatformCall};
use crate::http::csrf;
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::PasskeyId;
use crate::kernel::limits;
use crate::users;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::passkeys::{
    NewPasskeyPage, PasskeyPage, PasskeyPlace, PasskeyRow, PasskeysPage,
};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const TITLE: &str = "tab-passkeys";
/// With fewer recovery codes than this, losing a device may lock somebody out.
const FEW_CODES: u64 = 3;

const QUIET: Audit = Audit::Nothing("people see their own passkeys, nobody else's");
const ASKED: Audit = Audit::Nothing("a question to the person's own device");
const ADDED: Audit = Audit::Events(&[catalogue::PASSKEY_ADDED, catalogue::TWO_FACTOR_ENABLED]);
const RENAMED: Audit = Audit::Events(&[catalogue::PASSKEY_RENAMED]);
const REMOVED: Audit = Audit::Events(&[catalogue::PASSKEY_REMOVED, catalogue::TWO_FACTOR_DISABLED]);

pub fn routes() -> Vec<Route> {
    let words = [
        "One's own passkeys",
        "Form for a new passkey",
        "What to ask a device for a new passkey",
        "Register a passkey",
        "One of one's own passkeys",
        "Rename a passkey",
        "Ask before a passkey is removed",
        "Remove a passkey",
        "What to ask a device before a sensitive act",
    ];
    let says = |(route, words): (Route, &'static str)| route.says(words);
    let tenant = tenant_routes().into_iter().zip(words).map(says);
    let platform = platform_routes().into_iter().zip(words).map(says);
    tenant.chain(platform).collect()
}

fn tenant_routes() -> [Route; 9] {
    const ALL: &str = "/t/{tenant}/account/passkeys";
    const NEW: &str = "/t/{tenant}/account/passkeys/new";
    const OPTIONS: &str = "/t/{tenant}/account/passkeys/options";
    const ONE: &str = "/t/{tenant}/account/passkeys/{id}";
    const RENAME: &str = "/t/{tenant}/account/passkeys/{id}/rename";
    const REMOVE: &str = "/t/{tenant}/account/passkeys/{id}/remove";
    const CONFIRM: &str = "/t/{tenant}/account/confirm/passkey";
    type Read = Call<AccountRead>;
    type Write = Call<AccountWrite>;
    let (get, post) = (Method::Get, Method::Post);
    [
        Route::console(get, ALL, QUIET, async |c: Read| list(&Own::tenant(&c).await?).await),
        Route::console(get, NEW, QUIET, async |c: Write| form(&Own::tenant(&c).await?)).sensitive(),
        Route::console(post, OPTIONS, ASKED, async |c: Write| {
            options(&c.app, &c.input, &c.grant, c.tenant.slug.as_str()).await
        })
        .sensitive(),
        Route::console(post, ALL, ADDED, async |c: Write| {
            add(&Own::tenant(&c).await?, &c.grant).await
        })
        .sensitive(),
        Route::console(get, ONE, QUIET, async |c: Read| one(&Own::tenant(&c).await?).await),
        Route::console(post, RENAME, RENAMED, async |c: Write| {
            rename(&Own::tenant(&c).await?, &c.grant).await
        }),
        Route::console(get, REMOVE, QUIET, async |c: Write| ask(&Own::tenant(&c).await?).await)
            .sensitive(),
        Route::console(post, REMOVE, REMOVED, async |c: Write| {
            remove(&Own::tenant(&c).await?, &c.grant).await
        })
        .sensitive(),
        Route::console(post, CONFIRM, ASKED, async |c: Read| confirm(&c.app, c.principal()).await),
    ]
}

fn platform_routes() -> [Route; 9] {
    const ALL: &str = "/platform/account/passkeys";
    const NEW: &str = "/platform/account/passkeys/new";
    const OPTIONS: &str = "/platform/account/passkeys/options";
    const ONE: &str = "/platform/account/passkeys/{id}";
    const RENAME: &str = "/platform/account/passkeys/{id}/rename";
    const REMOVE: &str = "/platform/account/passkeys/{id}/remove";
    const CONFIRM: &str = "/platform/account/confirm/passkey";
    type Read = PlatformCall<PlatformAccountRead>;
    type Write = PlatformCall<PlatformAccountWrite>;
    let (get, post) = (Method::Get, Method::Post);
    [
        Route::platform(get, ALL, QUIET, async |c: Read| list(&Own::platform(&c).await?).await),
        Route::platform(get, NEW, QUIET, async |c: Write| form(&Own::platform(&c).await?))
            .sensitive(),
        Route::platform(post, OPTIONS, ASKED, async |c: Write| {
            options(&c.app, &c.input, &c.grant, "platform").await
        })
        .sensitive(),
        Route::platform(post, ALL, ADDED, async |c: Write| {
            add(&Own::platform(&c).await?, &c.grant).await
        })
        .sensitive(),
        Route::platform(get, ONE, QUIET, async |c: Read| one(&Own::platform(&c).await?).await),
        Route::platform(post, RENAME, RENAMED, async |c: Write| {
            rename(&Own::platform(&c).await?, &c.grant).await
        }),
        Route::platform(get, REMOVE, QUIET, async |c: Write| ask(&Own::platform(&c).await?).await)
            .sensitive(),
        Route::platform(post, REMOVE, REMOVED, async |c: Write| {
            remove(&Own::platform(&c).await?, &c.grant).await
        })
        .sensitive(),
        Route::platform(post, CONFIRM, ASKED, async |c: Read| confirm(&c.app, c.principal()).await),
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

impl<R: OwnAccountRead> Own<R> {
    fn path(&self) -> String {
        format!("{}/account/passkeys", self.chrome.base())
    }

    fn back(&self, notice: Notice) -> Answer {
        Ok(respond::see_other(&with_notice(&self.path(), notice)))
    }

    async fn all(&self) -> Result<Vec<OwnPasskey>, Failure> {
        Ok(passkey::own_passkeys(&self.app.tenants, &self.read).await?)
    }

    /// The passkey that the path names.
    async fn named(&self) -> Result<OwnPasskey, Failure> {
        let id: PasskeyId = self.input.id("id")?;
        let found = self.all().await?.into_iter().find(|passkey| passkey.id == id);
        found.ok_or_else(Failure::not_found)
    }
}

/// What passkeys are to a page at this address.
pub(super) fn place(app: &App, input: &Input) -> PasskeyPlace {
    let host = input.header("host").unwrap_or_default();
    match RelyingParty::place(app.relying_party().as_ref(), host) {
        Place::Here => PasskeyPlace::Here,
        Place::At(url) => PasskeyPlace::At { url, page: input.request.path().to_owned() },
        Place::Nowhere => PasskeyPlace::Nowhere,
    }
}

pub(super) fn party(app: &App) -> Result<RelyingParty, PasskeyError> {
    app.relying_party().ok_or(PasskeyError::NoName)
}

/// The cookie that the page's forms are bound to; the form was checked against it.
pub(super) fn binding(input: &Input) -> Binding {
    Binding(csrf::binding(input).unwrap_or_default())
}

pub(super) fn asked(asked: &Asked) -> Answer {
    let body = asked.json().to_string();
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

async fn list<R: OwnAccountRead>(own: &Own<R>) -> Answer {
    let rows: Vec<_> = own.all().await?.into_iter().map(row).collect();
    let codes = authn::own_factors(&own.app.tenants, &own.read).await?.recovery_codes_left;
    let by_provider_only = users::own(&own.app.tenants, &own.read).await?.by_provider_only;
    respond::page(&PasskeysPage {
        chrome: own.chrome.clone(),
        place: place(&own.app, &own.input),
        by_provider_only,
        few_codes: !rows.is_empty() && codes < FEW_CODES,
        rows,
    })
}

fn row(passkey: OwnPasskey) -> PasskeyRow {
    let OwnPasskey { id, name, verifies, created, used } = passkey;
    PasskeyRow { id: id.to_string(), name, verifies, created, used }
}

fn form<R: OwnAccountRead>(own: &Own<R>) -> Answer {
    new_page(own, Field::default(), false)
}

fn new_page<R: OwnAccountRead>(own: &Own<R>, name: Field, refused: bool) -> Answer {
    let wrong = refused || name.error.is_some();
    let place = place(&own.app, &own.input);
    let page = NewPasskeyPage { chrome: own.chrome.clone(), place, name, refused };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond::page_with(status, &page)
}

async fn options<W: OwnAccount>(app: &App, input: &Input, grant: &Grant<W>, place: &str) -> Answer {
    let (party, binding) = (party(app)?, binding(input));
    let kept = match input.form_field("touch") {
        Some(_) => Kept::Nowhere,
        None => Kept::OnDevice,
    };
    let question = passkey::ask_to_register(&app.tenants, grant, &party, &binding, place, kept);
    asked(&question.await?)
}

async fn confirm(app: &App, who: &Principal) -> Answer {
    let party = party(app)?;
    asked(&authn::step_up_question(&app.tenants, who, &party).await?)
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
}

async fn add<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    let NameForm { name } = own.input.form()?;
    let answer: Answered = own.input.form()?;
    let (party, binding) = (party(&own.app)?, binding(&own.input));
    let tenants = &own.app.tenants;
    match passkey::register(tenants, grant, &party, &binding, &name, &answer).await {
        Ok(_) => own.back(Notice::PasskeyAdded),
        Err(PasskeyError::Name) => new_page(own, wrong_name(name), false),
        Err(PasskeyError::Refused(_)) => new_page(own, Field::value(name), true),
        Err(error) => Err(error.into()),
    }
}

fn wrong_name(name: String) -> Field {
    let max = u32::try_from(limits::PASSKEY_NAME_CHARS).unwrap_or(u32::MAX);
    let error = match name.trim() {
        "" => FieldError::Required,
        _ => FieldError::TooLong { max },
    };
    Field::wrong(name, error)
}

async fn one<R: OwnAccountRead>(own: &Own<R>) -> Answer {
    let passkey = own.named().await?;
    let name = Field::value(&passkey.name);
    respond::page(&one_page(own, passkey, name))
}

fn one_page<R: OwnAccountRead>(own: &Own<R>, passkey: OwnPasskey, name: Field) -> PasskeyPage {
    let id = passkey.id.to_string();
    PasskeyPage { chrome: own.chrome.clone(), id, title: passkey.name, name }
}

async fn rename<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    let NameForm { name } = own.input.form()?;
    let passkey = own.named().await?;
    match passkey::rename(&own.app.tenants, grant, passkey.id, &name).await {
        Ok(()) => own.back(Notice::PasskeyRenamed),
        Err(PasskeyError::Name) => respond::refused(&one_page(own, passkey, wrong_name(name))),
        Err(error) => Err(error.into()),
    }
}

async fn ask<R: OwnAccountRead>(own: &Own<R>) -> Answer {
    let passkey = own.named().await?;
    let (chrome, cancel) = (own.chrome.clone(), own.path());
    let action = format!("{cancel}/{}/remove", passkey.id);
    let (act, subject) = (ConfirmAct::RemovePasskey, passkey.name);
    respond::page(&ConfirmPage { chrome, act, subject, action, cancel })
}

async fn remove<R: OwnAccountRead, W: OwnAccount>(own: &Own<R>, grant: &Grant<W>) -> Answer {
    match passkey::remove(&own.app.tenants, grant, own.input.id("id")?).await {
        Ok(()) => own.back(Notice::PasskeyRemoved),
        Err(PasskeyError::Obligatory) => own.back(Notice::PasskeyObligatory),
        Err(error) => Err(error.into()),
    }
}
