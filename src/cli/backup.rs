//! `strongroom backup …`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::{Operator, Password};
use super::output::{Report, table};
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun, TenantRead};
use crate::backup::catalogue::{Forgotten, Placement};
use crate::backup::{self, BackupError, GoOn, Identities, Made, Manifest, Run, Target, place};
use crate::config::TargetUrl;
use crate::tenants;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a backup now: of everything, or of one tenant with its keys; exit 1 if a target or a
    /// tenant was left out
    Run {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// Copy into this directory instead of the configured targets; nothing deletes it later
        #[arg(long, value_name = "DIR")]
        target: Option<PathBuf>,
    },
    /// List the archives and where they lie
    List {
        /// Only of this tenant
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
    /// Say that you have destroyed the backups in a target that is not in the settings any more
    ForgetTarget {
        /// As `backup list` names it
        target: String,
    },
    /// Read every archive back and compare it with its manifest; exit 1 if one is damaged
    /// or there is none
    Verify {
        /// An `age` key file: unpack the archives too and check what is in them
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Run { tenant: Option<String>, target: Option<PathBuf> },
    List { tenant: Option<String> },
    ForgetTarget { target: String },
    Verify { identity: Option<Password> },
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    Ok(super::Command::Backup(match verb {
        Verb::Run { tenant, target } => {
            let target = target.as_deref().map(directory).transpose()?;
            Command::Run { tenant, target }
        }
        Verb::List { tenant } => Command::List { tenant },
        Verb::ForgetTarget { target } => Command::ForgetTarget { target },
        Verb::Verify { identity: None } => Command::Verify { identity: None },
        Verb::Verify { identity: Some(file) } => {
            // Read here, so that the server needs neither the file nor the right to open it.
            Identities::read(&file)?;
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            Command::Verify { identity: Some(Password::new(text)) }
        }
    }))
}

/// A directory, which may be written as a target is in the settings.
fn directory(given: &Path) -> anyhow::Result<PathBuf> {
    let text = given.to_str().filter(|text| text.contains("://"));
    let Some(text) = text else { return Ok(std::path::absolute(given)?) };
    let url: TargetUrl = text.parse().map_err(|why: String| anyhow::anyhow!("--target: {why}"))?;
    url.directory().context("--target takes a directory; other targets are set in backup.targets")
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Run { tenant, target } => run(operator, tenant, target).await,
        Command::List { tenant } => list(operator, tenant).await,
        Command::ForgetTarget { target } => forget_target(operator, &target).await,
        Command::Verify { identity } => verify(operator, identity).await,
    }
}

fn on() -> GoOn {
    Arc::new(|| true)
}

async fn run(
    operator: &Operator,
    tenant: Option<String>,
    target: Option<PathBuf>,
) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformBackupRun>().await?;
    let (tenants, settings) = (&operator.tenants, &operator.backup);
    let run = match target {
        None => Run::new(tenants, settings, grant, on())?,
        Some(directory) => Run::once(tenants, settings, grant, Target::directory(&directory)?)?,
    };
    let read = operator.platform::<TenantRead>().await?;
    let all = tenants::list(tenants, &read).await?;
    if let Some(slug) = &tenant {
        anyhow::ensure!(
            all.iter().any(|one| one.slug.as_str() == slug),
            "there is no tenant {slug}; see: strongroom tenant list"
        );
    }
    let mut outcome = Outcome::default();
    if tenant.is_none() {
        outcome.add("platform", run.platform_keys().await);
    }
    for one in &all {
        if tenant.as_deref().is_none_or(|slug| slug == one.slug.as_str()) {
            operator.feedback.progress(format!("{}…", one.slug));
            outcome.add(one.slug.as_str(), run.tenant(one).await);
        }
    }
    if tenant.is_none() {
        outcome.add("platform", run.platform().await);
    }
    outcome.report()
}

#[derive(Default)]
struct Outcome {
    made: Vec<Made>,
    failed: Vec<(String, BackupError)>,
}

impl Outcome {
    fn add(&mut self, owner: &str, result: Result<Vec<Made>, BackupError>) {
        match result {
            Ok(made) => self.made.extend(made),
            Err(error) => self.failed.push((owner.to_owned(), error)),
        }
    }

    fn report(mut self) -> anyhow::Result<Report> {
        if self.made.is_empty() && !self.failed.is_empty() {
            return Err(self.failed.swap_remove(0).1.into());
        }
        Ok(self.told())
    }

    fn told(&self) -> Report {
        let archives: Vec<_> = self
            .made
            .iter()
            .map(|one| {
                let mut archive = describe(&one.manifest, &one.placements);
                archive["file"] = json!(file(&one.manifest, &one.placements));
                archive
            })
            .collect();
        let failed: Vec<_> = self
            .failed
            .iter()
            .map(|(owner, error)| json!({ "owner": owner, "error": error.to_string() }))
            .collect();
        let targets = self.targets();
        let missed: Vec<_> = targets
            .iter()
            .map(|(target, error)| json!({ "target": target, "error": error }))
            .collect();
        let rows = self.made.iter().map(|one| row(&one.manifest, &one.placements));
        let mut text = table(&HEAD, &rows.collect::<Vec<_>>());
        for (owner, error) in &self.failed {
            text += &format!("FAILED: {owner}: {error}\n");
        }
        for (target, error) in &targets {
            text += &format!("FAILED: {target}: {error}\n");
        }
        let ok = self.failed.is_empty() && targets.is_empty();
        let json =
            json!({ "ok": ok, "archives": archives, "failed": failed, "failedTargets": missed });
        Report { json, text, ok }
    }

    /// Targets that did not take everything, each with its first error.
    fn targets(&self) -> Vec<(&str, &str)> {
        let mut targets: Vec<(&str, &str)> = Vec::new();
        for (target, error) in self.made.iter().flat_map(|one| &one.failed) {
            if targets.iter().all(|(known, _)| known != target) {
                let named = format!("backup target {target}: ");
                targets.push((target, error.strip_prefix(&named).unwrap_or(error)));
            }
        }
        targets
    }
}

/// Said wherever backups are listed and there are none.
pub(super) const NOTHING: &str = "There is no backup to restore from; see: strongroom backup run\n";

const HEAD: [&str; 6] = ["TAKEN", "OWNER", "KIND", "BYTES", "IN", "CHECKED"];

async fn list(operator: &Operator, tenant: Option<String>) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformBackupRead>().await?;
    let mut entries = backup::catalogue::list(&operator.tenants, &grant).await?;
    if let Some(slug) = tenant {
        entries.retain(|entry| entry.manifest.slug.as_deref() == Some(slug.as_str()));
        anyhow::ensure!(
            !entries.is_empty() || operator.tenants.tenant(&slug).is_some(),
            "there is no tenant {slug}, and no backup of one; see: strongroom tenant list"
        );
    }
    let row = |entry: &backup::catalogue::Entry| row(&entry.manifest, &entry.placements);
    let mut text = match entries.as_slice() {
        [] => NOTHING.to_owned(),
        _ => table(&HEAD, &entries.iter().map(row).collect::<Vec<_>>()),
    };
    let elsewhere = backup::catalogue::elsewhere(&operator.tenants, &operator.backup).await?;
    for one in &elsewhere {
        text += &format!(
            "\n{} archives ({} with keys{}, from {} to {}) lie in {}, which is not in \
             backup.targets any more. Nothing deletes them there. Put it back into the settings \
             until they are gone; or destroy them by hand, and say so: strongroom backup \
             forget-target '{}'\n",
            one.archives,
            one.key_archives,
            if one.changes { ", and changes of the continuous archive" } else { "" },
            one.oldest.display(),
            one.newest.display(),
            one.target,
            one.target
        );
    }
    let overdue = backup::catalogue::overdue(&operator.tenants).await?;
    for one in &overdue {
        text += &format!(
            "\n{} refuses to delete {} objects that are past their time, since {}. It is asked \
             again every day (docs/backup-targets.md)\n",
            one.target,
            one.objects,
            one.since.display()
        );
    }
    let items: Vec<_> =
        entries.iter().map(|entry| describe(&entry.manifest, &entry.placements)).collect();
    Ok(Report::done(json!({ "items": items, "elsewhere": elsewhere, "overdue": overdue }), text))
}

async fn forget_target(operator: &Operator, target: &str) -> anyhow::Result<Report> {
    let grant = operator.platform::<PlatformBackupRun>().await?;
    let (tenants, settings) = (&operator.tenants, &operator.backup);
    let forgotten = backup::catalogue::forget_target(tenants, &grant, settings, target).await?;
    let Some(Forgotten { archives, changes }) = forgotten else {
        anyhow::bail!("no backup is known to lie in {target}; see: strongroom backup list")
    };
    let and = if changes { " and the continuous archive" } else { "" };
    let text =
        format!("Forgotten: {archives} archives{and} in {target}. The platform's log says so.");
    Ok(Report::done(json!({ "forgotten": archives, "continuous": changes }), text))
}

async fn verify(operator: &Operator, identity: Option<Password>) -> anyhow::Result<Report> {
    use secrecy::ExposeSecret;
    let identities = identity
        .map(|text| Identities::parse(text.secret().expose_secret()).map(Arc::new))
        .transpose()?;
    let is_opened = identities.is_some();
    let grant = operator.platform::<PlatformBackupRun>().await?;
    let (tenants, settings) = (&operator.tenants, &operator.backup);
    let feedback = operator.feedback.clone();
    let told = move |text: &str| feedback.progress(text);
    let all = backup::verify(tenants, settings, &grant, identities, &told).await?;
    if all.is_empty() {
        let text = "There is nothing to verify: no target that is configured has a backup; see: \
                    strongroom backup run";
        let json = json!({ "ok": false, "archives": [], "error": text });
        return Ok(Report { json, text: text.to_owned(), ok: false });
    }
    let ok = all.iter().all(|one| one.result.is_ok());
    let state = |one: &backup::Checked| match &one.result {
        // Hashes of changes are inside of what is encrypted.
        Ok(()) if !is_opened && matches!(one.what, backup::What::Changes(_)) => {
            "there, without a gap; not opened, which takes --identity".to_owned()
        }
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    let row = |one: &backup::Checked| {
        let (taken, owner, kind) = match &one.what {
            backup::What::Archive(manifest) => {
                (manifest.taken.display(), owner(manifest), manifest.kind.name())
            }
            backup::What::Changes(owner) => ("-".to_owned(), owner.clone(), "changes"),
        };
        vec![taken, owner, kind.to_owned(), one.target.clone(), state(one)]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let text = table(&["TAKEN", "OWNER", "KIND", "TARGET", "STATE"], &rows);
    let (mut archives, mut changes) = (Vec::new(), Vec::new());
    for one in &all {
        let (items, mut item) = match &one.what {
            backup::What::Archive(manifest) => (&mut archives, describe(manifest, &[])),
            backup::What::Changes(owner) => {
                (&mut changes, json!({ "owner": owner, "opened": is_opened }))
            }
        };
        item["target"] = one.target.as_str().into();
        item["ok"] = one.result.is_ok().into();
        item["error"] = json!(one.result.as_ref().err().map(ToString::to_string));
        items.push(item);
    }
    let json = json!({ "ok": ok, "archives": archives, "changes": changes });
    Ok(Report { json, text, ok })
}

fn owner(manifest: &Manifest) -> String {
    manifest.slug.clone().unwrap_or_else(|| manifest.owner.clone())
}

fn row(manifest: &Manifest, placements: &[Placement]) -> Vec<String> {
    let targets: Vec<_> = placements
        .iter()
        .map(|one| match one.state {
            backup::catalogue::PlacementState::Stored => one.target.clone(),
            other => format!("{} ({})", one.target, other.name()),
        })
        .collect();
    let checked = placements.iter().filter_map(|one| one.verified).min();
    vec![
        manifest.taken.display(),
        owner(manifest),
        manifest.kind.name().to_owned(),
        manifest.bytes.to_string(),
        targets.join(", "),
        checked.map_or_else(|| "-".to_owned(), |time| time.display()),
    ]
}

/// Where it lies on this machine, if it does.
fn file(manifest: &Manifest, placements: &[Placement]) -> Option<PathBuf> {
    placements
        .iter()
        .filter(|one| one.state == backup::catalogue::PlacementState::Stored)
        .find_map(|one| Some(place::directory_of(&one.target)?.join(&manifest.path)))
}

fn describe(manifest: &Manifest, placements: &[Placement]) -> Value {
    json!({
        "id": manifest.id,
        "tenant": manifest.slug,
        "owner": manifest.owner,
        "kind": manifest.kind,
        "takenAt": manifest.taken,
        "path": manifest.path,
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "plainBytes": manifest.plain_bytes,
        "pages": manifest.pages,
        "schema": manifest.schema,
        "entries": manifest.entries,
        "program": manifest.program,
        "targets": placements,
    })
}
