//! `strongroom audit verify --bundle FILE`: needs no data directory, only the public key.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::audit::bundle::{Findings, Manifest, Trusted, Witnessed, verify};
use crate::audit::note::Verifier;
use crate::audit::view::EntryView;
use crate::cli::output::{Report, table};
use crate::kernel::Timestamp;

/// What belongs to a bundle; read here and not by a server.
#[derive(Default, clap::Args)]
pub struct Offline {
    /// Check an exported bundle instead, without a data directory
    #[arg(long, value_name = "FILE", requires = "public_key")]
    bundle: Option<PathBuf>,
    /// The installation's public key, as `audit public-key` prints it
    #[arg(long, value_name = "FILE", requires = "bundle")]
    public_key: Option<PathBuf>,
    /// Public key of a witness that must have signed a checkpoint in the bundle; may be repeated
    #[arg(long, value_name = "FILE", requires = "bundle")]
    witness_key: Vec<PathBuf>,
    /// Write the bundle's entries to this new file, as JSON lines, when it is good
    #[arg(long, value_name = "FILE", requires = "bundle")]
    entries: Option<PathBuf>,
}

/// Checks the bundle, if one is named. `tenant` is the one that it must be of.
pub fn run(arguments: &Offline, tenant: Option<&str>) -> anyhow::Result<Option<Report>> {
    let (Some(bundle), Some(key)) = (&arguments.bundle, &arguments.public_key) else {
        return Ok(None);
    };
    let witnesses = arguments.witness_key.iter().map(|path| read_key(path));
    let trusted = Trusted {
        log: read_key(key)?,
        witnesses: witnesses.collect::<Result<_, _>>()?,
        tenant: tenant.map(str::to_owned),
    };
    let mut entries = arguments.entries.as_deref().map(Entries::begin).transpose()?;
    let file = File::open(bundle).with_context(|| format!("{} is not read", bundle.display()))?;
    let findings = verify(BufReader::new(file), &trusted, &mut |entry| {
        if let Some(entries) = &mut entries {
            entries.add(&entry);
        }
    });
    if let Some(entries) = entries.filter(|_| findings.ok) {
        entries.end()?;
    }
    Ok(Some(report(&findings)))
}

/// A public key in a file of one line.
pub fn read_key(path: &Path) -> anyhow::Result<Verifier> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the key {} is not read", path.display()))?;
    text.parse().map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The entries' file: nothing stands under its name before the whole bundle was found good.
struct Entries {
    out: BufWriter<NamedTempFile>,
    path: PathBuf,
    failed: Option<anyhow::Error>,
}

impl Entries {
    fn begin(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            bail!("{} is there already: name another file", path.display());
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { out: BufWriter::new(file), path: path.to_owned(), failed: None })
    }

    fn add(&mut self, entry: &EntryView) {
        let written = serde_json::to_writer(&mut self.out, entry)
            .map_err(anyhow::Error::from)
            .and_then(|()| Ok(self.out.write_all(b"\n")?));
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    fn end(self) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.path.display());
        if let Some(error) = self.failed {
            return Err(error.context(failed()));
        }
        let file =
            self.out.into_inner().map_err(|error| error.into_error()).with_context(failed)?;
        file.as_file().sync_all().with_context(failed)?;
        file.persist_noclobber(&self.path).with_context(failed)?;
        Ok(())
    }
}

fn report(findings: &Findings) -> Report {
    let manifest = findings.manifest.as_ref().filter(|_| findings.ok);
    let checkpoint = findings.checkpoint.as_ref();
    let witnessed = |Witnessed { name, time, size }: &Witnessed| json!({ "name": name.to_string(), "time": seconds(*time), "size": size });
    let log = json!({
        "logId": findings.log_id,
        "tenant": manifest.and_then(|manifest| manifest.tenant.as_ref()).map(|tenant| &tenant.slug),
        "size": checkpoint.map_or(0, |checkpoint| checkpoint.size),
        "head": findings.head,
        "root": checkpoint.map(|checkpoint| checkpoint.root),
        "ok": findings.ok,
        "firstBad": findings.first_bad,
        "reason": findings.reason,
        "entries": findings.entries,
        "disclosed": findings.disclosed,
        "witnesses": findings.witnessed.iter().map(witnessed).collect::<Vec<Value>>(),
        "grownFrom": findings.earlier.as_ref().map(|earlier| earlier.size),
        "manifest": manifest,
    });
    let text = match (manifest, &findings.reason) {
        (Some(manifest), _) => good(findings, manifest),
        (None, reason) => {
            let reason = reason.as_deref().unwrap_or("it was not understood");
            format!("The bundle is NOT good: {reason}.\nRely on nothing in it.")
        }
    };
    Report { json: json!({ "ok": findings.ok, "logs": [log] }), text, ok: findings.ok }
}

fn good(findings: &Findings, manifest: &Manifest) -> String {
    let tenant = manifest.tenant.as_ref().map_or("(platform)", |tenant| &tenant.slug);
    let range = match (manifest.first, manifest.last) {
        (Some(first), Some(last)) if manifest.gapless => {
            format!("{first} to {last}, none left out")
        }
        (Some(first), Some(last)) => format!("from {first} to {last}, of a search"),
        _ => "none".to_owned(),
    };
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("log", manifest.log_id.to_string()),
        row("tenant", tenant.to_owned()),
        row("entries", format!("{} ({range})", findings.entries)),
        row("in a log of", format!("{} entries, root {}", manifest.size, manifest.root)),
        row("exported", format!("{} by {}", manifest.exported_at, manifest.exported_by.id)),
    ];
    match findings.entries - findings.disclosed {
        0 => {}
        closed => rows.push(row("destroyed", format!("{closed} of them; their hashes are proven"))),
    }
    if !manifest.selection.query.is_empty() {
        rows.push(row("search", manifest.selection.query.clone()));
    }
    rows.extend(findings.witnessed.iter().map(|Witnessed { name, time, size }| {
        row("witness", format!("{name} signed up to entry {size}, on {}", seconds(*time)))
    }));
    if let Some(earlier) = &findings.earlier {
        rows.push(row("grown from", format!("{} entries, nothing of which changed", earlier.size)));
    }
    format!("The bundle is good.\n{}", table(&["", ""], &rows).trim_start())
}

fn seconds(time: u64) -> Timestamp {
    let micros = i64::try_from(time).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Timestamp::from_micros(micros)
}
