//! Verifying a log from the console: it goes on by itself, and the page says how far it has come.

use std::time::Duration;

use actix_web::HttpResponse;

use crate::app::App;
use crate::audit::catalogue;
use crate::audit::past::PastVerification;
use crate::audit::verify::{self, Verification};
use crate::authz::permission::{
    AuditExport, AuditVerify, PlatformAuditExport, PlatformAuditVerify,
};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::trail::{self, PastLogView, VerificationState};
use crate::web::problems::as_sentence;
use crate::web::view::audit_verify::{
    AuditVerifyPage, Excludes, PastLogRow, PastLogState, Verified, VerifyState,
};
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::query::href;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let check = Audit::Events(&[catalogue::AUDIT_VERIFIED]);
    let look = Audit::Nothing("it shows what a verification found, which is an entry itself");
    vec![
        Route::console(Method::Get, "/t/{tenant}/admin/audit/verify", look, tenant)
            .says("What the last verification of a tenant's audit log found"),
        Route::console(Method::Post, "/t/{tenant}/admin/audit/verify", check, tenant_start)
            .says("Verify a tenant's audit log"),
        Route::platform(Method::Get, "/platform/audit/verify", look, platform)
            .says("What the last verification of the platform's audit log found"),
        Route::platform(Method::Post, "/platform/audit/verify", check, platform_start)
            .says("Verify the platform's audit log"),
    ]
}

async fn tenant(call: Call<AuditVerify>) -> Answer {
    let chrome = frame::tenant(&call, "tab-verify", Section::Audit).await?;
    let may_export = call.also::<AuditExport>().is_some();
    show(chrome, &call.app, &call.grant, may_export).await
}

async fn platform(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    let chrome = frame::platform(&call, "tab-verify", Section::PlatformAudit).await?;
    let may_export = call.also::<PlatformAuditExport>().is_some();
    show(chrome, &call.app, &call.grant, may_export).await
}

async fn tenant_start(call: Call<AuditVerify>) -> Answer {
    let page = format!("/t/{}/admin/audit/verify", call.tenant.slug);
    start(&call.app, &call.grant, &page).await
}

async fn platform_start(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    start(&call.app, &call.grant, "/platform/audit/verify").await
}

/// Most logs are verified while a person looks: those need no page that waits.
const AT_ONCE: Duration = Duration::from_millis(1500);
const LOOK: Duration = Duration::from_millis(25);

async fn start<P: Permission>(
    app: &App,
    grant: &Grant<P>,
    page: &str,
) -> Result<HttpResponse, Failure> {
    trail::start_verification(&app.tenants, &app.verified, grant);
    let ended = async {
        while let Some(VerificationState::Running { .. }) = app.verified.state(grant.realm()) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let _ = tokio::time::timeout(AT_ONCE, ended).await; // then the page waits
    Ok(respond::see_other(page))
}

async fn show<P: Permission>(
    chrome: Chrome,
    app: &App,
    grant: &Grant<P>,
    may_export: bool,
) -> Answer {
    let size = trail::overview(&app.tenants, grant).await?.size;
    let state = app.verified.state(grant.realm());
    let found = match &state {
        Some(VerificationState::Done(found)) => found.past.as_slice(),
        _ => &[],
    };
    let exports = may_export.then(|| format!("{}/new", chrome.exports_href()));
    let past = trail::past_logs(&app.tenants, grant).await?;
    let past = past.into_iter().map(|log| past_row(log, found, exports.as_deref())).collect();
    respond::page(&AuditVerifyPage { chrome, state: shown(state), size, past })
}

fn shown(state: Option<VerificationState>) -> VerifyState {
    match state {
        None => VerifyState::Never,
        Some(VerificationState::Running { done, total }) => VerifyState::Running { done, total },
        Some(VerificationState::Failed(why)) => VerifyState::Failed(as_sentence(&why)),
        Some(VerificationState::Done(found)) => match found.ok {
            true => VerifyState::Whole(Box::new(verified(&found))),
            false => VerifyState::Broken {
                first_bad: found.first_bad,
                reason: found.reason.map(as_sentence),
                found: Box::new(verified(&found)),
            },
        },
    }
}

fn past_row(log: PastLogView, found: &[PastVerification], exports: Option<&str>) -> PastLogRow {
    let id = log.log_id.to_string();
    let verified = match found.iter().find(|found| found.log_id == log.log_id) {
        None => PastLogState::NotVerified,
        Some(found) if found.ok => PastLogState::Whole,
        Some(found) => PastLogState::Broken(as_sentence(found.reason.as_deref().unwrap_or(""))),
    };
    let state = log.removed.map_or(verified, PastLogState::Removed);
    let exports = exports.filter(|_| log.removed.is_none());
    PastLogRow {
        export: exports.map(|page| href(page, &[("log", &id), ("format", "bundle")])),
        id,
        size: log.size,
        began: log.began,
        ended: log.ended,
        restore: log.restore.to_string(),
        lost: log.lost,
        state,
    }
}

fn verified(found: &Verification) -> Verified {
    let excludes = |by: &verify::Excludes| Excludes {
        size: by.size,
        time: by.time,
        witnesses: by.witnesses.clone(),
    };
    Verified {
        entries: found.size,
        head: (found.size > 0).then(|| found.head.to_string()),
        root: found.root.to_string(),
        checkpoints: found.checkpoints,
        took: Duration::from_millis(found.duration_ms),
        excluded_by: found.excluded_by.as_ref().map(excludes),
        witnessed_by: found.witnessed_by.as_ref().map(excludes),
    }
}
