//! Identity providers: setting them up, trying them out, turning them on.

mod connection;
mod connection_form;
mod keys;
mod people;
mod people_form;
mod rows;
mod trial;
mod words;

use actix_web::http::StatusCode;

use super::{also, approvals, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{SettingsRead, SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, BodyLimit, Method, Route};
use crate::kernel::id::ProviderId;
use crate::kernel::limits;
use crate::sso::{self, Provider, ProviderChange, ProviderState, SsoError};
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::identity_providers::{Given, ProviderPage, ProvidersPage, SsoWarning};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

/// A page of the administration, as the log names it.
const PAGE: &str = "single-sign-on";

const ALL: &str = "/t/{tenant}/admin/sso";
const NEW: &str = "/t/{tenant}/admin/sso/new";
const ONE: &str = "/t/{tenant}/admin/sso/{id}";
const CONNECTION: &str = "/t/{tenant}/admin/sso/{id}/connection";
const PEOPLE: &str = "/t/{tenant}/admin/sso/{id}/people";
const RULES: &str = "/t/{tenant}/admin/sso/{id}/rules";
const ON: &str = "/t/{tenant}/admin/sso/{id}/on";
const OFF: &str = "/t/{tenant}/admin/sso/{id}/off";
const DELETE: &str = "/t/{tenant}/admin/sso/{id}/delete";
const TEST: &str = "/t/{tenant}/admin/sso/{id}/test";
const REPORT: &str = "/t/{tenant}/admin/sso/{id}/tests/{test}";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let created = Audit::Events(&[catalogue::PROVIDER_CREATED, catalogue::APPROVAL_REQUESTED]);
    let changed = Audit::Events(&[catalogue::PROVIDER_CHANGED, catalogue::APPROVAL_REQUESTED]);
    let deleted = Audit::Events(&[catalogue::PROVIDER_DELETED]);
    let large = BodyLimit::Bytes(limits::SSO_FORM_BYTES);
    let mut routes = vec![
        Route::console(Method::Get, ALL, opened, list)
            .says("The identity providers, and what they have to know of this tenant"),
        Route::console(Method::Get, NEW, opened, connection::new)
            .says("Choosing a kind of identity provider, then the form for one"),
        Route::console(Method::Post, NEW, created, connection::create)
            .says("Add an identity provider")
            .body(large)
            .sensitive(),
        Route::console(Method::Get, ONE, opened, show).says("One identity provider"),
        Route::console(Method::Get, CONNECTION, opened, connection::edit)
            .says("The form for the connection to an identity provider"),
        Route::console(Method::Post, CONNECTION, changed, connection::change)
            .says("Change the connection to an identity provider")
            .body(large)
            .sensitive(),
        Route::console(Method::Get, PEOPLE, opened, people::edit)
            .says("The form for who gets in by an identity provider"),
        Route::console(Method::Post, PEOPLE, changed, people::change)
            .says("Change who gets in by an identity provider")
            .sensitive(),
        Route::console(
            Method::Post,
            RULES,
            Audit::Nothing("the form comes back with its list of rules changed; nothing is saved"),
            people::rules,
        )
        .says("Add, move or remove a rule on the form, without saving it"),
        Route::console(Method::Post, ON, changed, turn_on)
            .says("Turn an identity provider on")
            .sensitive(),
        Route::console(Method::Post, OFF, changed, turn_off)
            .says("Turn an identity provider off, and end its sessions")
            .sensitive(),
        Route::console(Method::Post, DELETE, deleted, delete)
            .says("Remove an identity provider, and end its sessions")
            .sensitive(),
        Route::console(Method::Get, TEST, opened, trial::test)
            .says("What trying an identity provider out does, and the last reports"),
        Route::console(Method::Get, REPORT, opened, trial::report)
            .says("The report of a sign-in at an identity provider"),
    ];
    // Before the page of one provider, whose id takes any name.
    routes.splice(3..3, keys::routes());
    routes
}

fn base<P>(call: &Call<P>) -> String {
    format!("/t/{}/admin/sso", call.tenant.slug)
}

fn given<P>(call: &Call<P>) -> Given {
    Given::new(call.app.base_url().trim_end_matches('/'), call.tenant.slug.as_str())
}

/// For one provider, in its product's terms.
fn given_to<P>(call: &Call<P>, provider: &Provider) -> Given {
    let base = call.app.base_url().trim_end_matches('/');
    let own = sso::oidc::callback_url(base, &call.tenant, provider.id);
    let preset = words::preset(provider.settings.preset);
    given(call).with_redirect_uri(own).of(preset, rows::protocol(provider))
}

async fn opened<P: Permission>(call: &Call<P>) -> Result<(), Failure> {
    trail::record_admin_access(&call.app.tenants, &call.grant, PAGE).await?;
    Ok(())
}

async fn found<P: Permission>(call: &Call<P>) -> Result<Provider, Failure> {
    let id: ProviderId = call.input.id("id")?;
    let grant = also::<_, SsoRead>(call)?;
    Ok(sso::get(&call.app.tenants, &grant, id).await?)
}

/// What ends soon, for the home page of whoever may see the providers.
pub(super) async fn ending<P: Permission>(call: &Call<P>) -> Result<Vec<SsoWarning>, Failure> {
    let Some(grant) = call.also::<SsoRead>() else { return Ok(Vec::new()) };
    let providers = sso::list(&call.app.tenants, &grant).await?;
    let (base, now) = (base(call), call.app.runtime.now());
    Ok(providers.iter().flat_map(|provider| rows::warnings(provider, &base, now)).collect())
}

async fn list(call: Call<SsoRead>) -> Answer {
    opened(&call).await?;
    let providers = sso::list(&call.app.tenants, &call.grant).await?;
    let activity = sso::activity(&call.app.tenants, &call.grant).await?;
    let (base, now) = (base(&call), call.app.runtime.now());
    let row = |provider: &Provider| {
        let activity = activity.get(&provider.id).copied().unwrap_or_default();
        rows::provider(provider, &activity, &base, now)
    };
    respond::page(&ProvidersPage {
        chrome: frame::tenant(&call, "sso-title", Section::Permissions).await?,
        rows: providers.iter().map(row).collect(),
        warnings: providers.iter().flat_map(|p| rows::warnings(p, &base, now)).collect(),
        given: given(&call),
        may_manage: call.also::<SsoManage>().is_some(),
        may_see_enforcement: call.also::<SettingsRead>().is_some(),
    })
}

async fn show(call: Call<SsoRead>) -> Answer {
    let provider = found(&call).await?;
    opened(&call).await?;
    page(&call, &provider, Field::default(), None).await
}

/// `problem` is why something about it is not done.
async fn page<P: Permission>(
    call: &Call<P>,
    provider: &Provider,
    confirm: Field,
    problem: Option<String>,
) -> Answer {
    let grant = also::<_, SsoRead>(call)?;
    let (base, now) = (base(call), call.app.runtime.now());
    let reports = sso::reports(&call.app.tenants, &grant, provider.id).await?;
    let last_test = reports.iter().find(|report| report.kind == sso::ReportKind::Test);
    let mut chrome = frame::tenant(call, "sso-title", Section::Permissions).await?;
    chrome.title.clone_from(&provider.settings.name);
    let status = match confirm.error.is_some() || problem.is_some() {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let page = ProviderPage {
        chrome,
        name: provider.settings.name.clone(),
        href: format!("{base}/{}", provider.id),
        preset: words::preset(provider.settings.preset),
        protocol: rows::protocol(provider),
        state: rows::state(provider),
        last_test: last_test.map(|report| report.passed),
        warnings: rows::warnings(provider, &base, now),
        given: given_to(call, provider),
        connection: rows::connection(provider),
        people: rows::people(provider),
        certificates: rows::certificates(provider, now),
        tests: rows::reports(&reports, &base),
        may_manage: call.also::<SsoManage>().is_some(),
        confirm,
        problem,
    };
    respond::page_with(status, &page)
}

async fn turn_on(call: Call<SsoManage>) -> Answer {
    turn(&call, ProviderState::On, Notice::ProviderOn).await
}

async fn turn_off(call: Call<SsoManage>) -> Answer {
    turn(&call, ProviderState::Off, Notice::ProviderOff).await
}

async fn turn(call: &Call<SsoManage>, state: ProviderState, notice: Notice) -> Answer {
    let id: ProviderId = call.input.id("id")?;
    let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
    match sso::change(&call.app.tenants, &call.grant, id, change).await {
        Ok(_) => {
            let here = format!("{}/{id}", base(call));
            Ok(respond::see_other(&with_notice(&here, notice)))
        }
        Err(SsoError::Approval(error)) => approvals::answer(call, *error).await,
        Err(error) => not_done(call, &found(call).await?, error).await,
    }
}

/// Says why on the provider's page.
async fn not_done(call: &Call<SsoManage>, provider: &Provider, error: SsoError) -> Answer {
    match error {
        SsoError::Setting { .. } | SsoError::LastProvider | SsoError::Role(_) => {
            page(call, provider, Field::default(), Some(words::said(&error))).await
        }
        error => Err(error.into()),
    }
}

async fn delete(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    let typed = call.input.form_field("confirm").unwrap_or_default();
    if typed.trim() != provider.settings.name {
        let confirm = Field::wrong(typed, FieldError::Confirmation);
        return page(&call, &provider, confirm, None).await;
    }
    match sso::delete(&call.app.tenants, &call.grant, provider.id).await {
        Ok(()) => Ok(respond::see_other(&with_notice(&base(&call), Notice::ProviderDeleted))),
        Err(error) => not_done(&call, &provider, error).await,
    }
}
