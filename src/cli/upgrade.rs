//! `strongroom upgrade …`: what is looked at before an upgrade.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::args::Context;
use super::output::{Report, table};
use super::{owner, upgrade_bundle as bundle};
use crate::kernel::Runtime;
use crate::tenants::{Rehearsal, Rehearsed, Release, rehearse};

#[derive(Subcommand)]
pub enum Verb {
    /// Try this release's upgrade on copies of all databases; nothing is changed
    ///
    /// Run it with the new binary while the server is stopped. Exit code 0: the upgrade can be
    /// done, or there is nothing to do; 1: it cannot.
    Check,
    /// Check a release that came without a network: who signed it, whether it is whole, what it does
    ///
    /// Exit code 0: it is good; 1: use nothing of it, or it is older than this release or than the
    /// data here.
    Verify(bundle::Verify),
    /// Make the file of a release
    #[command(hide = true)]
    Pack(bundle::Pack),
    /// Sign a file so that ssh-keygen checks it
    #[command(hide = true)]
    Sign(bundle::Sign),
    /// Make a key that releases are signed with
    #[command(hide = true)]
    Keygen(bundle::Keygen),
}

pub fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let report = match verb {
        Verb::Check => {
            let settings = context.settings(None)?;
            owner::is_own(&settings.store.data_dir, "upgrade check")?;
            check(&rehearse(&settings, &Runtime::system())?)
        }
        Verb::Verify(arguments) => bundle::check(&arguments)?,
        Verb::Pack(arguments) => bundle::make(&arguments)?,
        Verb::Sign(arguments) => bundle::sign(&arguments)?,
        Verb::Keygen(arguments) => bundle::keygen(&arguments)?,
    };
    super::socket::finish(context, report)
}

const MEBIBYTE: u64 = 1024 * 1024;

fn check(rehearsal: &Rehearsal) -> Report {
    let own = Release::own();
    let behind: Vec<_> = rehearsal.files.iter().filter(|file| file.is_behind()).collect();
    let bad: Vec<_> = rehearsal.files.iter().filter(|file| file.problem.is_some()).collect();
    let bytes: u64 = behind.iter().map(|file| file.bytes).sum();
    let took: std::time::Duration = behind.iter().map(|file| file.took).sum();
    let item = |file: &&Rehearsed| {
        json!({
            "file": file.file, "tenant": file.tenant, "schema": file.found, "wanted": file.known,
            "bytes": file.bytes, "milliseconds": file.took.as_millis() as u64,
            "problem": file.problem,
        })
    };
    let json = json!({
        "ok": bad.is_empty(),
        "from": rehearsal.from,
        "to": own.version,
        "looked": rehearsal.files.len(),
        "behind": behind.iter().map(item).collect::<Vec<_>>(),
        "problems": bad.iter().map(item).collect::<Vec<_>>(),
        "bytesKept": bytes,
        "milliseconds": took.as_millis() as u64,
    });
    let from = rehearsal.from.as_deref().unwrap_or("a release that kept no record");
    let mut text = format!(
        "From {from} to {}: {} files looked at, {} to be brought up to date.\n",
        own.version,
        rehearsal.files.len(),
        behind.len()
    );
    if !behind.is_empty() {
        text += &rows(&behind);
        text += &format!(
            "That takes about {:.1} s here. Copies of what is changed, {} MiB, are kept for \
             strongroom rollback.\n",
            took.as_secs_f32(),
            bytes.div_ceil(MEBIBYTE)
        );
    }
    for file in &bad {
        let problem = file.problem.as_deref().unwrap_or_default();
        text += &format!("CANNOT: {}: {problem}\n", named(file));
    }
    text += match (bad.is_empty(), behind.is_empty()) {
        (false, _) => "Leave the older release in place until this is mended; nothing was changed.",
        (true, true) => "Nothing has to be done to the data. Nothing was changed.",
        (true, false) => "It was tried on copies and works. Nothing was changed.",
    };
    Report { json, text, ok: bad.is_empty() }
}

/// The largest first, twenty of them.
fn rows(behind: &[&Rehearsed]) -> String {
    let mut largest = behind.to_vec();
    largest.sort_by_key(|file| std::cmp::Reverse(file.bytes));
    let row = |file: &&Rehearsed| {
        vec![
            named(file),
            file.found.unwrap_or_default().to_string(),
            file.known.to_string(),
            format!("{}", file.bytes.div_ceil(1024)),
            format!("{}", file.took.as_millis()),
        ]
    };
    let shown: Vec<_> = largest.iter().take(20).map(row).collect();
    let mut text = table(&["FILE", "SCHEMA", "WANTED", "KIB", "MS"], &shown);
    if behind.len() > shown.len() {
        text += &format!("and {} more\n", behind.len() - shown.len());
    }
    text
}

fn named(file: &Rehearsed) -> String {
    let name = file.file.file_name().unwrap_or_default().to_string_lossy();
    match &file.tenant {
        Some(tenant) => format!("{tenant}/{name}"),
        None => name.into_owned(),
    }
}
