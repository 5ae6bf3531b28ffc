//! `/api/v1/identity-providers/{tenant}…`: who signs people in, beside this service.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{approvals, reply};
use crate::app::App;
use crate::audit::catalogue;
use crate::authz::permission::{SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::outgoing::Allowed;
use crate::sso::{
    self, Linked, NewProvider, Provider, ProviderChange, ProviderSettings, ProviderState, Report,
    ReportSummary, SsoError,
};

const ALL: &str = "/api/v1/identity-providers/{tenant}";
const ONE: &str = "/api/v1/identity-providers/{tenant}/{id}";
const LINKS: &str = "/api/v1/identity-providers/{tenant}/{id}/links";
const LINK: &str = "/api/v1/identity-providers/{tenant}/{id}/links/{user}";
const REPORTS: &str = "/api/v1/identity-providers/{tenant}/{id}/tests";
const REPORT: &str = "/api/v1/identity-providers/{tenant}/{id}/tests/{report}";

pub fn routes() -> Vec<Route> {
    let seen = Audit::Nothing("settings, without secrets; nobody is named");
    let changed = Audit::Events(&[catalogue::PROVIDER_CHANGED]);
    vec![
        Route::api(Method::Get, ALL, seen, list)
            .says("The identity providers, without their secrets")
            .gives::<Providers>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::PROVIDER_CREATED]), create)
            .says("Set up an identity provider; it is off until it is turned on")
            .sensitive()
            .takes::<NewProvider>()
            .gives::<Provider>(201),
        Route::api(Method::Get, ONE, seen, find)
            .says("One identity provider")
            .gives::<Provider>(200),
        Route::api(Method::Patch, ONE, changed, change)
            .says("Change an identity provider, turn it on or off; what is absent stays as it is")
            .sensitive()
            .takes::<Change>()
            .gives::<Provider>(200),
        Route::api(Method::Delete, ONE, Audit::Events(&[catalogue::PROVIDER_DELETED]), delete)
            .says("Remove an identity provider; sessions that stand on it end")
            .sensitive()
            .gives_nothing(),
        Route::api(Method::Get, LINKS, Audit::Nothing("ids and times; nobody is named"), links)
            .says("The members whom a provider signs in")
            .gives::<Links>(200),
        Route::api(Method::Delete, LINK, Audit::Events(&[catalogue::IDENTITY_UNLINKED]), unlink)
            .says("Forget who a member is at a provider; sessions that stand on it end")
            .sensitive()
            .gives_nothing(),
        Route::api(Method::Get, REPORTS, Audit::Nothing("times and outcomes"), reports)
            .says("The last sign-ins at a provider that were tried out, or refused")
            .gives::<Reports>(200),
        Route::api(Method::Get, REPORT, Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]), report)
            .says("One of them step by step, with what arrived")
            .gives::<Report>(200),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Links {
    items: Vec<Linked>,
}

/// All of them: there are never many.
#[derive(Serialize, JsonSchema)]
struct Providers {
    items: Vec<Provider>,
}

#[derive(Serialize, JsonSchema)]
struct Reports {
    items: Vec<ReportSummary>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Change {
    state: Option<ProviderState>,
    /// As a whole.
    settings: Option<ProviderSettings>,
    /// SAML: the provider's metadata.
    metadata: Option<String>,
    /// The client secret; empty to forget it.
    #[schemars(with = "Option<String>")]
    secret: Option<SecretString>,
    /// Asks a second person, where it takes one.
    reason: Option<String>,
}

/// Where the machine's administrator lets requests go.
fn allowed(app: &App) -> Allowed {
    Allowed::Also(app.settings.sso.allowed_addresses.clone())
}

async fn list(call: Call<SsoRead>) -> Answer {
    reply::ok(&Providers { items: sso::list(&call.app.tenants, &call.grant).await? })
}

async fn find(call: Call<SsoRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&sso::get(&call.app.tenants, &call.grant, id).await?)
}

async fn create(call: Call<SsoManage>) -> Answer {
    let mut new: NewProvider = call.input.json()?;
    if new.metadata.is_none() {
        new.metadata = sso::fetch_metadata(allowed(&call.app), &new.settings).await?;
    }
    let made = sso::create(&call.app.tenants, &call.grant, new).await?;
    let location = format!("/api/v1/identity-providers/{}/{}", call.tenant.slug, made.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(made))
}

async fn change(call: Call<SsoManage>) -> Answer {
    let id = call.input.id("id")?;
    let Change { state, settings, mut metadata, secret, reason } = call.input.json()?;
    if let (Some(settings), None) = (&settings, &metadata) {
        metadata = sso::fetch_metadata(allowed(&call.app), settings).await?;
    }
    let wanted = ProviderChange { state, settings, metadata, secret };
    match sso::change(&call.app.tenants, &call.grant, id, wanted).await {
        Ok(changed) => reply::ok(&changed),
        Err(SsoError::Approval(error)) => approvals::answer(&call, *error, reason.as_deref()).await,
        Err(error) => Err(error.into()),
    }
}

async fn delete(call: Call<SsoManage>) -> Answer {
    let id = call.input.id("id")?;
    sso::delete(&call.app.tenants, &call.grant, id).await?;
    reply::nothing()
}

async fn links(call: Call<SsoRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&Links { items: sso::links(&call.app.tenants, &call.grant, id).await? })
}

async fn unlink(call: Call<SsoManage>) -> Answer {
    let (id, user) = (call.input.id("id")?, call.input.id("user")?);
    sso::unlink(&call.app.tenants, &call.grant, id, user).await?;
    reply::nothing()
}

async fn reports(call: Call<SsoRead>) -> Answer {
    let id = call.input.id("id")?;
    sso::get(&call.app.tenants, &call.grant, id).await?;
    reply::ok(&Reports { items: sso::reports(&call.app.tenants, &call.grant, id).await? })
}

async fn report(call: Call<SsoRead>) -> Answer {
    let (id, report) = (call.input.id("id")?, call.input.id("report")?);
    reply::ok(&sso::report(&call.app.tenants, &call.grant, id, report).await?)
}
