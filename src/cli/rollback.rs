//! `strongroom rollback`: back to the release before, with the server stopped.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use super::args::Context;
use super::output::Report;
use super::owner;
use crate::kernel::Runtime;
use crate::tenants::{Boot, BootError, Lost, WayBack, roll_back};

#[derive(clap::Args)]
pub struct Arguments {
    /// Do it; without this only what would be done is said
    #[arg(long)]
    yes: bool,
    /// Go back although entries, and the changes that they tell of, are lost
    #[arg(long)]
    lose_what_was_written_since: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = context.settings(None)?;
    let data = settings.store.data_dir.display().to_string();
    if !settings.store.data_dir.join("root.json").exists() {
        bail!("{data} is not initialised: there is nothing to go back to");
    }
    owner::is_own(&settings.store.data_dir, "rollback")?;
    let runtime = Runtime::system();
    let boot = match Boot::open_to_go_back(&settings, &runtime) {
        Err(unchanged @ BootError::NotUpgraded(_)) => {
            return nothing_to_do(context, &format!("{unchanged}."));
        }
        boot => boot?,
    };
    let way = boot.tenants.way_back().await?;
    let Some(way) = way else {
        boot.tenants.shut_down().await;
        let text = "No file was changed by an upgrade: install the older package, there is nothing \
                    to put back.";
        return nothing_to_do(context, text);
    };
    let refusal = refusal(&way, arguments);
    if refusal.is_some() || !arguments.yes {
        boot.tenants.shut_down().await;
        let report = Report {
            json: json!({ "done": false, "why": refusal, "plan": plan(&way) }),
            text: format!(
                "{}\nNothing was done: {}",
                words(&way),
                refusal.as_deref().unwrap_or("say --yes to go back.")
            ),
            ok: false,
        };
        return super::socket::finish(context, report);
    }
    let kept = roll_back(boot, &settings, &runtime, &way).await?;
    let json = json!({ "done": true, "kept": kept, "plan": plan(&way) });
    let text = format!(
        "{}\nDone. What was in use until now is in {}; delete it when nobody needs it any more.\nNow \
         install the package of {} before anything is started: this release would upgrade again.",
        words(&way),
        kept.display(),
        version(&way)
    );
    Report::done(json, text).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}

fn nothing_to_do(context: &Context, text: &str) -> anyhow::Result<ExitCode> {
    Report::done(json!({ "nothingToDo": true }), text).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Why it is not done as it was asked for.
fn refusal(way: &WayBack, arguments: &Arguments) -> Option<String> {
    if !way.obstacles.is_empty() {
        return Some(format!(
            "{}. A restore from a backup is the way left (docs/restore.md)",
            way.obstacles.join("; ")
        ));
    }
    if !way.is_clean() && !arguments.lose_what_was_written_since {
        return Some(
            "something was written since the upgrade, or nobody can tell; \
             --lose-what-was-written-since goes back without it"
                .into(),
        );
    }
    None
}

fn version(way: &WayBack) -> String {
    let before = way.record.before.as_ref();
    before.map_or_else(|| "the release before".into(), |release| release.version.clone())
}

fn words(way: &WayBack) -> String {
    let mut text = format!(
        "Upgrade of {} from {} to {}: {} files would go back.\n",
        way.record.since,
        version(way),
        way.record.release.version,
        way.files.len()
    );
    if way.lost.is_empty() && way.made.is_empty() && way.uncompared.is_empty() {
        text += "Nothing was written since: nothing is lost.\n";
    }
    for lost in &way.lost {
        text += &format!("  {}\n", loss(lost));
    }
    for unknown in &way.uncompared {
        let who = who(unknown.tenant.as_ref());
        text += &format!("  {who}: what would be lost cannot be told: {}\n", unknown.why);
    }
    for tenant in &way.made {
        text += &format!("  tenant {}: made since, lost as a whole\n", tenant.slug);
    }
    text
}

fn loss(lost: &Lost) -> String {
    let who = who(lost.tenant.as_ref());
    let what = if lost.own { " (jobs that ran by themselves; nobody's work)" } else { "" };
    format!(
        "{who}: {} entries of the log are lost, from {} to {}, with the changes that they tell of\
         {what}",
        lost.entries, lost.first, lost.last
    )
}

fn who(tenant: Option<&String>) -> String {
    tenant.map_or_else(|| "platform".into(), |slug| format!("tenant {slug}"))
}

fn plan(way: &WayBack) -> Value {
    let lost: Vec<_> = way
        .lost
        .iter()
        .map(|lost| {
            json!({
                "tenant": lost.tenant, "entries": lost.entries, "first": lost.first,
                "last": lost.last, "ownJobsOnly": lost.own,
            })
        })
        .collect();
    let uncompared = way.uncompared.iter();
    let uncompared: Vec<_> =
        uncompared.map(|unknown| json!({ "tenant": unknown.tenant, "why": unknown.why })).collect();
    let made: Vec<_> = way.made.iter().map(|tenant| tenant.slug.to_string()).collect();
    json!({
        "from": way.record.before.as_ref().map(|release| &release.version),
        "to": way.record.release.version,
        "since": way.record.since,
        "files": way.files.iter().filter(|kept| !kept.is_gone).map(|kept| &kept.file)
            .collect::<Vec<_>>(),
        "clean": way.is_clean(),
        "lost": lost,
        "cannotBeCompared": uncompared,
        "tenantsMadeSince": made,
        "obstacles": way.obstacles,
    })
}
