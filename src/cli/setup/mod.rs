//! `strongroom setup`: from an installed package to a configuration and the first administrator's
//! link. Five answers, asked for at a terminal or read from a file; each is checked, nothing is
//! changed before all are right, and nothing that is there is replaced unasked.

mod answers;
mod ask;
mod checks;
mod key;
mod service;

use std::fs::OpenOptions;
use std::io::{BufReader, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;

use self::answers::{Answers, RootKey};
use self::ask::{Asker, say};
use self::service::Service;
use super::args::Context;
use super::output::Report;
use super::socket;
use crate::config::{DEFAULT_FILE, Settings, Sources};
use crate::kernel::Runtime;

/// Configurations that are kept beside the one in use.
const KEPT_MOST: u32 = 99;

#[derive(clap::Args)]
pub struct Arguments {
    /// TOML file with the answers, instead of questions; docs/install.md has its form
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Replace a configuration that is there already; it is kept beside, with `.before` at its end
    #[arg(long, requires = "answers")]
    replace: bool,
}

pub async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = context.config().unwrap_or_else(|| DEFAULT_FILE.into());
    if !config.parent().is_some_and(Path::is_dir) && config.parent() != Some(Path::new("")) {
        bail!("the directory of {} is not there; --config names another file", config.display());
    }
    let mut asker = Asker::new(BufReader::new(std::io::stdin()));
    let is_asked = arguments.answers.is_none();
    let answers = match &arguments.answers {
        Some(path) => Answers::read(path)?,
        None => asker.all(context.data_dir()).await?,
    };
    let service = Service::of(&answers.data_dir);
    refuse_wrong(&answers, &service).await?;
    if holds_settings(&config) {
        let question = format!("\n{} has settings. Replace it?", config.display());
        let agreed = arguments.replace || (is_asked && asker.agrees(&question)?);
        if !agreed {
            bail!(
                "{} has settings, and was left as it was; nothing was changed. --replace replaces it",
                config.display()
            );
        }
    }
    if !is_asked && matches!(answers.root_key, RootKey::Passphrase { file: None }) {
        bail!(
            "a passphrase at the terminal is nothing for answers from a file: name a file with it"
        );
    }
    // A file or a journal that the key is written into is a second place that it lies in.
    let is_seen = is_asked && std::io::stderr().is_terminal();
    if !is_seen && matches!(answers.root_key, RootKey::Credential) && !key::has_credential() {
        bail!(
            "there is no credential, and a new key would be shown to nobody: run this at a terminal, \
             or make one as docs/install.md says; nothing was changed"
        );
    }
    let runtime = Runtime::system();
    make_directory(&answers.data_dir, &service)?;
    let key = key::make(&answers.root_key, &service, &runtime, |new| {
        if !is_seen {
            return Ok(());
        }
        say("\nThis is the root key. Write it down now: it is shown this once, and without it")?;
        say(&format!("nothing can be read again.\n\n   {new}\n"))
    })?;
    write(&config, &answers, &service)?;
    service.run(&config, &key.config, &["init"])?;
    let email = answers.administrator.email.trim();
    let name = answers.administrator.name.as_deref().unwrap_or(email).trim();
    let name = format!("--name={name}");
    let made = service.run(&config, &key.config, &["admin", "create", &name, "--", email])?;
    let url = made["setupUrl"].as_str().context("no link was made")?;
    let text = format!(
        "\n{} is written; strongroom config check looks at it.\n{}\n\nStart the server:\n  systemctl \
         enable --now strongroom\nThen {email} chooses a password, within 30 minutes, once, at\n  {url}\n",
        config.display(),
        key.note
    );
    let json = json!({
        "config": config.display().to_string(),
        "dataDir": answers.data_dir.display().to_string(),
        "administrator": email,
        "setupUrl": url,
        "note": key.note,
    });
    socket::finish(context, Report::done(json, text))
}

/// Everything at once: what a person was asked has been looked at one by one already.
async fn refuse_wrong(answers: &Answers, service: &Service) -> anyhow::Result<()> {
    let mut problems = checks::data_directory(answers, service)?;
    problems.extend(checks::root_key(answers)?);
    problems.extend(checks::server(answers)?);
    problems.extend(checks::administrator(answers));
    problems.extend(checks::backup(answers, service).await?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!("nothing was changed:\n  {}", problems.join("\n  "))
}

/// Whether somebody has written something into it. What packages install says nothing.
fn holds_settings(config: &Path) -> bool {
    let file = Some(config.to_owned());
    let examined = || Settings::examine(Sources { file, ..Sources::default() });
    config.exists() && {
        let examined = examined();
        let is_given = examined.settings.shown().iter().any(|one| one.origin.is_some());
        is_given || !examined.problems.is_empty()
    }
}

fn make_directory(path: &Path, service: &Service) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let made = std::fs::DirBuilder::new().mode(0o700).create(path);
    let failed = || format!("{} cannot be made", path.display());
    made.with_context(failed)?;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::DIRECTORY;
    let mut options = OpenOptions::new();
    let directory = options.read(true).custom_flags(flags.bits().cast_signed()).open(path);
    service.give(&directory.with_context(failed)?, path)
}

/// Keeps a configuration beside, under a name that nothing has yet: were this the second run, the
/// first one's copy is what somebody wrote.
fn keep(config: &Path) -> anyhow::Result<()> {
    let about = std::fs::metadata(config)?;
    let text = zeroize::Zeroizing::new(std::fs::read(config)?);
    for number in 1..=KEPT_MOST {
        let mut kept = config.as_os_str().to_owned();
        kept.push(if number == 1 { ".before".to_owned() } else { format!(".before-{number}") });
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(about.mode() & 0o777);
        let mut file = match options.open(&kept) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            file => file?,
        };
        file.write_all(&text)?;
        return Ok(file.sync_all()?);
    }
    bail!("there are {KEPT_MOST} earlier ones beside it; remove what is of no use any more")
}

/// In one step: a server that reads it meanwhile finds the old one or the new one.
fn write(config: &Path, answers: &Answers, service: &Service) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", config.display());
    if holds_settings(config) {
        keep(config).with_context(|| format!("{} cannot be kept", config.display()))?;
    }
    let new = config.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o640).open(&new).with_context(failed)?;
    service.show(&file, &new)?;
    file.write_all(Settings::file_with(&answers.settings()).as_bytes()).with_context(failed)?;
    // The umask may have taken the group's right away.
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o640);
    file.set_permissions(mode).and_then(|()| file.sync_all()).with_context(failed)?;
    std::fs::rename(&new, config).with_context(failed)
}
