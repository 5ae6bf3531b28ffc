//! `/platform/incident`: what an administrator does when something has happened.

use std::time::Duration;

use serde::Deserialize;

use crate::audit::catalogue;
use crate::authn::token::{self, When};
use crate::authz::permission::{PlatformAccessRevoke, PlatformKeyRotate, PlatformReadOnly};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::incident::{self, IncidentError};
use crate::kernel::Timestamp;
use crate::tenants::{NewReadOnly, ReadOnlyError, Tenant, set_read_only};
use crate::trail;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::incident::{IncidentPage, IncidentTenantPage, RevokedPage};
use crate::web::view::query;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PAGE: &str = "/platform/incident";
const TITLE: &str = "incident-title";
/// What is typed for the installation, which has no short name.
const EVERYTHING: &str = "everything";
/// Nobody waits longer for a page when there are very many tenants; a shell counts them all.
const COUNTING: Duration = Duration::from_secs(3);

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let revoked = Audit::Events(&[catalogue::ACCESS_REVOKED]);
    let on = Audit::Events(&[catalogue::READ_ONLY_STARTED]);
    let off = Audit::Events(&[catalogue::READ_ONLY_ENDED]);
    let rotated = Audit::Events(&[catalogue::KEY_ROTATED]);
    vec![
        Route::platform(Method::Get, PAGE, opened, show)
            .says("Incident: read-only mode, what lets people in, runbooks"),
        Route::platform(Method::Post, "/platform/incident/revoke", revoked, everything)
            .says("Take away all sessions, links and keys of the whole installation")
            .sensitive(),
        Route::platform(Method::Post, "/platform/incident/read-only/on", on, read_only_on)
            .says("Stop all changes of data")
            .sensitive(),
        Route::platform(Method::Post, "/platform/incident/read-only/off", off, read_only_off)
            .says("Allow changes of data again")
            .sensitive(),
        Route::platform(Method::Post, "/platform/incident/token-key", rotated, replace_token_key)
            .says("Replace the key of access tokens: those so far are refused")
            .sensitive(),
        Route::platform(Method::Get, "/platform/incident/tenants/{name}", opened, ask_tenant)
            .says("Ask before all sessions, links and keys of a tenant are taken away"),
        Route::platform(
            Method::Post,
            "/platform/incident/tenants/{name}/revoke",
            revoked,
            revoke_tenant,
        )
        .says("Take away all sessions, links and keys of a tenant")
        .sensitive(),
    ]
}

type Revoker = PlatformCall<PlatformAccessRevoke>;

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    tenant: String,
}

/// Names a tenant: leads to its page.
async fn show(call: Revoker) -> Answer {
    let Chosen { tenant } = call.input.query()?;
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "incident").await?;
    match (tenant.trim(), tenants.tenant(tenant.trim())) {
        ("", _) => respond::page(&page(&call).await?),
        (_, Some(tenant)) => Ok(respond::see_other(&path(&tenant))),
        (_, None) => {
            let said = sentence(&IncidentError::NoTenant.to_string());
            let tenant = Field::wrong(tenant, said);
            respond::refused(&IncidentPage { tenant, ..page(&call).await? })
        }
    }
}

async fn page(call: &Revoker) -> Result<IncidentPage, Failure> {
    let tenants = &call.app.tenants;
    Ok(IncidentPage {
        chrome: frame::platform(call, TITLE, Section::Jobs).await?,
        counted: incident::count_installation(tenants, &call.grant, Some(COUNTING)).await?,
        confirm: Field::default(),
        reason: Field::default(),
        read_only: tenants.read_only().map(|read_only| (*read_only).clone()),
        may_switch: call.also::<PlatformReadOnly>().is_some(),
        may_replace: call.also::<PlatformKeyRotate>().is_some(),
        why: Field::default(),
        until: Field::default(),
        tenant: Field::default(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    confirm: String,
    reason: String,
}

async fn everything(call: Revoker) -> Answer {
    let Form { confirm, reason } = call.input.form()?;
    if confirm.trim() != EVERYTHING {
        let mut page = page(&call).await?;
        page.confirm = Field::wrong(confirm, FieldError::Confirmation);
        page.reason = Field::value(reason);
        return respond::refused(&page);
    }
    let tenants = &call.app.tenants;
    match incident::revoke_installation(tenants, &call.grant, Some(&reason)).await {
        Ok(done) => finished(&call, done).await,
        Err(error @ IncidentError::Reason) => {
            let mut page = page(&call).await?;
            page.reason = Field::wrong(reason, sentence(&error.to_string()));
            respond::refused(&page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn finished(call: &Revoker, done: incident::Revoked) -> Answer {
    let chrome = frame::platform(call, TITLE, Section::Jobs).await?;
    respond::page(&RevokedPage { chrome, done, back: PAGE.to_owned() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    why: String,
    until: String,
}

async fn read_only_on(call: PlatformCall<PlatformReadOnly>) -> Answer {
    let Switch { why, until } = call.input.form()?;
    let at = match until.trim() {
        "" => Ok(None),
        // As browsers send it, in UTC.
        text => Timestamp::parse(&format!("{text}:00Z")).map(Some).ok_or(ReadOnlyError::Past),
    };
    let (tenants, reason) = (&call.app.tenants, why.clone());
    let done = match at {
        Ok(until) => set_read_only(tenants, &call.grant, Some(NewReadOnly { reason, until })).await,
        Err(error) => Err(error),
    };
    let error = match done {
        Ok(_) => return Ok(back(Notice::ReadOnlyOn)),
        Err(error @ (ReadOnlyError::Reason | ReadOnlyError::Past)) => error,
        Err(error) => return Err(error.into()),
    };
    let said = Some(sentence(&error.to_string()));
    let is_why = matches!(error, ReadOnlyError::Reason);
    let (first, second) = if is_why { (said, None) } else { (None, said) };
    let revoker = call.also::<PlatformAccessRevoke>().ok_or_else(Failure::not_found)?;
    let page = IncidentPage {
        chrome: frame::platform(&call, TITLE, Section::Jobs).await?,
        counted: incident::count_installation(tenants, &revoker, Some(COUNTING)).await?,
        confirm: Field::default(),
        reason: Field::default(),
        read_only: tenants.read_only().map(|read_only| (*read_only).clone()),
        may_switch: true,
        may_replace: call.also::<PlatformKeyRotate>().is_some(),
        why: Field { value: why, error: first },
        until: Field { value: until, error: second },
        tenant: Field::default(),
    };
    respond::refused(&page)
}

async fn read_only_off(call: PlatformCall<PlatformReadOnly>) -> Answer {
    set_read_only(&call.app.tenants, &call.grant, None).await?;
    Ok(back(Notice::ReadOnlyOff))
}

/// For a key that may have leaked: an announced change is nobody's to make, a job does that.
async fn replace_token_key(call: PlatformCall<PlatformKeyRotate>) -> Answer {
    token::rotate(&call.app.tenants, &call.grant, When::Now).await?;
    Ok(back(Notice::TokenKeyReplaced))
}

fn back(notice: Notice) -> actix_web::HttpResponse {
    respond::see_other(&super::with_notice(PAGE, notice))
}

fn path(tenant: &Tenant) -> String {
    format!("/platform/incident/tenants/{}", query::encode(tenant.slug.as_str()))
}

async fn ask_tenant(call: Revoker) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "incident").await?;
    let page = tenant_page(&call, Field::default(), Field::default()).await?;
    respond::page(&page)
}

async fn tenant_page(
    call: &Revoker,
    confirm: Field,
    reason: Field,
) -> Result<IncidentTenantPage, Failure> {
    let tenants = &call.app.tenants;
    let tenant = tenants.tenant(call.input.path("name")).ok_or_else(Failure::not_found)?;
    Ok(IncidentTenantPage {
        chrome: frame::platform(call, TITLE, Section::Jobs).await?,
        access: incident::count_tenant(tenants, &call.grant, tenant.id).await?,
        slug: tenant.slug.to_string(),
        name: tenant.name,
        confirm,
        reason,
    })
}

async fn revoke_tenant(call: Revoker) -> Answer {
    let Form { confirm, reason } = call.input.form()?;
    let (tenants, name) = (&call.app.tenants, call.input.path("name"));
    let why = Some(reason.as_str());
    match incident::revoke_tenant(tenants, &call.grant, name, &confirm, why).await {
        Ok(done) => finished(&call, done).await,
        Err(IncidentError::Confirmation) => {
            let confirm = Field::wrong(confirm, FieldError::Confirmation);
            respond::refused(&tenant_page(&call, confirm, Field::value(reason)).await?)
        }
        Err(error @ IncidentError::Reason) => {
            let reason = Field::wrong(reason, sentence(&error.to_string()));
            respond::refused(&tenant_page(&call, Field::value(confirm), reason).await?)
        }
        Err(error) => Err(error.into()),
    }
}
