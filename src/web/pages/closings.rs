//! Closing tenants in the platform's console.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;

use super::platform_tenant::{path, tenant};
use super::who::Names;
use super::{also_platform, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{TenantClose, TenantRead};
use crate::closing::{self, Closing, ClosingError, ClosingState as State};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::tenants::Tenant;
use crate::trail;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::closing::{ClosePage, ClosingRow, ClosingsPage, GraceFacts};
use crate::web::view::form::Field;
use crate::web::view::state::{ClosingState, Notice};
use crate::web::{frame, respond};

const ALL: &str = "/platform/closings";
const CERTIFICATE: &str = "/platform/closings/{id}/certificate";
const CLOSE: &str = "/platform/tenants/{name}/close";
const REOPEN: &str = "/platform/tenants/{name}/reopen";
const DAY_SECONDS: u64 = 24 * 60 * 60;

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::platform(Method::Get, ALL, opened, list)
            .says("Tenants that were closed, with certificates of their destruction"),
        Route::platform(
            Method::Get,
            CERTIFICATE,
            Audit::Nothing("a certificate has ids and times, and is in the log itself"),
            certificate,
        )
        .says("The certificate of a tenant's destruction"),
        Route::platform(Method::Get, CLOSE, opened, form).says("Ask before closing a tenant"),
        Route::platform(Method::Post, CLOSE, Audit::Events(&[catalogue::ACCOUNT_CLOSED]), close)
            .says("Close a tenant: it is destroyed after its time of grace")
            .sensitive(),
        Route::platform(Method::Post, REOPEN, Audit::Events(&[catalogue::TENANT_REOPENED]), reopen)
            .says("Take the closing of a tenant back")
            .sensitive(),
    ]
}

async fn list(call: PlatformCall<TenantRead>) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "closings").await?;
    let all = closing::list(tenants, &call.grant).await?;
    respond::page(&ClosingsPage {
        chrome: frame::platform(&call, "closings-title", Section::Tenants).await?,
        rows: all.into_iter().map(|closing| row(&call, closing)).collect(),
    })
}

fn row(call: &PlatformCall<TenantRead>, closing: Closing) -> ClosingRow {
    let there = call.app.tenants.tenant_by_id(closing.tenant);
    let certificate = CERTIFICATE.replace("{id}", &closing.id.to_string());
    ClosingRow {
        href: there.map(|tenant| path(&tenant)),
        state: ClosingState::from_code(closing.state.name()).unwrap_or(ClosingState::Destroying),
        closed: closing.closed_at,
        end: match closing.state {
            State::Closed => Some(closing.due_at),
            State::Reopened => closing.reopened_at,
            State::Destroying | State::Destroyed => closing.destroyed_at,
        },
        keys_until: closing.keys_in_backups_until,
        certificate: closing.certificate.map(|_| certificate),
        name: closing.name,
        slug: closing.slug,
    }
}

async fn certificate(call: PlatformCall<TenantRead>) -> Answer {
    let id = call.input.id("id")?;
    let found = closing::find(&call.app.tenants, &call.grant, id).await?;
    let certificate = found.certificate.ok_or_else(Failure::not_found)?;
    let name = format!("attachment; filename=\"strongroom-destruction-{}.txt\"", found.slug);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(certificate))
}

/// The time of grace that a tenant's page tells of.
pub async fn grace<P: Permission>(
    call: &PlatformCall<P>,
    tenant: &Tenant,
) -> Result<Option<GraceFacts>, Failure> {
    let (tenants, grant) = (&call.app.tenants, also_platform::<_, TenantRead>(call)?);
    let found = closing::of_tenant(tenants, &grant, tenant.id).await?;
    let Some(closing) = found else { return Ok(None) };
    let (now, by) = (call.app.runtime.now(), &closing.closed_by);
    let who = Names::on_platform(call, &by.id).await;
    Ok(Some(GraceFacts {
        closed: closing.closed_at,
        due: closing.due_at,
        days_left: closing.due_at.since(now).as_secs().div_ceil(DAY_SECONDS),
        held: closing.held,
        reason: closing.reason,
        by: who.is(&by.kind, &by.id),
        command: format!(
            "strongroom tenant export {} --out {0}.tar.age --recipient age1…",
            tenant.slug
        ),
        may_reopen: call.also::<TenantClose>().is_some(),
    }))
}

async fn form(call: PlatformCall<TenantClose>) -> Answer {
    let tenant = tenant(&call).await?;
    page(&call, &tenant, Form::default(), None).await
}

#[derive(Default, Deserialize)]
struct Form {
    confirm: String,
    reason: String,
}

async fn close(call: PlatformCall<TenantClose>) -> Answer {
    let form: Form = call.input.form()?;
    let (tenants, name) = (&call.app.tenants, call.input.path("name"));
    let grace = call.app.settings.closing.grace();
    let Form { confirm, reason } = &form;
    match closing::close(tenants, &call.grant, name, confirm, reason, grace).await {
        Ok(closing) => {
            let back = format!("/platform/tenants/{}", closing.tenant);
            Ok(respond::see_other(&with_notice(&back, Notice::TenantClosed)))
        }
        Err(error @ (ClosingError::Confirmation | ClosingError::Reason)) => {
            let tenant = tenant(&call).await?;
            page(&call, &tenant, form, Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    call: &PlatformCall<TenantClose>,
    tenant: &Tenant,
    form: Form,
    error: Option<&ClosingError>,
) -> Answer {
    let (mut confirm, mut reason) = (Field::value(form.confirm), Field::value(form.reason));
    match error {
        Some(error @ ClosingError::Confirmation) => {
            confirm.error = Some(sentence(&error.to_string()));
        }
        Some(error) => reason.error = Some(sentence(&error.to_string())),
        None => {}
    }
    let settings = &call.app.settings;
    let key_days = settings.backup.ageing().map_or(0, |_| settings.backup.key_days);
    let grace_days = settings.closing.grace_days;
    let page = ClosePage {
        chrome: frame::platform(call, "tenant-close", Section::Tenants).await?,
        name: tenant.name.clone(),
        slug: tenant.slug.to_string(),
        back: path(tenant),
        grace_days: grace_days.into(),
        gone_days: (grace_days + key_days).into(),
        confirm,
        reason,
    };
    let status = match error {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    respond::page_with(status, &page)
}

async fn reopen(call: PlatformCall<TenantClose>) -> Answer {
    let name = call.input.path("name");
    let closing = closing::reopen(&call.app.tenants, &call.grant, name).await?;
    let back = format!("/platform/tenants/{}", closing.tenant);
    Ok(respond::see_other(&with_notice(&back, Notice::TenantReopened)))
}
