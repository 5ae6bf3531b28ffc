//! Verifying a log from the console: it goes on by itself, and the page says how far it has come.

use std::time::Duration;

use actix_web::HttpResponse;

use crate::app::App;
use crate::audit::catalogue;
use crate::audit::verify::{self, Verification};
use crate::authz::permission::{AuditVerify, PlatformAuditVerify};
use crate::authz::{Grant, Permission, Realm};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::trail::{self, VerificationState};
use crate::web::problems::as_sentence;
use crate::web::view::audit_verify::{AuditVerifyPage, Excludes, Verified, VerifyState};
use crate::web::view::chrome::{Chrome, Section};
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
    let size = trail::overview(&call.app.tenants, &call.grant).await?.size;
    let chrome = frame::tenant(&call, "tab-verify", Section::Audit).await?;
    show(chrome, &call.app, call.grant.realm(), size)
}

async fn platform(call: PlatformCall<PlatformAuditVerify>) -> Answer {
    let size = trail::overview(&call.app.tenants, &call.grant).await?.size;
    let chrome = frame::platform(&call, "tab-verify", Section::PlatformAudit).await?;
    show(chrome, &call.app, call.grant.realm(), size)
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

fn show(chrome: Chrome, app: &App, realm: Realm, size: u64) -> Answer {
    let state = match app.verified.state(realm) {
        None => VerifyState::Never,
        Some(VerificationState::Running { done, total }) => VerifyState::Running { done, total },
        Some(VerificationState::Failed(why)) => VerifyState::Failed(as_sentence(&why)),
        Some(VerificationState::Done(found)) => match found.ok {
            true => VerifyState::Whole(Box::new(verified(&found))),
            false => VerifyState::Broken {
                first_bad: found.first_bad.unwrap_or(0),
                reason: found.reason.map(as_sentence),
                found: Box::new(verified(&found)),
            },
        },
    };
    respond::page(&AuditVerifyPage { chrome, state, size })
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
