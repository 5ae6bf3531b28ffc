//! Copies of the ledger of erasures in the targets: no key is destroyed before one target has its
//! line, so that a restore after a fire does not bring back what was erased.
//!
//! A target has the ledger in parts, each a few lines. A part is written when all lines before it
//! are there, so that the lines that a target has are always the first ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::{BackupError, Layout, Target, TargetError, Targets};
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
    pub fn new(targets: &Targets, layout: Layout) -> std::io::Result<Self> {
        let runtime = match targets.0.is_empty() {
            true => None,
            false => {
                let mut builder = Builder::new_multi_thread();
                Some(builder.worker_threads(1).thread_name("ledger").enable_all().build()?)
            }
        };
        let place = |target: &Target| {
            Arc::new(Copy { target: target.clone(), layout, there: Mutex::default() })
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
            let path = self.layout.ledger_part(lines + 1, lines + count);
            let put = self.target.store.put(&path, text.into()).await;
            put.map_err(|error| self.target.failed(error))?;
            lines += count;
        }
        *there = Some(lines);
        Ok(lines)
    }

    /// How many of the first lines are there; the last of them have to be this ledger's.
    async fn look(&self, ledger: &Erasures) -> Result<u64, BackupError> {
        let parts = parts(&self.target, self.layout).await?;
        let Some((first, last)) = without_gap(&parts) else { return Ok(0) };
        let text = read(&self.target, self.layout, (first, last)).await?;
        if ledger.lines(first, last - first + 1)? != text {
            return Err(BackupError::Ledger { target: self.target.name.clone(), line: last });
        }
        Ok(last)
    }
}

/// Which parts lie in a target, by their first line, and of those the longest.
async fn parts(target: &Target, layout: Layout) -> Result<BTreeMap<u64, u64>, TargetError> {
    let folder = layout.ledger();
    let mut parts = BTreeMap::new();
    let mut listed = target.store.list(Some(&folder));
    while let Some(meta) = listed.try_next().await.map_err(|error| target.failed(error))? {
        if let Some((first, last)) = Layout::ledger_lines(&meta.location) {
            let longest = parts.entry(first).or_insert(last);
            *longest = last.max(*longest);
        }
    }
    Ok(parts)
}

/// The last part that no line is missing before; parts may overlap.
fn without_gap(parts: &BTreeMap<u64, u64>) -> Option<(u64, u64)> {
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

async fn read(
    target: &Target,
    layout: Layout,
    (first, last): (u64, u64),
) -> Result<String, BackupError> {
    let path = layout.ledger_part(first, last);
    let read = async { target.store.get(&path).await?.bytes().await };
    let bytes = read.await.map_err(|error| target.failed(error))?;
    let broken = || BackupError::Ledger { target: target.name.clone(), line: first };
    String::from_utf8(bytes.to_vec()).map_err(|_| broken())
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

    fn push(&mut self, line: &str) -> bool {
        let mut head = self.head();
        let Ok(erasure) = head.follow(line) else { return false };
        self.text += line;
        self.text.push('\n');
        self.erasures.push(erasure);
        self.heads.push(head);
        true
    }
}

/// The longest chain that the targets have.
///
/// # Errors
/// [`BackupError::Ledger`] when a line does not follow from the one before, or two targets have
/// different ones: one of them is damaged or was changed.
pub async fn fetch(targets: &Targets, layout: Layout) -> Result<Fetched, BackupError> {
    let (mut longest, mut unread) = (Fetched::default(), Vec::new());
    for target in &targets.0 {
        let one = match fetch_one(target, layout).await {
            Err(BackupError::Target(error)) => {
                unread.push((target.name.clone(), error.to_string()));
                continue;
            }
            other => other?,
        };
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
    longest.unread = unread;
    Ok(longest)
}

async fn fetch_one(target: &Target, layout: Layout) -> Result<Fetched, BackupError> {
    let mut fetched = Fetched::default();
    for part in parts(target, layout).await? {
        let (first, last) = part;
        let have = fetched.heads.len() as u64;
        let wrong = |line| BackupError::Ledger { target: target.name.clone(), line };
        if first > have + 1 {
            // Lines in between were lost.
            return Err(wrong(have + 1));
        }
        if last <= have {
            continue;
        }
        let text = read(target, layout, part).await?;
        if text.lines().count() as u64 != last - first + 1 {
            return Err(wrong(first));
        }
        for (line, number) in text.lines().zip(first..) {
            let known = fetched.heads.len() as u64;
            if number > known && !fetched.push(line) {
                return Err(wrong(number));
            }
        }
    }
    Ok(fetched)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
