//! `strongroom job …`: what the appliance does by itself.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::{PlatformJobControl, PlatformJobRead};
use crate::jobs::{self, JobRun, JobStatus, RunState};
use crate::kernel::id::JobRunId;
use crate::web::messages::Messages;
use crate::web::view::jobs::{result, when};

#[derive(Subcommand)]
pub enum Verb {
    /// List the jobs: when they run, and how the last run went
    List,
    /// Show a job: its last runs, how long each took, and what one of them said
    Show {
        /// Name of the job
        job: String,
        /// What this run said; the latest otherwise
        #[arg(long, value_name = "ID")]
        run: Option<JobRunId>,
    },
    /// Start a job now
    Run {
        /// Name of the job
        job: String,
    },
    /// End a job's run at its next step
    Cancel {
        /// Name of the job
        job: String,
    },
    /// Change when a job runs; counts at once
    Schedule {
        /// Name of the job
        job: String,
        /// Second, minute, hour, day of the month, month, day of the week: "0 30 3 * * *", in the
        /// time zone of jobs.time_zone
        #[arg(required_unless_present_any = ["off", "default"])]
        cron: Option<String>,
        /// Switch it off
        #[arg(long, conflicts_with_all = ["cron", "default"])]
        off: bool,
        /// Back to its own schedule, and on
        #[arg(long, conflicts_with = "cron")]
        default: bool,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    List,
    Show { job: String, run: Option<JobRunId> },
    Run { job: String },
    Cancel { job: String },
    Schedule { job: String, cron: Option<String>, enabled: bool },
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Job(match verb {
        Verb::List => Command::List,
        Verb::Show { job, run } => Command::Show { job, run },
        Verb::Run { job } => Command::Run { job },
        Verb::Cancel { job } => Command::Cancel { job },
        Verb::Schedule { job, cron, off, .. } => Command::Schedule { job, cron, enabled: !off },
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let (jobs, tenants) = (&operator.jobs, &operator.tenants);
    match command {
        Command::List => list(operator).await,
        Command::Show { job, run } => show(operator, &job, run).await,
        Command::Run { job } => {
            let grant = operator.platform::<PlatformJobControl>().await?;
            let run = jobs::start_now(jobs, tenants, &grant, &job).await?;
            let text = format!("{job} runs now; see: strongroom job show {job}");
            Ok(Report::done(json!({ "job": job, "run": run.to_string() }), text))
        }
        Command::Cancel { job } => {
            let grant = operator.platform::<PlatformJobControl>().await?;
            let run = jobs::cancel(jobs, tenants, &grant, &job).await?;
            let text = format!("{job} ends at its next step.");
            Ok(Report::done(json!({ "job": job, "run": run.to_string() }), text))
        }
        Command::Schedule { job, cron, enabled } => {
            let grant = operator.platform::<PlatformJobControl>().await?;
            let cron = cron.as_deref();
            let changed = jobs::schedule(jobs, tenants, &grant, &job, cron, enabled).await?;
            let text = match (changed, enabled) {
                (false, _) => format!("{job} was scheduled so already."),
                (true, true) => format!("{job} has another schedule now."),
                (true, false) => format!("{job} is switched off."),
            };
            Ok(Report::done(json!({ "job": job, "changed": changed, "enabled": enabled }), text))
        }
    }
}

async fn list(operator: &Operator) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformJobRead>().await?;
    let all = jobs::list(&operator.tenants, &grant, operator.time_zone).await?;
    let head = ["JOB", "NAME", "SCHEDULE", "LAST RUN", "RESULT", "NEXT RUN"];
    let rows: Vec<_> = all.iter().map(row).collect();
    let text = table(&head, &rows);
    let json: Vec<_> = all
        .iter()
        .map(|job| {
            json!({
                "job": job.name,
                "schedule": job.schedule,
                "enabled": job.enabled,
                "state": job.state.map(RunState::name),
                "lastRun": job.last_run,
                "nextRun": job.next_run,
                "summary": job.summary,
                "error": job.error,
            })
        })
        .collect();
    Ok(Report::done(json!({ "jobs": json, "timeZone": operator.time_zone.name() }), text))
}

async fn show(operator: &Operator, name: &str, run: Option<JobRunId>) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformJobRead>().await?;
    let job = jobs::find(name)?;
    let shown = jobs::runs(&operator.tenants, &grant, job, run, operator.time_zone).await?;
    let (status, runs, said) = shown;
    if let (Some(run), None) = (run, &said) {
        anyhow::bail!(
            "{name} has no run {run} that is still known; see: strongroom job show {name}"
        )
    }
    let messages = Messages::english();
    let took = |run: &JobRun| {
        run.took.map_or_else(|| "-".to_owned(), |took| format!("{} ms", took.as_millis()))
    };
    let row = |run: &JobRun| {
        vec![
            run.started.display(),
            messages.text(result(Some(run.state)).message()).into_owned(),
            took(run),
            run.id.to_string(),
            run.message.clone().unwrap_or_default(),
        ]
    };
    let head = ["STARTED", "RESULT", "TOOK", "RUN", "WHAT"];
    let mut text = match runs.as_slice() {
        [] => format!("{name} has not run yet.\n"),
        _ => table(&head, &runs.iter().map(row).collect::<Vec<_>>()),
    };
    if let Some((done, total)) = status.progress {
        text += &format!("\n{done} of {total} are done.\n");
    }
    if let Some((run, said)) = said.as_ref().filter(|(_, said)| !said.is_empty()) {
        text += &format!("\nRun {run} said:\n{said}");
    }
    let items: Vec<_> = runs
        .iter()
        .map(|run| {
            json!({
                "run": run.id.to_string(),
                "state": run.state.name(),
                "origin": run.origin.name(),
                "requester": run.requester,
                "started": run.started,
                "millis": run.took.map(|took| took.as_millis() as u64),
                "message": run.message,
            })
        })
        .collect();
    let progress = status.progress.map(|(done, total)| json!({ "done": done, "total": total }));
    let output = said.map(|(run, text)| json!({ "run": run.to_string(), "text": text }));
    Ok(Report::done(
        json!({ "job": name, "nextRun": status.next_run, "progress": progress, "runs": items, "output": output }),
        text,
    ))
}

fn row(job: &JobStatus) -> Vec<String> {
    let time = |time: Option<crate::kernel::Timestamp>| {
        time.map_or_else(|| "-".to_owned(), |time| time.display())
    };
    // The words of the console.
    let messages = Messages::english();
    let name = messages.label("job-name-", job.name);
    let state = messages.text(result(job.state).message()).into_owned();
    let schedule = match (job.enabled, when(&job.schedule)) {
        (false, _) => "off".to_owned(),
        (true, Some(words)) => format!("{words} ({})", job.schedule),
        (true, None) => job.schedule.clone(),
    };
    vec![job.name.to_owned(), name, schedule, time(job.last_run), state, time(job.next_run)]
}
