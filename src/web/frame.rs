//! What surrounds a page, filled from the call: who is signed in, where, what they may open.

use super::messages::Messages;
use super::problems::as_sentence;
use super::view::chrome::{ChainPill, Chrome, PersonBadge, Scope, Section};
use super::view::state::{Notice, TenantState};
use super::{nav, respond};
use crate::app::App;
use crate::authn::form_binding;
use crate::authz::permission::{AuditRead, PlatformAuditVerify};
use crate::authz::{Permission, Principal, Realm};
use crate::http::call::{Call, OpenCall, PlatformCall};
use crate::http::csrf;
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::Answer;
use crate::tenants::Tenant;
use crate::trail::{self, LastVerification};

/// A page of a tenant's console.
pub async fn tenant<P: Permission>(
    call: &Call<P>,
    title: &str,
    current: Section,
) -> Result<Chrome, Failure> {
    let sections = nav::sections("/t/{tenant}", Section::TENANT, call.principal());
    let scope = scope(&call.tenant);
    let mut chrome = Chrome::tenant(Messages::english(), title, scope, &sections, current);
    if let Principal::User { name, rights, .. } = call.principal() {
        let role = Some(rights.role().to_owned());
        chrome.person = Some(PersonBadge { name: name.clone(), role });
    }
    chrome.tabs = nav::tabs("/t/{tenant}", &chrome, current, call.principal(), &call.input);
    if let Some(grant) = call.also::<AuditRead>() {
        let overview = trail::overview(&call.app.tenants, &grant).await?;
        chrome.chain = Some(pill(&call.app, call.grant.realm(), overview.size));
    }
    finish(&mut chrome, &call.app, &call.input);
    Ok(chrome)
}

/// What the last verification found, else how many entries wait for one.
fn pill(app: &App, realm: Realm, entries: u64) -> ChainPill {
    match app.verified.last(realm) {
        Some(LastVerification::Whole { entries }) => ChainPill::Verified { entries },
        Some(LastVerification::Broken { first_bad }) => ChainPill::Broken { first_bad },
        None => ChainPill::NotVerified { entries },
    }
}

/// A page of the platform console.
pub async fn platform<P: Permission>(
    call: &PlatformCall<P>,
    title: &str,
    current: Section,
) -> Result<Chrome, Failure> {
    let sections = nav::sections("/platform", Section::PLATFORM, call.principal());
    let mut chrome = Chrome::platform(Messages::english(), title, &sections, current);
    if let Principal::PlatformAdmin { name, role, .. } = call.principal() {
        let role = Some(role.name().to_owned());
        chrome.person = Some(PersonBadge { name: name.clone(), role });
    }
    chrome.tabs = nav::tabs("/platform", &chrome, current, call.principal(), &call.input);
    if let Some(grant) = call.also::<PlatformAuditVerify>() {
        let overview = trail::overview(&call.app.tenants, &grant).await?;
        chrome.chain = Some(pill(&call.app, call.grant.realm(), overview.size));
    }
    finish(&mut chrome, &call.app, &call.input);
    Ok(chrome)
}

/// Somebody with a session, on a page for which nothing was granted.
pub struct SignedIn {
    pub principal: Principal,
    /// None on the platform.
    pub tenant: Option<Tenant>,
    /// That forms are bound to.
    pub cookie: String,
}

/// What surrounds a page that says what went wrong: the person, and where they can go from here.
pub fn after_failure(app: &App, title: &str, person: &SignedIn) -> Chrome {
    let SignedIn { principal, tenant, cookie } = person;
    let mut chrome = match tenant {
        Some(tenant) => {
            let sections = nav::sections("/t/{tenant}", Section::TENANT, principal);
            let none = Section::Account;
            Chrome::tenant(Messages::english(), title, scope(tenant), &sections, none)
        }
        None => {
            let sections = nav::sections("/platform", Section::PLATFORM, principal);
            Chrome::platform(Messages::english(), title, &sections, Section::PlatformAccount)
        }
    };
    if let Principal::User { name, .. } | Principal::PlatformAdmin { name, .. } = principal {
        let role = Some(principal.role().to_owned());
        chrome.person = Some(PersonBadge { name: name.clone(), role });
    }
    chrome.csrf = csrf::token(app, form_binding(cookie));
    chrome.banners = banners(app, &chrome);
    chrome
}

fn scope(tenant: &Tenant) -> Scope {
    Scope::Tenant {
        slug: tenant.slug.to_string(),
        name: tenant.name.clone(),
        state: TenantState::from_code(tenant.state.name()).unwrap_or(TenantState::Active),
    }
}

/// Read-only and recovery mode. Why it is so is told to who is signed in.
fn banners(app: &App, chrome: &Chrome) -> Vec<String> {
    let read_only = app.tenants.read_only().map(|read_only| match chrome.scope {
        Scope::Public => chrome.t("banner-read-only"),
        _ => as_sentence(&read_only.to_string()),
    });
    let recovery = app.is_recovering().then(|| chrome.t("banner-recovery"));
    recovery.into_iter().chain(read_only).collect()
}

/// The token for forms, and the notice that a redirect asked for (`?notice=…`).
fn finish(chrome: &mut Chrome, app: &App, input: &Input) {
    chrome.banners = banners(app, chrome);
    if let Some(cookie) = csrf::binding(input) {
        chrome.csrf = csrf::token(app, &cookie);
    }
    let query: Vec<(String, String)> =
        serde_urlencoded::from_str(input.request.query_string()).unwrap_or_default();
    let notice = query.iter().find(|(name, _)| name == "notice");
    if let Some(notice) = notice.and_then(|(_, code)| Notice::from_code(code)) {
        chrome.notice(notice);
    }
}

/// A page with a form for somebody who is not signed in: its forms are bound to a cookie, which is
/// set when there is none yet.
pub fn open_page<T: askama::Template>(
    call: &OpenCall,
    title: &str,
    make: impl FnOnce(Chrome) -> T,
    answer: impl FnOnce(&T) -> Answer,
) -> Answer {
    let mut chrome = Chrome::public(Messages::english(), title);
    let known = call.input.cookie(csrf::FORM_COOKIE);
    let value = known.clone().unwrap_or_else(|| csrf::new_cookie(&call.app));
    finish(&mut chrome, &call.app, &call.input);
    chrome.csrf = csrf::token(&call.app, &value);
    let response = answer(&make(chrome))?;
    match known {
        Some(_) => Ok(response),
        None => respond::with_cookie(response, &respond::cookie(csrf::FORM_COOKIE, value)),
    }
}
