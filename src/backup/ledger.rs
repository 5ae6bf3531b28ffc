//! Copies of the ledger of erasures in the targets: no key is destroyed before one target has its
//! line, so that a restore after a fire does not bring back what was erased.
//!
//! A target has the ledger in parts, each a few lines and a signed note that says which. A part is
//! written when all lines before it are there, so that the lines that a target has are always the
//! first ones. Nothing is believed of a part that this installation has not signed.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::changes::notes::Said;
use super::{BackupError, Layout, ManifestError, Target, TargetError, Targets, place};
use crate::audit::note::{Kind, Signer, Verifier};
use crate::kernel::id::InstallationId;
use crate::kernel::limits;
use crate::store::erasures::{Erasure, Erasures, Head, LedgerCopy};

/// Lines in one part at the most.
const PART_LINES: u64 = 10_000;
/// For the first target to take what is new.
const COPY_TIME: Duration = Duration::from_secs(45);

/// Copies the ledger to all targets.
#[derive(Clone)]
pub struct Copier {
    shared: Arc<Shared>,
}

struct Shared {
    /// Of its own: whoever destroys keys blocks meanwhile, wherever they are called from.
    runtime: Option<Runtime>,
    places: Vec<Arc<Copy>>,
}

impl Copier {
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(targets: &Targets, layout: Layout, signer: Arc<Signer>) -> std::io::Result<Self> {
        let runtime = match targets.0.is_empty() {
            true => None,
            false => {
                let mut builder = Builder::new_multi_thread();
                Some(builder.worker_threads(1).thread_name("ledger").enable_all().build()?)
            }
        };
        let place = |target: &Target| {
            let (target, signer, there) = (target.clone(), signer.clone(), Mutex::default());
            Arc::new(Copy { target, layout, signer, there })
        };
        let places = targets.0.iter().map(place).collect();
        Ok(Self { shared: Arc::new(Shared { runtime, places }) })
    }

    /// Brings one target up to date; answers how many lines it has then.
    ///
    /// # Errors
    /// Why it has not all of them, for an administrator.
    pub async fn catch_up(&self, target: &str, ledger: &Erasures) -> Result<u64, String> {
        let place = self.shared.places.iter().find(|place| place.target.name == target).cloned();
        let (Some(place), Some(runtime)) = (place, self.shared.runtime.as_ref()) else {
            return Err("it is not configured".to_owned());
        };
        let ledger = ledger.clone();
        let task = runtime.spawn(async move { place.catch_up(&ledger).await });
        match task.await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("the copy broke off".to_owned()),
        }
    }
}

impl LedgerCopy for Copier {
    fn places(&self) -> Vec<String> {
        self.shared.places.iter().map(|place| place.target.name.clone()).collect()
    }

    fn copy(&self, ledger: &Erasures, through: u64) -> Result<(), String> {
        let Some(runtime) = &self.shared.runtime else { return Err("it has ended".to_owned()) };
        let (send, answers) = mpsc::channel();
        for place in &self.shared.places {
            let (place, ledger, send) = (place.clone(), ledger.clone(), send.clone());
            // One that is slow goes on when another has taken it.
            runtime.spawn(async move {
                let result = place.catch_up(&ledger).await;
                let _ = send.send(result.map_err(|error| error.to_string()));
            });
        }
        drop(send);
        let (begun, mut reasons) = (Instant::now(), Vec::new());
        loop {
            let left = COPY_TIME.saturating_sub(begun.elapsed());
            match answers.recv_timeout(left) {
                Ok(Ok(lines)) if lines >= through => return Ok(()),
                Ok(Ok(_)) => {}
                Ok(Err(why)) => reasons.push(why),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(reasons.join("; ")),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let time = COPY_TIME.as_secs();
                    reasons.push(format!("the others did not take it within {time} seconds"));
                    return Err(reasons.join("; "));
                }
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for its threads is not allowed on those that answer requests.
            runtime.shutdown_background();
        }
    }
}

/// The ledger in one target.
struct Copy {
    target: Target,
    layout: Layout,
    signer: Arc<Signer>,
    /// Lines that are there; none before it was looked at, and after an error.
    there: Mutex<Option<u64>>,
}

impl Copy {
    async fn catch_up(&self, ledger: &Erasures) -> Result<u64, BackupError> {
        // One at a time: who comes second finds that the first has taken theirs along.
        let mut there = self.there.lock().await;
        let mut lines = match there.take() {
            Some(lines) => lines,
            None => self.look(ledger).await?,
        };
        loop {
            let text = ledger.lines(lines + 1, PART_LINES)?;
            let count = text.lines().count() as u64;
            if count == 0 {
                break;
            }
            let part = Part {
                installation: self.layout.installation(),
                first: lines + 1,
                last: lines + count,
                hash: last_hash(&text).unwrap_or_default(),
            };
            let note = part.sign(&self.signer).map_err(ManifestError::from)?;
            let path = self.layout.ledger_part(part.first, part.last);
            let put = self.target.store.put(&path, format!("{text}\n{note}").into()).await;
            put.map_err(|error| self.target.failed(error))?;
            lines += count;
        }
        *there = Some(lines);
        Ok(lines)
    }

    /// How many of the first lines are there; the last of them have to be this ledger's.
    async fn look(&self, ledger: &Erasures) -> Result<u64, BackupError> {
        let mut parts = parts(&self.target, self.layout).await?;
        let verifier = self.signer.verifier(Kind::Ed25519);
        while let Some((first, last)) = without_gap(&parts) {
            let place = (&self.target, self.layout);
            if let Some((part, text)) = read(place, (first, last), &verifier).await? {
                let own = ledger.lines(first, last - first + 1)?;
                if last_hash(&own).as_ref() != Some(&part.hash) {
                    let target = self.target.name.clone();
                    return Err(BackupError::Ledger { target, line: last });
                }
                if own == text {
                    return Ok(last);
                }
            }
            // Damaged, or somebody else's: it is written again.
            parts.retain(|part| *part != (first, last));
        }
        Ok(0)
    }
}

/// Which parts lie in a target, by their first line, and of those the longest first.
async fn parts(target: &Target, layout: Layout) -> Result<Vec<(u64, u64)>, TargetError> {
    let folder = layout.ledger();
    let mut parts = Vec::new();
    let mut listed = target.store.list(Some(&folder));
    while let Some(meta) = listed.try_next().await.map_err(|error| target.failed(error))? {
        parts.extend(Layout::ledger_lines(&meta.location));
    }
    parts.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    Ok(parts)
}

/// The last part that no line is missing before; parts may overlap.
fn without_gap(parts: &[(u64, u64)]) -> Option<(u64, u64)> {
    let mut end: Option<(u64, u64)> = None;
    for (first, last) in parts {
        let through = end.map_or(0, |(_, last)| last);
        if *first > through + 1 {
            break;
        }
        if *last > through {
            end = Some((*first, *last));
        }
    }
    end
}

/// What a part is, signed by the installation; it stands behind its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Part {
    installation: InstallationId,
    /// Numbers of the first and the last line.
    first: u64,
    last: u64,
    /// Hash of the last, which all before go into.
    hash: String,
}

impl Said for Part {
    const TITLE: &'static str = "strongroom ledger v1";
}

/// A part's lines and what was signed of them; nothing for what was not signed, or is another part.
/// Whether the lines are those that were signed is for the caller to see.
async fn read(
    (target, layout): (&Target, Layout),
    (first, last): (u64, u64),
    verifier: &Verifier,
) -> Result<Option<(Part, String)>, BackupError> {
    let path = layout.ledger_part(first, last);
    let bytes = match place::bounded(target, &path, limits::LEDGER_PART_BYTES).await {
        Err(object_store::Error::NotFound { .. }) => None,
        other => other.map_err(|error| target.failed(error))?,
    };
    let opened = || {
        let text = String::from_utf8(bytes?).ok()?;
        let (lines, note) = text.split_once("\n\n")?;
        let part = Part::open(note, verifier)?;
        let belongs = (part.first, part.last) == (first, last);
        let belongs = belongs && part.installation == layout.installation();
        belongs.then(|| (part, format!("{lines}\n")))
    };
    Ok(opened())
}

/// The hash that the last line says that it has.
fn last_hash(lines: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        hash: String,
    }
    let line: Line = serde_json::from_str(lines.lines().last()?).ok()?;
    Some(line.hash)
}

/// The ledger as the targets have it.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// As the file has it.
    pub text: String,
    pub erasures: Vec<Erasure>,
    /// After each line.
    heads: Vec<Head>,
    /// Targets that could not be read, and why: one of them may have more.
    pub unread: Vec<(String, String)>,
    /// Parts that were not believed, and why.
    pub left_out: Vec<(String, String)>,
    /// The target that it was read from.
    pub target: String,
    /// The highest line that a signed part names.
    told: u64,
}

impl Fetched {
    pub fn head(&self) -> Head {
        self.heads.last().cloned().unwrap_or_default()
    }

    /// Whether it goes on from where a manifest says that it was: whoever can write to a target can
    /// make a chain of their own, but no manifest.
    pub fn follows(&self, lines: u64, hash: &str) -> bool {
        let head = match lines {
            0 => return true,
            lines => self.heads.get(lines as usize - 1),
        };
        head.is_some_and(|head| head.hash == hash)
    }

    /// Goes on by a part, whose lines may be known in part. False when they do not follow, or are not
    /// those that were signed.
    fn extend(&mut self, part: &Part, lines: &str) -> bool {
        let mut head = self.head();
        let (mut erasures, mut heads, mut text) = (Vec::new(), Vec::new(), String::new());
        let known = head.lines.saturating_sub(part.first.saturating_sub(1));
        for line in lines.lines().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            let Ok(erasure) = head.follow(line) else { return false };
            erasures.push(erasure);
            heads.push(head.clone());
            text += line;
            text.push('\n');
        }
        if (head.lines, &head.hash) != (part.last, &part.hash) {
            return false;
        }
        self.erasures.extend(erasures);
        self.heads.extend(heads);
        self.text += &text;
        true
    }
}

/// The longest chain that the targets have, of parts that this installation signed.
///
/// # Errors
/// [`BackupError::Ledger`] when lines are missing that were signed, or two targets have different
/// ones.
pub async fn fetch(
    targets: &Targets,
    layout: Layout,
    verifier: &Verifier,
) -> Result<Fetched, BackupError> {
    let (mut longest, mut unread, mut left_out) = (Fetched::default(), Vec::new(), Vec::new());
    // The highest line that something signed names, and where.
    let mut told = (0, String::new());
    for target in &targets.0 {
        let mut one = match fetch_one(target, layout, verifier).await {
            Err(BackupError::Target(error)) => {
                unread.push((target.name.clone(), error.to_string()));
                continue;
            }
            other => other?,
        };
        left_out.append(&mut one.left_out);
        if one.told > told.0 {
            told = (one.told, target.name.clone());
        }
        let both = one.heads.len().min(longest.heads.len());
        if both > 0 && one.heads[both - 1] != longest.heads[both - 1] {
            let differs = one.heads.iter().zip(&longest.heads).position(|(a, b)| a != b);
            let line = differs.unwrap_or_default() as u64 + 1;
            return Err(BackupError::Ledger { target: target.name.clone(), line });
        }
        if one.heads.len() > longest.heads.len() {
            longest = one;
        }
    }
    let lines = longest.head().lines;
    if told.0 > lines {
        return Err(BackupError::Ledger { target: told.1, line: lines + 1 });
    }
    (longest.unread, longest.left_out) = (unread, left_out);
    Ok(longest)
}

async fn fetch_one(
    target: &Target,
    layout: Layout,
    verifier: &Verifier,
) -> Result<Fetched, BackupError> {
    let mut fetched = Fetched { target: target.name.clone(), ..Fetched::default() };
    for (first, last) in parts(target, layout).await? {
        if last <= fetched.head().lines {
            continue;
        }
        let found = read((target, layout), (first, last), verifier).await?;
        let path = layout.ledger_part(first, last);
        let Some((part, lines)) = found else {
            let why = "it was not signed by this installation".to_owned();
            fetched.left_out.push((format!("{}/{path}", target.name), why));
            continue;
        };
        fetched.told = fetched.told.max(last);
        let follows = first <= fetched.head().lines + 1;
        if follows && !fetched.extend(&part, &lines) {
            let why = "its lines are not those that were signed".to_owned();
            fetched.left_out.push((format!("{}/{path}", target.name), why));
        }
    }
    Ok(fetched)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
