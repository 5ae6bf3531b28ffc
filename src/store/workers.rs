//! A small fixed set of writer threads. A file is pinned to one of them: no thread per tenant.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

/// Work that a writer thread does when told that there is some.
pub trait Runnable: Send + Sync {
    /// Drains what waits, up to one group.
    fn run(&self);
}

pub struct Workers {
    threads: Vec<Sender<Arc<dyn Runnable>>>,
}

impl Workers {
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(count: usize) -> std::io::Result<Arc<Self>> {
        let threads = (0..count.max(1)).map(start_one).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { threads }))
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
