//! `strongroom tls`: the server's certificate, from a shell.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::Context;
use super::command::Operator;
use super::output::Report;
use super::{owner, password, socket};
use crate::config::{Settings, read_secret};
use crate::http::tls::pkcs12::{FILE_BYTES, Imported};
use crate::http::tls::{self, Shown, Source, acme};

#[derive(Subcommand)]
pub enum Verb {
    /// What clients see of the certificate: fingerprint, names, end, where it comes from and when it is
    /// renewed
    Show,
    /// Ask the certificate authority for a new certificate now (acme.directory); a server has to run
    Renew,
    /// Put certificate and key of a PKCS#12 file (.p12, .pfx) into place; a server that runs takes
    /// them over by itself
    ///
    /// They go to the files that server.tls_certificate and server.tls_key name, else into the data
    /// directory. The password is asked for at the terminal unless it is given otherwise.
    Import {
        /// The PKCS#12 file
        file: PathBuf,
        /// File with its password in the first line, readable by its owner alone
        #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
        password_file: Option<PathBuf>,
        /// Read its password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Renew,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let settings = context.settings(None)?;
    let report = match verb {
        Verb::Renew => {
            return socket::dispatch(context, super::Command::Tls(Command::Renew)).await;
        }
        Verb::Show => show(&settings)?,
        Verb::Import { file, password_file, password_stdin } => {
            let der = read(&file)?;
            let password = given_password(password_file.as_deref(), password_stdin)?;
            let imported = Imported::open(&der, password.expose_secret())
                .with_context(|| file.display().to_string())?;
            import(&settings, &imported)?
        }
    };
    socket::finish(context, report)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command::Renew = command;
    let Some(acme) = &operator.acme else {
        bail!(
            "the server asks for certificates, and it does not run: start it with strongroom serve"
        );
    };
    let Some(shown) = acme.renew(&operator.caller, true).await? else {
        bail!("no certificate was asked for");
    };
    let json = json!({
        "fingerprint": shown.fingerprint,
        "names": shown.names,
        "notAfter": shown.not_after,
        "renewal": shown.renewal(),
    });
    let text = format!(
        "The certificate authority gave a certificate for {}, valid until {} (UTC):\n  SHA-256 {}\nThe \
         server serves it within seconds.",
        shown.names.join(", "),
        shown.not_after.display(),
        shown.fingerprint
    );
    Ok(Report::done(json, text))
}

fn show(settings: &Settings) -> anyhow::Result<Report> {
    let Some(shown) = tls::shown(settings)? else {
        bail!("there is no certificate yet: the first start makes one");
    };
    let files = tls::paths(settings);
    let (mut json, mut text) = (facts(&shown, &files), text(&shown, &files));
    if let Some(standing) = acme::standing(settings) {
        let state = &standing.state;
        json["acme"] = json!({
            "directory": standing.directory,
            "next": standing.next,
            "lastTry": state.tried,
            "error": state.error,
            "failures": state.failures,
        });
        text += &asked(&standing);
    }
    Ok(Report::done(json, text))
}

fn source(shown: &Shown) -> &'static str {
    match shown.source {
        Source::Configured => "the files that the configuration names",
        Source::SelfSigned => "made by Strongroom itself",
        Source::Foreign => "put into the data directory by somebody",
        Source::Acme => "given by the certificate authority (ACME)",
    }
}

fn asked(standing: &acme::Standing) -> String {
    let next = standing.next.map_or_else(
        || "as soon as the server looks, within five minutes".to_owned(),
        |next| format!("{} (UTC)", next.display()),
    );
    let tried = match (standing.state.tried, &standing.state.error) {
        (None, _) => "never".to_owned(),
        (Some(at), None) => format!("{} (UTC), and it gave one", at.display()),
        (Some(at), Some(error)) => format!("{} (UTC): {error}", at.display()),
    };
    format!("\nauthority    {}\nlast asked   {tried}\nasked next   {next}", standing.directory)
}

fn facts(shown: &Shown, files: &[PathBuf; 2]) -> serde_json::Value {
    json!({
        "fingerprint": shown.fingerprint,
        "names": shown.names,
        "notBefore": shown.not_before,
        "notAfter": shown.not_after,
        "source": shown.source.name(),
        "renewal": shown.renewal(),
        "certificate": files[0].display().to_string(),
        "key": files[1].display().to_string(),
    })
}

fn text(shown: &Shown, files: &[PathBuf; 2]) -> String {
    format!(
        "SHA-256      {}\nfor          {}\nvalid        {} to {} (UTC)\nsource       {}\n\
         certificate  {}\nkey          {}",
        shown.fingerprint,
        shown.names.join(", "),
        shown.not_before.display(),
        shown.not_after.display(),
        source(shown),
        files[0].display(),
        files[1].display()
    )
}

fn read(path: &Path) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut der = zeroize::Zeroizing::new(Vec::new());
    let opened = File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut der));
    opened.with_context(|| format!("{} cannot be read", path.display()))?;
    if der.len() as u64 > FILE_BYTES {
        bail!("{} is too large for a PKCS#12 file", path.display());
    }
    Ok(der)
}

fn given_password(file: Option<&Path>, stdin: bool) -> anyhow::Result<SecretString> {
    if let Some(path) = file {
        let text = read_secret(path).map_err(anyhow::Error::msg)?;
        return Ok(SecretString::from(text.lines().next().unwrap_or_default()));
    }
    if stdin {
        return Ok(password::from_stdin()?.secret());
    }
    let asked = rpassword::prompt_password("Password of the PKCS#12 file: ");
    let cure = "there is no terminal: give the password with --password-file or --password-stdin";
    asked.map(SecretString::from).context(cure)
}

fn import(settings: &Settings, imported: &Imported) -> anyhow::Result<Report> {
    let directory = &settings.store.data_dir;
    if settings.acme.directory.is_some() {
        bail!("acme.directory is set: the certificate comes from there; unset it to import one");
    }
    let files = tls::paths(settings);
    let data = std::fs::metadata(directory).ok();
    let is_configured = settings.server.tls_certificate.is_some();
    let me = rustix::process::geteuid();
    if !is_configured {
        match &data {
            None => bail!("{} is not there: strongroom init makes it", directory.display()),
            Some(_) => owner::is_own(directory, "tls import")?,
        }
        tls::make_directory(directory)?;
    }
    // What root puts elsewhere is read by the service's group, as certificate tools have it.
    let group = data.filter(|_| me.is_root() && is_configured).map(|data| data.gid());
    let own = |file: &File| -> io::Result<()> { fchown(file, None, group) };
    let mode = if group.is_some() { 0o640 } else { 0o600 };
    let shown = imported.install(&files, mode, own)?;
    let mut json = facts(&shown, &files);
    json["intermediates"] = imported.intermediates.into();
    let chain = match imported.intermediates {
        0 => "without intermediates".to_owned(),
        1 => "with one intermediate".to_owned(),
        many => format!("with {many} intermediates"),
    };
    let text = format!(
        "{}\n\nIn place, {chain}. A server that runs serves it within seconds.",
        text(&shown, &files)
    );
    Ok(Report::done(json, text))
}
