//! Restore tests in the platform's console: what each found, as the installation signed it.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::audit::catalogue;
use crate::authz::permission::PlatformBackupRead;
use crate::backup::restore::{self, RestoreTest};
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::RestoreTestId;
use crate::trail;
use crate::web::view::backups::{RestoreTestsPage, TestedRow};
use crate::web::view::chrome::Section;
use crate::web::view::platform::duration;
use crate::web::{frame, respond};

const LIST: &str = "/platform/restore-tests";
const NOTE: &str = "/platform/restore-tests/{id}/note";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let nothing = Audit::Nothing("a result has ids and times, and is in the log itself");
    vec![
        Route::platform(Method::Get, LIST, opened, list).says("Restore tests and what they found"),
        Route::platform(Method::Get, NOTE, nothing, note)
            .says("The result of a restore test, signed"),
    ]
}

async fn list(call: PlatformCall<PlatformBackupRead>) -> Answer {
    let tenants = &call.app.tenants;
    trail::record_admin_access(tenants, &call.grant, "restore-tests").await?;
    let tests = restore::tests(tenants, &call.grant).await?;
    respond::page(&RestoreTestsPage {
        chrome: frame::platform(&call, "restore-tests-title", Section::Backups).await?,
        rows: tests.into_iter().map(row).collect(),
    })
}

fn row(test: RestoreTest) -> TestedRow {
    TestedRow {
        at: test.started,
        passed: test.passed,
        archives: test.archives,
        seconds: test.tested.iter().filter(|one| one.second.is_some()).count() as u64,
        took: duration(std::time::Duration::from_millis(test.millis)),
        problem: test.problem,
        note: NOTE.replace("{id}", &test.id.to_string()),
    }
}

async fn note(call: PlatformCall<PlatformBackupRead>) -> Answer {
    let id: RestoreTestId = call.input.id("id")?;
    let test = restore::test(&call.app.tenants, &call.grant, id).await?;
    let test = test.ok_or_else(Failure::not_found)?;
    let name = format!("attachment; filename=\"strongroom-restore-test-{}.txt\"", test.id);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(test.note))
}
