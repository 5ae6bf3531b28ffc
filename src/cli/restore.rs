//! `strongroom restore …`

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::Context;
use super::command::{Operator, Password};
use super::output::Report;
use super::{restore_told as told, socket};
use crate::authz::Realm;
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun, PlatformRestoreRun};
use crate::backup::Identities;
use crate::backup::changes::Window;
use crate::backup::restore::{self, Moment, Told, Wanted};
use crate::config::TargetUrl;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, InstallationId, RestoreId, RestoreTestId, TenantId};

#[derive(Subcommand)]
pub enum Verb {
    /// List what there is to restore from
    List {
        /// Only this tenant's
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// What lies in this target, instead of the catalogue
        #[arg(long, value_name = "DIR|URL")]
        target: Option<String>,
    },
    /// Show what a restore would use and what it would undo; changes nothing
    Plan {
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        #[command(flatten)]
        choice: Choice,
    },
    /// Restore a tenant in place, or everything into an empty data directory
    Run {
        #[arg(long, value_name = "SLUG", required_unless_present = "all")]
        tenant: Option<String>,
        /// Everything, after a fire: the data directory is empty, --from says where the backups are;
        /// with --at as it was then
        #[arg(long, conflicts_with_all = ["tenant", "backup"], requires = "from")]
        all: bool,
        #[command(flatten)]
        choice: Choice,
        /// File with the private key of a recipient of backups (age-keygen)
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// Not in place but into this empty directory, with that tenant alone, for a look at it
        #[arg(long, value_name = "DIR", requires = "from", conflicts_with = "all")]
        into: Option<PathBuf>,
        /// With --all and --into: read the ledger of erasures here too; give every target there is
        #[arg(long, value_name = "DIR|URL", requires = "from")]
        ledger_from: Vec<String>,
        /// With --all and --into: whose backups to use, when several installations' lie there
        #[arg(long, value_name = "ID", requires = "from")]
        installation: Option<InstallationId>,
        /// The short name once more; asked for on a terminal
        #[arg(long, value_name = "SLUG")]
        confirm: Option<String>,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// Keep what was restored: the state before it is deleted
    Confirm { id: RestoreId },
    /// Put the state before a restore back; what was written since is lost
    Undo { id: RestoreId },
    /// Show the restores that there were
    Status,
    /// Show the restore tests that there were
    Tests {
        /// Print the signed result of this one
        #[arg(long, value_name = "ID")]
        note: Option<RestoreTestId>,
    },
    /// Restore the newest backups into a scratch directory and check them
    Test {
        /// File with the private key; backup.recovery_identity_file otherwise
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
pub struct Choice {
    /// The state at this second: from the continuous archive, else the newest backup that is not
    /// later. 14:03 (today), 2026-11-22 14:03:07, with T, in UTC unless it ends in an offset (+01:00)
    #[arg(long, value_name = "TIME", conflicts_with = "backup")]
    at: Option<String>,
    /// This backup
    #[arg(long, value_name = "ID")]
    backup: Option<BackupId>,
    /// A directory or target to read from
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
}

/// What crosses the socket of [`Choice`].
#[derive(Serialize, Deserialize)]
pub struct Asked {
    tenant: String,
    moment: Moment,
    from: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    List { tenant: Option<String>, target: Option<String> },
    Plan(Asked),
    Run { asked: Asked, identity: Password },
    Confirm { id: RestoreId },
    Undo { id: RestoreId },
    Status,
    Tests { note: Option<RestoreTestId> },
    Test { identity: Option<Password> },
}

/// Runs the verb. After a fire there is no server and no installation to ask.
pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let command = match verb {
        Verb::Run { all: true, choice, identity, ledger_from, installation, .. } => {
            let moment = chosen(choice.at, choice.backup)?;
            let from = (choice.from, ledger_from);
            return everything(context, from, &identity, installation, (None, moment)).await;
        }
        Verb::Run {
            tenant: Some(tenant),
            into: Some(into),
            choice,
            identity,
            ledger_from,
            installation,
            ..
        } => {
            let moment = chosen(choice.at, choice.backup)?;
            let (from, only) = ((choice.from, ledger_from), Some((tenant, into)));
            return everything(context, from, &identity, installation, (only, moment)).await;
        }
        other => command(other)?,
    };
    socket::dispatch(context, super::Command::Restore(command)).await
}

fn command(verb: Verb) -> anyhow::Result<Command> {
    Ok(match verb {
        Verb::List { tenant, target } => {
            Command::List { tenant, target: target.as_deref().map(url).transpose()? }
        }
        Verb::Plan { tenant, choice } => Command::Plan(asked(tenant, choice)?),
        Verb::Run { tenant, choice, identity, confirm, yes, .. } => {
            let tenant = tenant.context("name a tenant with --tenant")?;
            let identity = read_identity(&identity)?;
            if !yes {
                confirmed(&tenant, confirm)?;
            }
            Command::Run { asked: asked(tenant, choice)?, identity }
        }
        Verb::Confirm { id } => Command::Confirm { id },
        Verb::Undo { id } => Command::Undo { id },
        Verb::Status => Command::Status,
        Verb::Tests { note } => Command::Tests { note },
        Verb::Test { identity } => {
            Command::Test { identity: identity.as_deref().map(read_identity).transpose()? }
        }
    })
}

fn asked(tenant: String, choice: Choice) -> anyhow::Result<Asked> {
    let moment = chosen(choice.at, choice.backup)?;
    Ok(Asked { tenant, moment, from: choice.from.as_deref().map(url).transpose()? })
}

fn chosen(at: Option<String>, backup: Option<BackupId>) -> anyhow::Result<Moment> {
    Ok(match (at, backup) {
        (Some(at), _) => {
            let now = crate::kernel::Runtime::system().now();
            let expected = "--at takes a time in UTC such as \"2026-11-22 14:03\" or 14:03";
            let time = moment(&at, now).ok_or_else(|| anyhow!(expected))?;
            anyhow::ensure!(time <= now, "--at {at} is in the future: it is {} UTC", now.display());
            Moment::At(time)
        }
        (None, Some(id)) => Moment::Backup(id),
        (None, None) => Moment::Latest,
    })
}

/// A time as people write it: date, seconds and offset may be left out.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (text, today) = (text.trim(), now.display());
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((today.split(' ').next()?, text));
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, "Z"),
    };
    let seconds = if time.matches(':').count() == 1 { ":00" } else { "" };
    Timestamp::parse(&format!("{date}T{}{seconds}{offset}", time.trim()))
}

/// A directory is written as an address.
fn url(text: &str) -> anyhow::Result<String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let path = std::fs::canonicalize(text).with_context(|| format!("cannot open {text}"))?;
    let url = reqwest::Url::from_directory_path(&path);
    let url = url.map_err(|()| anyhow!("{text} cannot be used as a target"))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The private key goes to the server as passwords do, and is stored nowhere.
fn read_identity(path: &Path) -> anyhow::Result<Password> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the private key in {}", path.display()))?;
    Ok(Password::new(text))
}

fn confirmed(tenant: &str, confirm: Option<String>) -> anyhow::Result<()> {
    let typed = match confirm {
        Some(typed) => typed,
        None if std::io::stdin().is_terminal() => {
            eprint!(
                "The state of {tenant} will be replaced by the one in the backup. It can be undone \
                 until you confirm the restore.\nType {tenant} to go on: "
            );
            std::io::stderr().flush()?;
            let mut typed = String::new();
            std::io::stdin().read_line(&mut typed).context("nothing could be read")?;
            typed
        }
        None => bail!("this replaces what is there: repeat the short name with --confirm {tenant}"),
    };
    if typed.trim() != tenant {
        bail!("nothing was restored: \"{}\" is not \"{tenant}\"", typed.trim());
    }
    Ok(())
}

impl Asked {
    fn wanted(self) -> anyhow::Result<Wanted> {
        Ok(Wanted { tenant: self.tenant, moment: self.moment, from: target(self.from)? })
    }
}

fn target(from: Option<String>) -> anyhow::Result<Option<TargetUrl>> {
    let parse = |url: String| {
        url.parse::<TargetUrl>().map_err(|why| anyhow!("{url} is not a target of backups: {why}"))
    };
    from.map(parse).transpose()
}

fn identities(secret: &Password) -> anyhow::Result<Identities> {
    use secrecy::ExposeSecret;
    Ok(Identities::parse(secret.secret().expose_secret())?)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let (tenants, settings) = (&operator.tenants, &operator.backup);
    let reading = operator.platform::<PlatformBackupRead>().await?;
    let grant = operator.platform::<PlatformRestoreRun>().await?;
    match command {
        Command::List { tenant, target: from } => {
            let realm = match &tenant {
                Some(name) => Some(Realm::Tenant(known(operator, name)?)),
                None => None,
            };
            let from = target(from)?;
            let found = restore::available(tenants, &reading, realm, from.as_ref()).await?;
            let realms = realm.map_or_else(|| tenants.realms(), |realm| vec![realm]);
            let spans = spans(operator, &realms, from.as_ref()).await?;
            let from = from.as_ref().map(TargetUrl::name);
            Ok(told::listed(&found, (&spans.0, &spans.1), from))
        }
        Command::Plan(asked) => {
            let wanted = asked.wanted()?;
            let plan = restore::plan(tenants, &reading, settings, &wanted).await?;
            Ok(told::planned(&plan))
        }
        Command::Run { asked, identity } => {
            let (wanted, identities) = (asked.wanted()?, identities(&identity)?);
            drop(identity);
            let feedback = operator.feedback.clone();
            let told: Told = Arc::new(move |text: &str| feedback.progress(text));
            let (grants, slug) = ((&reading, &grant), wanted.tenant.clone());
            let restore = restore::run(tenants, grants, settings, &wanted, identities, told);
            Ok(told::done(&slug, &restore.await?))
        }
        Command::Confirm { id } => {
            let restore = restore::confirm(tenants, &grant, id).await?;
            let text = "The state before the restore is deleted.".to_owned();
            Ok(Report::done(json!(restore), text))
        }
        Command::Undo { id } => {
            let restore = restore::undo(tenants, &grant, id).await?;
            let text = match restore.past {
                Some(past) => format!(
                    "The state before the restore is back. The log of the time in between is kept \
                     as {past}."
                ),
                None => "The state before the restore is back.".to_owned(),
            };
            Ok(Report::done(json!(restore), text))
        }
        Command::Status => Ok(told::status(operator, &restore::restores(tenants, &reading).await?)),
        Command::Tests { note: None } => Ok(told::tests(&restore::tests(tenants, &reading).await?)),
        Command::Tests { note: Some(id) } => {
            let test = restore::test(tenants, &reading, id).await?;
            let test = test.with_context(|| {
                format!("there is no restore test {id}; see: strongroom restore tests")
            })?;
            let text = test.note.clone();
            Ok(Report::done(json!(test), text))
        }
        Command::Test { identity } => rehearsed(operator, identity.as_ref()).await,
    }
}

/// Between which moments each tenant can be had as of any second.
async fn spans(
    operator: &Operator,
    realms: &[Realm],
    from: Option<&TargetUrl>,
) -> anyhow::Result<(Vec<(String, Window)>, Vec<String>)> {
    let tenants = &operator.tenants;
    let (windows, unread) = restore::windows(tenants, &operator.backup, realms, from).await?;
    let named = windows.into_iter().filter_map(|(realm, window)| {
        let Realm::Tenant(id) = realm else { return None };
        Some((tenants.tenant_by_id(id)?.slug.to_string(), window))
    });
    Ok((named.collect(), unread))
}

fn known(operator: &Operator, name: &str) -> anyhow::Result<TenantId> {
    let tenant = operator.tenants.tenant(name);
    let tenant = tenant
        .with_context(|| format!("there is no tenant {name}; see: strongroom tenant list"))?;
    Ok(tenant.id)
}

async fn rehearsed(operator: &Operator, identity: Option<&Password>) -> anyhow::Result<Report> {
    let identities = match (identity, &operator.backup.recovery_identity_file) {
        (Some(identity), _) => identities(identity)?,
        (None, Some(file)) => Identities::read(file)?,
        (None, None) => bail!(
            "a restore test reads backups: give a private key with --identity FILE, or set \
             backup.recovery_identity_file"
        ),
    };
    let reading = operator.platform::<PlatformBackupRead>().await?;
    let grant = operator.platform::<PlatformBackupRun>().await?;
    let feedback = operator.feedback.clone();
    let told: Told = Arc::new(move |text: &str| feedback.progress(text));
    let (tenants, settings) = (&operator.tenants, &operator.backup);
    let grants = (&reading, &grant);
    let test = restore::rehearse(tenants, grants, settings, identities, told).await?;
    Ok(told::tested(&test))
}

async fn everything(
    context: &Context,
    (from, ledger_from): (Option<String>, Vec<String>),
    identity: &Path,
    installation: Option<InstallationId>,
    (only, moment): (Option<(String, PathBuf)>, Moment),
) -> anyhow::Result<ExitCode> {
    let mut settings = context.settings(None)?;
    let only = only.map(|(tenant, into)| {
        settings.store.data_dir = into;
        tenant
    });
    let from = target(from.as_deref().map(url).transpose()?)?;
    let from = from.context("say with --from where the backups are")?;
    let mut ledgers = Vec::new();
    for text in &ledger_from {
        ledgers.extend(target(Some(url(text)?))?);
    }
    let identities = Identities::read(identity)?;
    let quiet = context.json || !std::io::stderr().is_terminal();
    let told: Told = Arc::new(move |text: &str| {
        if !quiet {
            eprintln!("{text}");
        }
    });
    let runtime = crate::kernel::Runtime::system();
    let rebuild = restore::Rebuild {
        settings,
        runtime,
        from,
        ledgers,
        installation,
        identities,
        only,
        moment,
        told,
    };
    let rebuilt = restore::rebuild(rebuild).await?;
    socket::finish(context, told::rebuilt(&rebuilt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_taken_as_people_write_it() {
        let now = Timestamp::parse("2026-11-22T19:00:00Z").unwrap();
        let of = |text: &str| moment(text, now).map(|time| time.to_string());
        let expected = Some("2026-11-22T14:03:00Z".to_owned());
        for text in [
            "14:03",
            "14:03:00",
            "14:03Z",
            "2026-11-22 14:03",
            "2026-11-22T14:03:00",
            "2026-11-22T14:03:00Z",
            "2026-11-22 15:03+01:00",
            "2026-11-22T09:03:00-05:00",
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        for text in ["", "noon", "25:00", "2026-11-22", "14", "2026-13-01 10:00"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
