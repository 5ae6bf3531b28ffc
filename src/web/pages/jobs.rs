//! What the appliance does by itself, and how it went.

use actix_web::http::StatusCode;
use chrono_tz::Tz;
use serde::Deserialize;

use super::{also_platform, with_notice};
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{PlatformJobControl, PlatformJobRead};
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::jobs::{self, ControlError, Job, JobRun, JobStatus, Origin, Rhythm};
use crate::trail;
use crate::web::problems::sentence;
use crate::web::view::chrome::Section;
use crate::web::view::form::Field;
use crate::web::view::jobs::{JobActs, JobPage, JobRunRow, result, when};
use crate::web::view::platform::{JobRow, JobsPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const ALL: &str = "/platform/jobs";
const ONE: &str = "/platform/jobs/{code}";
const RUN: &str = "/platform/jobs/{code}/run";
const CANCEL: &str = "/platform/jobs/{code}/cancel";
const SCHEDULE: &str = "/platform/jobs/{code}/schedule";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let requested = Audit::Events(&[catalogue::JOB_REQUESTED]);
    let cancelled = Audit::Events(&[catalogue::JOB_CANCELLED]);
    let scheduled = Audit::Events(&[catalogue::JOB_SCHEDULED, catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::platform(Method::Get, ALL, opened, list)
            .says("Scheduled jobs and their latest runs"),
        Route::platform(Method::Get, ONE, opened, show)
            .says("One job: when it runs, its runs and what they said"),
        Route::platform(Method::Post, RUN, requested, run).says("Start a job now"),
        Route::platform(Method::Post, CANCEL, cancelled, cancel).says("Cancel a job's run"),
        Route::platform(Method::Post, SCHEDULE, scheduled, schedule)
            .says("Change when a job runs, or switch it off")
            .sensitive(),
    ]
}

async fn list(call: PlatformCall<PlatformJobRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "jobs").await?;
    let jobs = jobs::list(&call.app.tenants, &call.grant, zone(&call)).await?;
    let is_rare = |job: &JobStatus| Rhythm::of(job.own_schedule).is_none_or(Rhythm::is_rare);
    let (nightly, machinery): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_rare);
    let [nightly, machinery] = [nightly, machinery].map(|jobs| jobs.into_iter().map(row).collect());
    let chrome = frame::platform(&call, "nav-jobs", Section::Jobs).await?;
    respond::page(&JobsPage { chrome, nightly, machinery })
}

pub(super) fn zone<P: Permission>(call: &PlatformCall<P>) -> Tz {
    call.app.settings.jobs.time_zone.zone()
}

fn row(job: JobStatus) -> JobRow {
    JobRow {
        name: job.name.to_owned(),
        description: job.description.to_owned(),
        when: when(&job.schedule),
        schedule: job.schedule,
        enabled: job.enabled,
        result: result(job.state),
        last_run: job.last_run,
        took: job.took,
        next_run: job.next_run,
        progress: job.progress,
        summary: job.summary,
        error: job.error,
    }
}

async fn show(call: PlatformCall<PlatformJobRead>) -> Answer {
    let job = jobs::find(call.input.path("code"))?;
    page(&call, job, None).await
}

#[derive(Deserialize)]
struct Chosen {
    run: Option<String>,
}

/// `refused` is a form that did not go through: the schedule, and whether the job is on.
async fn page<P: Permission>(
    call: &PlatformCall<P>,
    job: &'static Job,
    refused: Option<(Field, bool)>,
) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also_platform::<_, PlatformJobRead>(call)?);
    trail::record_admin_access(tenants, &grant, "job").await?;
    let chosen = call.input.query::<Chosen>()?.run.and_then(|run| run.parse().ok());
    let zone = zone(call);
    let (job, runs, said) = jobs::runs(tenants, &grant, job, chosen, zone).await?;
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let acts = call.also::<PlatformJobControl>().map(|_| {
        let now = || (Field::value(job.schedule.clone()), job.enabled);
        let (field, ticked) = refused.unwrap_or_else(now);
        let schedule = (!job.vital).then_some(field);
        let own_schedule = job.own_schedule;
        JobActs { schedule, ticked, own_schedule, may_cancel: !job.vital }
    });
    let (shown, output) = said.map_or((None, String::new()), |(run, text)| (Some(run), text));
    let is_shown = |run: &JobRun| shown == Some(run.id);
    let mut chrome = frame::platform(call, "nav-jobs", Section::Jobs).await?;
    chrome.title = job.name.to_owned();
    let page = JobPage {
        chrome,
        name: job.name.to_owned(),
        description: job.description.to_owned(),
        when: when(&job.schedule),
        schedule: job.schedule,
        time_zone: zone.name().to_owned(),
        enabled: job.enabled,
        vital: job.vital,
        result: result(job.state),
        next_run: job.next_run,
        progress: job.progress,
        runs: runs.into_iter().map(|run| run_row(is_shown(&run), run)).collect(),
        output,
        acts,
    };
    respond::page_with(status, &page)
}

fn run_row(is_shown: bool, run: JobRun) -> JobRunRow {
    JobRunRow {
        id: run.id.to_string(),
        result: result(Some(run.state)),
        started: run.started,
        took: run.took,
        origin: match run.origin {
            Origin::Schedule => "job-origin-schedule",
            Origin::Start => "job-origin-start",
            Origin::Missed => "job-origin-missed",
            Origin::Person(_) => "job-origin-person",
            Origin::Operator => "job-origin-operator",
        },
        requester: run.requester,
        message: run.message,
        is_shown,
    }
}

fn back(job: &Job, notice: Notice) -> Answer {
    Ok(respond::see_other(&with_notice(&format!("{ALL}/{}", job.name), notice)))
}

async fn run(call: PlatformCall<PlatformJobControl>) -> Answer {
    let (app, job) = (&call.app, jobs::find(call.input.path("code"))?);
    match jobs::start_now(&app.jobs, &app.tenants, &call.grant, job.name).await {
        Ok(_) => back(job, Notice::JobStarted),
        // Somebody was faster, or the schedule.
        Err(ControlError::Running) => back(job, Notice::NothingChanged),
        Err(error) => Err(error.into()),
    }
}

async fn cancel(call: PlatformCall<PlatformJobControl>) -> Answer {
    let (app, job) = (&call.app, jobs::find(call.input.path("code"))?);
    match jobs::cancel(&app.jobs, &app.tenants, &call.grant, job.name).await {
        Ok(_) => back(job, Notice::JobCancelled),
        Err(ControlError::Idle) => back(job, Notice::NothingChanged),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct Form {
    schedule: String,
    enabled: Option<String>,
}

async fn schedule(call: PlatformCall<PlatformJobControl>) -> Answer {
    let Form { schedule, enabled } = call.input.form()?;
    let (app, job) = (&call.app, jobs::find(call.input.path("code"))?);
    let (cron, on) = (Some(schedule.as_str()), enabled.is_some());
    match jobs::schedule(&app.jobs, &app.tenants, &call.grant, job.name, cron, on).await {
        Ok(true) => back(job, Notice::JobScheduled),
        Ok(false) => back(job, Notice::NothingChanged),
        Err(error @ ControlError::Schedule) => {
            let why = sentence(&error.to_string());
            page(&call, job, Some((Field::wrong(schedule, why), on))).await
        }
        Err(error) => Err(error.into()),
    }
}
