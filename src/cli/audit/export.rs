//! `strongroom audit export`
//!
//! The file belongs to whoever types the command: the server only sends what goes into it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::authz::Grant;
use crate::authz::permission::{AuditExport, PlatformAuditExport};
use crate::cli::args::Context;
use crate::cli::command::Operator;
use crate::cli::output::Report;
use crate::cli::socket;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::trail::export::{self, ExportFormat, ExportRequest, Exporting};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("of").required(true).args(["tenant", "platform"])))]
pub struct Arguments {
    /// This tenant's log
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// The platform's own log
    #[arg(long)]
    platform: bool,
    /// jsonl, csv, cef, ocsf, or bundle: entries that prove themselves
    #[arg(long)]
    format: ExportFormat,
    /// Only what this search finds, for example action:login.failed
    #[arg(long, value_name = "SEARCH", default_value = "", hide_default_value = true)]
    query: String,
    /// Entries from this time on: 2026-11-22 or 2026-11-22T05:06:07Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Entries before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// A log from before a restore, as audit verify names it; whole or between two times
    #[arg(long, value_name = "ID", conflicts_with = "query")]
    log: Option<LogId>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

/// What reaches the server.
#[derive(Serialize, Deserialize)]
pub struct Wanted {
    /// The platform's own log when absent.
    tenant: Option<String>,
    request: ExportRequest,
}

/// Between two lines about how far it has come.
const PROGRESS: Duration = Duration::from_secs(1);

/// A time, or the beginning of a day, in UTC.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .ok_or("write a day or a time: 2026-11-22 or 2026-11-22T05:06:07Z")
}

pub async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { tenant, platform: _, format, query, from, to, log, out, force } = arguments;
    let request = ExportRequest { format, q: query, from, to, log };
    let command = super::Command::Export(Wanted { tenant, request });
    let mut file = Beside::create(&out, force)?;
    let sent = socket::deliver(
        context,
        crate::cli::Command::Audit(command),
        Some(&mut file.writer as &mut (dyn Write + Send)),
    );
    let mut report = sent.await?;
    file.keep()?;
    report.json["file"] = json!(out);
    report.text = format!("{} in {}", report.text, out.display());
    socket::finish(context, report)
}

pub async fn execute(operator: &Operator, wanted: Wanted) -> anyhow::Result<Report> {
    let Wanted { tenant, request } = wanted;
    match tenant {
        Some(name) => {
            let (grant, _) = operator.tenant::<AuditExport>(&name).await?;
            send(operator, &grant, request).await
        }
        None => send(operator, &operator.platform::<PlatformAuditExport>().await?, request).await,
    }
}

async fn send<P: Exporting>(
    operator: &Operator,
    grant: &Grant<P>,
    request: ExportRequest,
) -> anyhow::Result<Report> {
    let mut reading = export::export(&operator.tenants, grant, request).await?;
    let clock = operator.tenants.runtime().clock.clone();
    let mut said = clock.monotonic();
    while let Some(bytes) = reading.next().await? {
        operator.feedback.data(&bytes).await?;
        if clock.monotonic().saturating_sub(said) >= PROGRESS {
            said = clock.monotonic();
            let (done, total) = (reading.done(), reading.total());
            operator.feedback.progress(format!("{done} of {total} entries"));
        }
    }
    let entries = reading.done();
    Ok(Report::done(json!({ "entries": entries }), format!("{entries} entries")))
}

/// A file that is written under another name and gets its own when it is whole.
pub struct Beside {
    pub writer: BufWriter<File>,
    path: PathBuf,
    out: PathBuf,
    force: bool,
    kept: bool,
}

impl Beside {
    pub fn create(out: &Path, force: bool) -> anyhow::Result<Self> {
        if !force && fs::symlink_metadata(out).is_ok() {
            bail!("{} is there already; choose another name, or add --force", out.display());
        }
        let Some(name) = out.file_name() else {
            bail!("{} is no name for a file", out.display());
        };
        let hidden = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        let path = out.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        let (out, writer) = (out.to_owned(), BufWriter::new(file));
        Ok(Self { writer, path, out, force, kept: false })
    }

    pub fn keep(&mut self) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.out.display());
        self.writer.flush().with_context(failed)?;
        self.writer.get_ref().sync_all().with_context(failed)?;
        if self.force {
            fs::rename(&self.path, &self.out).with_context(failed)?;
            self.kept = true;
        } else {
            // Unlike a rename, a link replaces nothing that has come there meanwhile.
            fs::hard_link(&self.path, &self.out).with_context(failed)?;
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
