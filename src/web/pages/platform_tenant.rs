//! One tenant in the platform's console, and its state.

use super::{also_platform, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{TenantClose, TenantRead, TenantState};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::tenants::{self, StateChange, Tenant};
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::platform::TenantPage;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/platform/tenants/{name}";
const CHANGE: &str = "/platform/tenants/{name}/{change}";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[
        catalogue::TENANT_FROZEN,
        catalogue::TENANT_UNFROZEN,
        catalogue::TENANT_SUSPENDED,
        catalogue::TENANT_RESUMED,
    ]);
    vec![
        Route::platform(Method::Get, PATH, opened, show).says("One tenant: name, age and state"),
        Route::platform(Method::Get, CHANGE, opened, confirm)
            .says("Ask before freezing, unfreezing, suspending or resuming a tenant"),
        Route::platform(Method::Post, CHANGE, changed, change)
            .says("Freeze, unfreeze, suspend or resume a tenant")
            .sensitive(),
    ]
}

/// A tenant's page. By id where the short name means another page.
pub fn path(tenant: &Tenant) -> String {
    match tenant.slug.as_str() {
        "new" => format!("/platform/tenants/{}", tenant.id),
        slug => format!("/platform/tenants/{slug}"),
    }
}

/// The tenant that the path names; looking is recorded.
pub async fn tenant<P: Permission>(call: &PlatformCall<P>) -> Result<Tenant, Failure> {
    let (tenants, grant) = (&call.app.tenants, also_platform::<_, TenantRead>(call)?);
    trail::record_admin_access(tenants, &grant, "tenant").await?;
    Ok(tenants::find(tenants, &grant, call.input.path("name")).await?)
}

async fn show(call: PlatformCall<TenantRead>) -> Answer {
    let tenant = tenant(&call).await?;
    let grace = super::closings::grace(&call, &tenant).await?;
    let mut chrome = frame::platform(&call, "nav-tenants", Section::Tenants).await?;
    chrome.title.clone_from(&tenant.name);
    respond::page(&TenantPage {
        chrome,
        id: tenant.id.to_string(),
        slug: tenant.slug.to_string(),
        path: path(&tenant),
        state: super::platform::state(&tenant),
        created: tenant.created,
        grace,
        may_close: call.also::<TenantClose>().is_some(),
        name: tenant.name,
    })
}

/// The change that the path names.
fn asked<P: Permission>(call: &PlatformCall<P>) -> Result<StateChange, Failure> {
    StateChange::parse(call.input.path("change")).ok_or_else(Failure::not_found)
}

async fn confirm(call: PlatformCall<TenantState>) -> Answer {
    let change = asked(&call)?;
    let tenant = tenant(&call).await?;
    let path = path(&tenant);
    respond::page(&ConfirmPage {
        chrome: frame::platform(&call, "nav-tenants", Section::Tenants).await?,
        act: act(change),
        subject: tenant.name,
        action: format!("{path}/{}", change.name()),
        cancel: path,
    })
}

async fn change(call: PlatformCall<TenantState>) -> Answer {
    let change = asked(&call)?;
    let (tenants, name) = (&call.app.tenants, call.input.path("name"));
    let before = tenants::find(tenants, &also_platform::<_, TenantRead>(&call)?, name).await?;
    let after = tenants::change_state(tenants, &call.grant, name, change).await?;
    let notice = if before.state == after.state { Notice::NothingChanged } else { notice(change) };
    Ok(respond::see_other(&with_notice(&path(&after), notice)))
}

const fn act(change: StateChange) -> ConfirmAct {
    match change {
        StateChange::Freeze => ConfirmAct::FreezeTenant,
        StateChange::Unfreeze => ConfirmAct::UnfreezeTenant,
        StateChange::Suspend => ConfirmAct::SuspendTenant,
        StateChange::Resume => ConfirmAct::ResumeTenant,
    }
}

const fn notice(change: StateChange) -> Notice {
    match change {
        StateChange::Freeze => Notice::TenantFrozen,
        StateChange::Unfreeze => Notice::TenantUnfrozen,
        StateChange::Suspend => Notice::TenantSuspended,
        StateChange::Resume => Notice::TenantResumed,
    }
}
