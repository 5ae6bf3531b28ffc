//! `admin.sock`: how verbs reach a running server. One JSON line there, one back.
//!
//! Only the server's own user and root get in: the file has mode 0600 and the kernel says who is
//! at the other end.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::args::Context;
use super::command::{Command, Operator, execute};
use super::output::Report;
use crate::app::App;
use crate::authn::Hasher;
use crate::kernel::Runtime;
use crate::store::StoreError;
use crate::tenants::{Boot, BootError};

const FILE: &str = "admin.sock";
/// A command's line; passwords and names are short.
const LINE_BYTES: u64 = 64 * 1024;
const READ_TIME: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
enum Answer {
    Report(Report),
    Failed(String),
}

/// Runs a command: in the server that has the directory open, else here.
pub async fn dispatch(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    let settings = context.settings(None)?;
    let path = settings.store.data_dir.join(FILE);
    let report = match UnixStream::connect(&path).await {
        Ok(stream) => ask(stream, &command).await?,
        Err(_) => alone(&settings, command).await?,
    };
    report.print(context.json)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn alone(settings: &crate::config::Settings, command: Command) -> anyhow::Result<Report> {
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
    let base_url = settings.server.base_url(settings.server.listen);
    let uid = rustix::process::getuid().as_raw();
    let operator = Operator::new(&boot.tenants, &Hasher::new(&runtime), &base_url, uid);
    let report = execute(&operator, command).await;
    boot.tenants.shut_down().await;
    report
}

async fn ask(mut stream: UnixStream, command: &Command) -> anyhow::Result<Report> {
    let mut line = zeroize::Zeroizing::new(serde_json::to_vec(command)?);
    line.push(b'\n');
    stream.write_all(&line).await.context("the server closed its admin socket")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.context("the server did not answer")?;
    match serde_json::from_str(&answer).context("the server gave up on this command")? {
        Answer::Report(report) => Ok(report),
        Answer::Failed(error) => Err(anyhow!(error)),
    }
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

async fn answer(app: &App, mut stream: UnixStream) -> anyhow::Result<()> {
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        bail!("user {uid} may not use it");
    }
    let mut line = zeroize::Zeroizing::new(String::new());
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader.take(LINE_BYTES));
    tokio::time::timeout(READ_TIME, reader.read_line(&mut line)).await??;
    let operator = Operator::new(&app.tenants, &app.hasher, app.base_url(), uid);
    let result = match serde_json::from_str(&line) {
        Ok(command) => execute(&operator, command).await,
        Err(_) => {
            Err(anyhow!("this server does not know that command; use its own version of the CLI"))
        }
    };
    let answer = match result {
        Ok(report) => Answer::Report(report),
        Err(error) => Answer::Failed(format!("{error:#}")),
    };
    writer.write_all(&serde_json::to_vec(&answer)?).await?;
    writer.shutdown().await?;
    Ok(())
}
