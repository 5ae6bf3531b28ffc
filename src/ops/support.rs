//! What somebody who helps from elsewhere needs to know of an installation, and nothing more: no
//! secret, no name of a person, a tenant or a host. Texts that could hold one stay behind; what is
//! taken is listed, not what is left out.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use chrono_tz::Tz;

use serde_json::{Value, json};

use super::doctor::{Outcome, Patient, Wanted, examine};
use crate::authz::permission::PlatformJobRead;
use crate::config::Settings;
use crate::jobs::{self, JobStatus, RunState};
use crate::kernel::Timestamp;
use crate::store::migrate;
use crate::tenants::{DoorError, Load};

/// A file of the bundle.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Part {
    pub name: String,
    /// One line for whoever decides whether it may go.
    pub about: String,
    pub text: String,
}

/// The files of a bundle, each with what is in it, for whoever decides whether it may go.
pub const CONTENTS: [(&str, &str); 7] = [
    ("about.json", "version, build, kind of machine"),
    ("doctor.json", "health checks: results, without names"),
    ("settings.json", "settings: where from, numbers and choices"),
    ("jobs.json", "jobs: results and times, without what they said"),
    ("schema.json", "versions of the files' formats"),
    ("sizes.json", "how large and how many the files are"),
    ("metrics.txt", "what /metrics says"),
];

/// What a bundle is made from.
struct Sources<'a> {
    settings: &'a Settings,
    checks: &'a [Outcome],
    jobs: &'a [JobStatus],
    load: Load,
    now: Timestamp,
}

/// Looks at everything and puts together what may be told of it, which is on record as a run of the
/// doctor's checks. Schedules of jobs are in `zone`.
///
/// # Errors
/// [`DoorError`]: no permission, or a log that takes no entry.
pub async fn gather(patient: &Patient<'_>, zone: Tz) -> Result<Vec<Part>, DoorError> {
    let Patient { tenants, settings, caller, .. } = patient;
    let wanted = Wanted { bundle: true, ..Wanted::default() };
    let checks = examine(patient, &wanted).await?;
    let grant = tenants.authorize_platform::<PlatformJobRead>(caller, "support").await?;
    let jobs = jobs::list(tenants, &grant, zone).await?;
    Ok(parts(&Sources {
        settings,
        checks: &checks,
        jobs: &jobs,
        load: tenants.load(),
        now: tenants.runtime().now(),
    }))
}

fn parts(sources: &Sources<'_>) -> Vec<Part> {
    let json = |value: &Value| format!("{value:#}\n");
    let texts = [
        json(&about(sources)),
        json(&checks(sources.checks)),
        json(&settings(sources)),
        json(&jobs(sources)),
        json(&schema()),
        json(&sizes(sources)),
        numbered(&super::metrics::render()),
    ];
    let part = |((name, about), text): ((&str, &str), String)| Part {
        name: name.to_owned(),
        about: about.to_owned(),
        text,
    };
    CONTENTS.into_iter().zip(texts).map(part).collect()
}

/// Writes the files as one: `tar --zstd -xf` opens it.
///
/// # Errors
/// Those of `out`.
pub fn pack<W: Write>(parts: &[Part], out: W) -> std::io::Result<W> {
    let mut archive = tar::Builder::new(zstd::Encoder::new(out, 0)?);
    for part in parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(part.text.len() as u64);
        header.set_mode(0o600);
        let path = Path::new("strongroom-support").join(&part.name);
        archive.append_data(&mut header, path, part.text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

fn about(sources: &Sources<'_>) -> Value {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let machine = rustix::system::sysinfo();
    let memory = machine.totalram.saturating_mul(u64::from(machine.mem_unit)) / (1024 * 1024);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "build": crate::BUILD,
        "madeAt": sources.now,
        "architecture": std::env::consts::ARCH,
        "kernel": kernel,
        "system": system.map(|name| name.trim_matches('"')),
        "memoryMebibytes": memory,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "tenants": sources.load.tenants,
        "openTenants": sources.load.open,
    })
}

/// Checks of which the words are kept: they are put together from numbers and words of ours. All
/// others may name a host, a path, an address, a tenant or somebody, or why nothing could be seen.
const TOLD: [&str; 9] = [
    "disk-space",
    "disk-inodes",
    "file-system",
    "open-files",
    "core-dumps",
    "memory",
    "clock-synchronised",
    "certificate-expiry",
    "tls-minimum",
];

fn checks(outcomes: &[Outcome]) -> Value {
    let one = |outcome: &Outcome| {
        let is_told = TOLD.contains(&outcome.name.as_str());
        json!({
            "name": outcome.name,
            "state": outcome.state,
            "found": is_told.then_some(outcome.found.as_str()),
        })
    };
    outcomes.iter().map(one).collect()
}

/// The same names for the same settings as `strongroom config show`.
fn settings(sources: &Sources<'_>) -> Value {
    json!(sources.settings.told())
}

/// Labels of metrics whose values are ours. The name of a backup target is its host or its path.
const OURS: [&str; 13] = [
    "build", "job_name", "kind", "le", "method", "quantile", "realm", "result", "route", "status",
    "stream", "version", "state",
];

/// Metrics with a number in place of every other label's value, the same one for the same value.
fn numbered(metrics: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut text = String::with_capacity(metrics.len());
    for line in metrics.lines() {
        match line.split_once('{') {
            Some((series, labels)) if !line.starts_with('#') => {
                text += series;
                text.push('{');
                text += &relabelled(labels, &mut names);
            }
            _ => text += line,
        }
        text.push('\n');
    }
    text
}

/// `name="value",…} number`, as it stands behind the opening brace.
fn relabelled(mut rest: &str, names: &mut Vec<String>) -> String {
    let mut text = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("=\"") {
        let (value, behind) = after.split_at(end_of(after));
        let label = before.trim_start_matches(',');
        text += before;
        text += "=\"";
        if OURS.contains(&label) {
            text += value;
        } else {
            let known = names.iter().position(|name| name == value).unwrap_or_else(|| {
                names.push(value.to_owned());
                names.len() - 1
            });
            text += &(known + 1).to_string();
        }
        text.extend(behind.chars().next());
        rest = behind.get(1..).unwrap_or_default();
    }
    text + rest
}

/// The quote that ends a value; one behind a backslash is part of it.
fn end_of(value: &str) -> usize {
    let mut is_escaped = false;
    let ends = |(_, byte): &(usize, u8)| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    };
    value.bytes().enumerate().find(ends).map_or(value.len(), |(at, _)| at)
}

fn jobs(sources: &Sources<'_>) -> Value {
    let one = |job: &JobStatus| {
        json!({
            "job": job.name,
            "schedule": job.schedule,
            "enabled": job.enabled,
            "state": job.state.map(RunState::name),
            "lastRun": job.last_run,
            "tookMillis": job.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        })
    };
    sources.jobs.iter().map(one).collect()
}

/// What this build brings files to when it opens them.
fn schema() -> Value {
    json!({ "platform": migrate::PLATFORM.len(), "tenant": migrate::TENANT.len() })
}

#[derive(Default, serde::Serialize)]
struct Size {
    files: u64,
    bytes: u64,
    largest: u64,
}

/// By the ending of the name, which are ours: tenants' directories are ids.
fn sizes(sources: &Sources<'_>) -> Value {
    let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
    measure(&sources.settings.store.data_dir, "", &mut sizes);
    json!(sizes)
}

/// Follows no link. Files with endings that are not ours are counted together.
fn measure(directory: &Path, place: &str, sizes: &mut BTreeMap<String, Size>) {
    const OURS: [&str; 9] = ["db", "db-wal", "db-shm", "log", "json", "pem", "note", "key", "sock"];
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(about) = entry.metadata() else { continue };
        let path = entry.path();
        if about.is_dir() {
            let tenants = entry.file_name() == "tenants" || place == "tenants";
            measure(&path, if tenants { "tenants" } else { "platform" }, sizes);
        } else if about.is_file() {
            let ending = path.extension().and_then(|ending| ending.to_str());
            let ending = ending.filter(|ending| OURS.contains(ending)).unwrap_or("other");
            let place = if place.is_empty() { "platform" } else { place };
            let size = sizes.entry(format!("{place}/{ending}")).or_default();
            size.files += 1;
            size.bytes += about.len();
            size.largest = size.largest.max(about.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor;

    #[test]
    fn every_check_that_is_told_is_one_of_the_doctors() {
        for name in TOLD {
            assert!(doctor::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn labels_that_may_be_names_are_numbers_in_a_bundle() {
        let metrics = "# TYPE up gauge\nup{target=\"sftp://vault.example.org/a\\\"b\"} 1\n\
                       up{target=\"/srv/acme\",kind=\"data\"} 0\nup{target=\"/srv/acme\"} 2\nplain 3\n";
        let expected = "# TYPE up gauge\nup{target=\"1\"} 1\n\
                        up{target=\"2\",kind=\"data\"} 0\nup{target=\"2\"} 2\nplain 3\n";
        assert_eq!(numbered(metrics), expected);
    }
}
