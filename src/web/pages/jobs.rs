//! What the appliance does by itself, and how it went.

use crate::audit::catalogue;
use crate::authz::permission::PlatformJobRead;
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::jobs::{self, JobStatus, RunState};
use crate::trail;
use crate::web::view::chrome::Section;
use crate::web::view::platform::{JobRow, JobsPage};
use crate::web::view::state::JobResult;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::platform(Method::Get, "/platform/jobs", opened, list)
            .says("Scheduled jobs and their latest runs"),
    ]
}

async fn list(call: PlatformCall<PlatformJobRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "jobs").await?;
    let jobs = jobs::list(&call.app.tenants, &call.grant).await?;
    let rows = jobs.into_iter().map(row).collect();
    let chrome = frame::platform(&call, "nav-jobs", Section::Jobs).await?;
    respond::page(&JobsPage { chrome, rows })
}

fn row(job: JobStatus) -> JobRow {
    JobRow {
        name: job.name.to_owned(),
        description: job.description.to_owned(),
        schedule: job.schedule,
        result: match job.state {
            None => JobResult::NeverRun,
            Some(RunState::Running) => JobResult::Running,
            Some(RunState::Succeeded) => JobResult::Completed,
            Some(RunState::Failed) => JobResult::Failed,
            Some(RunState::Interrupted) => JobResult::Interrupted,
        },
        last_run: job.last_run,
        took: job.took,
        next_run: job.next_run,
        progress: job.progress,
        summary: job.summary,
        error: job.error,
    }
}
