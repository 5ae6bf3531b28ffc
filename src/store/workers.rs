//! A small fixed set of writer threads. A file is pinned to one of them: no thread per tenant.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::changes::{self, Tap, Taps};

/// Work that a writer thread does when told that there is some.
pub trait Runnable: Send + Sync {
    /// Drains what waits, up to one group.
    fn run(&self);
}

pub struct Workers {
    threads: Vec<Sender<Arc<dyn Runnable>>>,
    /// What they commit is archived.
    taps: Option<Arc<Taps>>,
}

impl Workers {
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(count: usize) -> std::io::Result<Arc<Self>> {
        Self::tapped(count, None)
    }

    /// The same, with taps on the files that they write.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn tapped(count: usize, taps: Option<Arc<Taps>>) -> std::io::Result<Arc<Self>> {
        let threads = (0..count.max(1)).map(start_one).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { threads, taps }))
    }

    pub fn taps(&self) -> Option<&Arc<Taps>> {
        self.taps.as_ref()
    }

    /// The tap of a file. Without one, what an earlier run archived of it cannot go on.
    pub(super) fn tap(&self, database: &Path) -> Option<Arc<Tap>> {
        let tap = self.taps.as_ref().map(|taps| taps.of(database));
        if tap.is_none() {
            changes::forget(database);
        }
        tap
    }

    /// The worker that serves a file, by a number that spreads files evenly.
    pub(super) fn pin(&self, spread: u64) -> Sender<Arc<dyn Runnable>> {
        let at = usize::try_from(spread % self.threads.len() as u64).unwrap_or(0);
        self.threads[at].clone()
    }
}

fn start_one(number: usize) -> std::io::Result<Sender<Arc<dyn Runnable>>> {
    let (sender, receiver) = mpsc::channel::<Arc<dyn Runnable>>();
    thread::Builder::new().name(format!("writer-{number}")).spawn(move || {
        for file in receiver {
            file.run();
        }
    })?;
    Ok(sender)
}
