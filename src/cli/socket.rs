//! `admin.sock`: how verbs reach a running server. One JSON line there; back come lines of progress
//! and data, and at the end a report.
//!
//! Only the server's own user and root get in: the file has mode 0600 and the kernel says who is
//! at the other end.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

use super::args::Context;
use super::command::{Command, Operator, execute};
use super::feedback::{self, Listener};
use super::output::Report;
use crate::app::App;
use crate::authn::Hasher;
use crate::backup::Places;
use crate::jobs::Jobs;
use crate::kernel::Runtime;
use crate::mail::Mailer;
use crate::store::StoreError;
use crate::tenants::{Boot, BootError};

pub(super) const FILE: &str = "admin.sock";
/// A command's line; passwords and names are short.
const LINE_BYTES: usize = 64 * 1024;
const READ_TIME: Duration = Duration::from_secs(10);

/// Runs a command: in the server that has the directory open, else here.
pub async fn dispatch(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    finish(context, deliver(context, command, None).await?)
}

/// The same for a command that gives data, which goes to `out`.
pub async fn deliver(
    context: &Context,
    command: Command,
    out: Option<&mut (dyn Write + Send)>,
) -> anyhow::Result<Report> {
    let settings = context.settings(None)?;
    let path = settings.store.data_dir.join(FILE);
    let quiet = context.json || !std::io::stderr().is_terminal();
    let listener = Listener { out, quiet };
    match UnixStream::connect(&path).await {
        Ok(stream) => ask(stream, &command, listener).await,
        Err(_) => {
            // What a verb makes, the service has to be able to read.
            super::owner::made_this(&settings.store.data_dir)?;
            alone(&settings, command, listener).await
        }
    }
}

/// Prints how a command ended.
pub fn finish(context: &Context, report: Report) -> anyhow::Result<ExitCode> {
    report.print(context.json)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn alone(
    settings: &crate::config::Settings,
    command: Command,
    mut listener: Listener<'_>,
) -> anyhow::Result<Report> {
    let directory = &settings.store.data_dir;
    if !directory.join("root.json").exists() {
        bail!(
            "{} is not initialised; run strongroom init or strongroom serve first, or name another \
             directory with --data-dir",
            directory.display()
        );
    }
    let runtime = Runtime::system();
    let boot = Boot::open(settings, &runtime).map_err(|error| match error {
        BootError::Store(StoreError::Locked(who)) => {
            anyhow!("{who} is in use and does not answer on {FILE}; try again shortly")
        }
        other => other.into(),
    })?;
    // What a command destroys is said to the targets first, here too.
    let _places = Places::open(&settings.backup, boot.installation, &boot.tenants)?;
    crate::backup::restore::settle_at_start(&boot.tenants).await?;
    let base_url = settings.server.base_url(settings.server.listen);
    let uid = rustix::process::getuid().as_raw();
    let (feedback, mut answers) = feedback::channel();
    let hasher = Hasher::new(&runtime).with_cost(settings.auth.bcrypt_cost);
    let mailer = Mailer::new(&settings.mail, &runtime);
    let operator = Operator::new(&boot.tenants, &hasher, &mailer, &base_url, uid, feedback.clone())
        .with_sessions(crate::app::session_policy(settings))
        .with_ends(settings)
        .with_jobs(&Jobs::default(), settings);
    let work = async move {
        let result = execute(&operator, command).await;
        feedback.end(result).await;
    };
    let listen = async move {
        while let Some(answer) = answers.recv().await {
            if let Some(report) = listener.take(answer)? {
                return Ok(report);
            }
        }
        bail!("the command was given up")
    };
    let ((), report) = tokio::join!(work, listen);
    boot.tenants.shut_down().await;
    report
}

async fn ask(
    mut stream: UnixStream,
    command: &Command,
    mut listener: Listener<'_>,
) -> anyhow::Result<Report> {
    let mut line = zeroize::Zeroizing::new(serde_json::to_vec(command)?);
    line.push(b'\n');
    stream.write_all(&line).await.context("the server closed its admin socket")?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.context("the server did not answer")? {
        let answer = serde_json::from_str(&line).context("the server gave up on this command")?;
        if let Some(report) = listener.take(answer)? {
            return Ok(report);
        }
    }
    bail!("the server gave up on this command")
}

/// The socket of a running server; its file goes away with it.
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the socket. Without it the server runs all the same, and says so.
pub fn listen(app: &Arc<App>, directory: &Path) -> Option<Listening> {
    let path = directory.join(FILE);
    // The directory's lock is ours: a file that is there was left by a killed process.
    let _ = std::fs::remove_file(&path);
    let opened = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match opened {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "no admin socket: CLI verbs will not reach this server");
            return None;
        }
    };
    let app = app.clone();
    let task = actix_web::rt::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let app = app.clone();
            actix_web::rt::spawn(async move {
                if let Err(error) = answer(&app, stream).await {
                    tracing::warn!(%error, "a command on the admin socket was dropped");
                }
            });
        }
    });
    Some(Listening { path, task })
}

/// A line, which may have a password or a root key in it: it is in one place only, which is wiped.
async fn command_line(reader: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let (mut line, mut length) = (Zeroizing::new(vec![0; LINE_BYTES]), 0);
    while length < LINE_BYTES && !line[..length].ends_with(b"\n") {
        match reader.read(&mut line[length..]).await? {
            0 => break,
            read => length += read,
        }
    }
    line.truncate(length);
    Ok(line)
}

async fn answer(app: &App, mut stream: UnixStream) -> anyhow::Result<()> {
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        bail!("user {uid} may not use it");
    }
    let (mut reader, mut writer) = stream.split();
    let line = tokio::time::timeout(READ_TIME, command_line(&mut reader)).await??;
    let (feedback, mut answers) = feedback::channel();
    let (tenants, hasher, mailer) = (&app.tenants, &app.hasher, &app.mailer);
    let operator = Operator::new(tenants, hasher, mailer, app.base_url(), uid, feedback.clone())
        .with_sessions(app.session_policy())
        .with_ends(&app.in_force())
        .with_jobs(&app.jobs, &app.settings)
        .with_streams(&app.streams)
        .with_acme(app.acme.get());
    let work = async move {
        let result = match serde_json::from_slice(&line) {
            Ok(command) => execute(&operator, command).await,
            Err(_) => Err(anyhow!(
                "this server does not know that command; use its own version of the CLI"
            )),
        };
        feedback.end(result).await;
    };
    // When the other side goes away, the answers are dropped, and the command finds nobody there.
    let pass_on = async move {
        while let Some(answer) = answers.recv().await {
            let mut line = serde_json::to_vec(&answer)?;
            line.push(b'\n');
            writer.write_all(&line).await?;
        }
        writer.shutdown().await
    };
    let ((), passed) = tokio::join!(work, pass_on);
    Ok(passed?)
}
