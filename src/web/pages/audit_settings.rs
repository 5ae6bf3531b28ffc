//! Settings of an audit log, a tenant's and the platform's.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;

use super::who::Names;
use super::{also, approvals, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{
    AuditReindex, AuditShred, PlatformAuditReindex, PlatformRetentionManage, RetentionManage,
    RetentionRead,
};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::ShredId;
use crate::kernel::limits;
use crate::tenants::Tenants;
use crate::trail::{self, Certificate, Retention, TrailError};
use crate::web::view::audit_settings::{
    AuditSettingsPage, CertificateRow, DestroyForm, RetentionFacts, RetentionForm,
};
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const TENANT: &str = "/t/{tenant}/admin/audit/settings";
const DESTROY: &str = "/t/{tenant}/admin/audit/settings/destroy";
const CERTIFICATE: &str = "/t/{tenant}/admin/audit/settings/certificates/{id}";
const REINDEX: &str = "/t/{tenant}/admin/audit/settings/reindex";
const PLATFORM: &str = "/platform/audit/settings";
const PLATFORM_REINDEX: &str = "/platform/audit/settings/reindex";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let changed = Audit::Events(&[catalogue::SETTINGS_CHANGED, catalogue::ADMIN_PANEL_ACCESS]);
    let rebuilt = Audit::Events(&[catalogue::INDEX_REBUILT]);
    let destroyed = Audit::Events(&[
        catalogue::AUDIT_SHREDDED,
        catalogue::APPROVAL_REQUESTED,
        catalogue::ADMIN_PANEL_ACCESS,
    ]);
    vec![
        Route::console(Method::Get, TENANT, opened, show).says("Settings of a tenant's audit log"),
        Route::console(Method::Post, TENANT, changed, change)
            .says("Change how long a tenant's audit entries are kept")
            .sensitive(),
        Route::console(Method::Post, REINDEX, rebuilt, reindex)
            .says("Build the search index of a tenant's audit log anew"),
        Route::console(Method::Post, DESTROY, destroyed, destroy)
            .says("Destroy what a tenant's audit log says")
            .sensitive(),
        Route::console(
            Method::Get,
            CERTIFICATE,
            Audit::Nothing("a certificate has ids of keys and counts, and is in the log itself"),
            certificate,
        )
        .says("The certificate of a destruction"),
        Route::platform(Method::Get, PLATFORM, opened, show_platform)
            .says("Settings of the platform's audit log"),
        Route::platform(Method::Post, PLATFORM, changed, change_platform)
            .says("Change how long the platform's audit entries are kept")
            .sensitive(),
        Route::platform(Method::Post, PLATFORM_REINDEX, rebuilt, reindex_platform)
            .says("Build the search index of the platform's audit log anew"),
    ]
}

/// What did not go through.
#[derive(Default)]
struct Refused {
    retention: Option<RetentionForm>,
    confirm: Option<Field>,
}

async fn show(call: Call<RetentionRead>) -> Answer {
    page(&call, Refused::default()).await
}

async fn page<P: Permission>(call: &Call<P>, refused: Refused) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, RetentionRead>(call)?);
    trail::record_admin_access(tenants, &grant, "audit-settings").await?;
    let retention = trail::retention(tenants, &grant, None).await?;
    let certificates = trail::certificates(tenants, &grant).await?;
    let asked_by = certificates.iter().map(|one| &one.asked_by);
    let who = Names::of(call, asked_by.map(|by| (by.kind.as_str(), by.id.as_str()))).await;
    let slug = call.tenant.slug.to_string();
    let destroy = call.also::<AuditShred>().map(|_| DestroyForm {
        slug: slug.clone(),
        confirm: refused.confirm.clone().unwrap_or_default(),
    });
    let row = |certificate: &Certificate| CertificateRow {
        href: CERTIFICATE.replace("{tenant}", &slug).replace("{id}", &certificate.id.to_string()),
        finished: certificate.finished,
        asked_by: who.is(&certificate.asked_by.kind, &certificate.asked_by.id),
        keys: certificate.keys.len() as u64,
    };
    let status = status(&refused);
    let may_change = call.also::<RetentionManage>().is_some();
    let may_reindex = call.also::<AuditReindex>().is_some();
    let page = AuditSettingsPage {
        chrome: frame::tenant(call, "audit-settings", Section::Audit).await?,
        form: form(&retention, may_change, refused.retention),
        retention: facts(&retention),
        may_reindex,
        destroy,
        certificates: certificates.iter().map(row).collect(),
    };
    respond::page_with(status, &page)
}

async fn show_platform(call: PlatformCall<PlatformRetentionManage>) -> Answer {
    platform_page(&call, Refused::default()).await
}

async fn platform_page(call: &PlatformCall<PlatformRetentionManage>, refused: Refused) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "audit-settings").await?;
    let retention = trail::retention(tenants, &call.grant, None).await?;
    let status = status(&refused);
    let page = AuditSettingsPage {
        chrome: frame::platform(call, "audit-settings", Section::PlatformAudit).await?,
        form: form(&retention, true, refused.retention),
        retention: facts(&retention),
        may_reindex: call.also::<PlatformAuditReindex>().is_some(),
        destroy: None,
        certificates: Vec::new(),
    };
    respond::page_with(status, &page)
}

fn status(refused: &Refused) -> StatusCode {
    match (&refused.retention, &refused.confirm) {
        (None, None) => StatusCode::OK,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn facts(retention: &Retention) -> RetentionFacts {
    RetentionFacts {
        days: retention.days.into(),
        removed_through: retention.removed_through,
        oldest: retention.oldest,
        due: retention.due,
        next_due: retention.next_due,
    }
}

fn form(
    retention: &Retention,
    may_change: bool,
    refused: Option<RetentionForm>,
) -> Option<RetentionForm> {
    let fresh = || wanted(Field::value(retention.days.to_string()), None);
    may_change.then(|| refused.unwrap_or_else(fresh))
}

fn wanted(days: Field, removes: Option<u64>) -> RetentionForm {
    RetentionForm { days, minimum: limits::RETENTION_DAYS_MIN.into(), removes }
}

#[derive(Deserialize)]
struct Form {
    days: String,
    #[serde(default)]
    confirm: String,
}

/// The wanted days, or the form once more: with what is wrong, or with what it would remove.
async fn checked<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    form: Form,
) -> Result<Result<u32, RetentionForm>, Failure> {
    let typed = form.days.trim().to_owned();
    let possible = limits::RETENTION_DAYS_MIN..=limits::RETENTION_DAYS_MAX;
    let Some(days) = typed.parse().ok().filter(|days| possible.contains(days)) else {
        let (min, max) = possible.into_inner();
        return Ok(Err(wanted(Field::wrong(typed, FieldError::Days { min, max }), None)));
    };
    let now = trail::retention(tenants, grant, None).await?;
    let then = trail::retention(tenants, grant, Some(days)).await?;
    if then.due > now.due && form.confirm != typed {
        return Ok(Err(wanted(Field::value(typed), Some(then.due))));
    }
    Ok(Ok(days))
}

async fn change(call: Call<RetentionManage>) -> Answer {
    let tenants = &call.app.tenants;
    match checked(tenants, &call.grant, call.input.form()?).await? {
        Ok(days) => match trail::set_retention(tenants, &call.grant, days).await {
            Err(TrailError::Approval(error)) => return approvals::answer(&call, *error).await,
            set => set?,
        },
        Err(form) => {
            let refused = Refused { retention: Some(form), ..Refused::default() };
            return page(&call, refused).await;
        }
    };
    Ok(back(&here(&call), Notice::RetentionChanged))
}

async fn change_platform(call: PlatformCall<PlatformRetentionManage>) -> Answer {
    let tenants = &call.app.tenants;
    match checked(tenants, &call.grant, call.input.form()?).await? {
        Ok(days) => trail::set_platform_retention(tenants, &call.grant, days).await?,
        Err(form) => {
            let refused = Refused { retention: Some(form), ..Refused::default() };
            return platform_page(&call, refused).await;
        }
    };
    Ok(back(PLATFORM, Notice::RetentionChanged))
}

async fn reindex(call: Call<AuditReindex>) -> Answer {
    trail::reindex(&call.app.tenants, &call.grant).await?;
    Ok(back(&here(&call), Notice::IndexRebuilt))
}

async fn reindex_platform(call: PlatformCall<PlatformAuditReindex>) -> Answer {
    trail::reindex_platform(&call.app.tenants, &call.grant).await?;
    Ok(back(PLATFORM, Notice::IndexRebuilt))
}

#[derive(Deserialize)]
struct Destroy {
    confirm: String,
}

async fn destroy(call: Call<AuditShred>) -> Answer {
    let Destroy { confirm } = call.input.form()?;
    let done = trail::shred(&call.app.tenants, &call.grant, &call.tenant, &confirm).await;
    match done {
        Ok(_) => Ok(back(&here(&call), Notice::AuditDestroyed)),
        Err(TrailError::Confirmation) => {
            let field = Field::wrong(confirm, FieldError::Confirmation);
            page(&call, Refused { confirm: Some(field), ..Refused::default() }).await
        }
        Err(TrailError::Approval(error)) => approvals::answer(&call, *error).await,
        Err(error) => Err(error.into()),
    }
}

async fn certificate(call: Call<RetentionRead>) -> Answer {
    let id: ShredId = call.input.id("id")?;
    let all = trail::certificates(&call.app.tenants, &call.grant).await?;
    let found = all.into_iter().find(|one| one.id == id).ok_or_else(Failure::not_found)?;
    let name = format!("attachment; filename=\"strongroom-destruction-{id}.txt\"");
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(found.certificate))
}

fn here<P>(call: &Call<P>) -> String {
    TENANT.replace("{tenant}", call.tenant.slug.as_str())
}

fn back(path: &str, notice: Notice) -> HttpResponse {
    respond::see_other(&with_notice(path, notice))
}
