//! The taps of all data files, and the thread that empties them while their WALs grow.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::local::Gap;
use super::tap::Tap;
use crate::kernel::Runtime;

#[derive(Clone, Copy, Debug)]
pub struct TapsLimits {
    /// Bytes that the changes of all files may take on this machine's disk.
    pub bytes: u64,
    /// Bytes of that disk that they leave free.
    pub reserve: u64,
}

pub struct Taps {
    pub(super) shared: Arc<Shared>,
    taps: Mutex<HashMap<PathBuf, Arc<Tap>>>,
}

pub(super) struct Shared {
    pub runtime: Runtime,
    limits: TapsLimits,
    /// Bytes that changes take now.
    used: AtomicU64,
    kicks: Mutex<Sender<Arc<Tap>>>,
}

impl Taps {
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(runtime: &Runtime, limits: TapsLimits) -> std::io::Result<Arc<Self>> {
        let (kicks, kicked) = mpsc::channel::<Arc<Tap>>();
        thread::Builder::new().name("changes".into()).spawn(move || {
            for tap in kicked {
                tap.take_early();
            }
        })?;
        let (runtime, kicks) = (runtime.clone(), Mutex::new(kicks));
        let shared = Shared { runtime, limits, used: AtomicU64::new(0), kicks };
        Ok(Arc::new(Self { shared: Arc::new(shared), taps: Mutex::default() }))
    }

    /// The tap of a data file, made when there is none yet. Opens nothing.
    pub fn of(&self, database: &Path) -> Arc<Tap> {
        let mut taps = self.taps.lock().unwrap_or_else(PoisonError::into_inner);
        match taps.get(database) {
            Some(tap) => tap.clone(),
            None => {
                let tap = Arc::new(Tap::new(database, self.shared.clone()));
                taps.insert(database.to_owned(), tap.clone());
                tap
            }
        }
    }

    /// Files that are gone are watched no more.
    pub fn forget_missing(&self) {
        let mut taps = self.taps.lock().unwrap_or_else(PoisonError::into_inner);
        taps.retain(|database, _| database.exists());
    }

    /// Bytes that changes take on the disk.
    pub fn used(&self) -> u64 {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// Bytes that they may take.
    pub fn most(&self) -> u64 {
        self.shared.limits.bytes
    }

    /// More bytes lie on the disk.
    pub fn add(&self, bytes: u64) {
        self.shared.add(bytes);
    }

    /// Bytes were deleted.
    pub fn remove(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.shared.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Whether so much more may be written beside a data file, for a while.
    ///
    /// # Errors
    /// [`Gap::DiskFull`]
    pub fn free(&self, directory: &Path, more: u64) -> Result<(), Gap> {
        self.shared.free(directory, more)
    }
}

impl Shared {
    pub fn kick(&self, tap: Arc<Tap>) {
        let kicks = self.kicks.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = kicks.send(tap);
    }

    pub fn add(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn room(&self, directory: &Path, more: u64) -> Result<(), Gap> {
        if self.used.load(Ordering::Relaxed).saturating_add(more) > self.limits.bytes {
            return Err(Gap::SpoolFull);
        }
        self.free(directory, more)
    }

    fn free(&self, directory: &Path, more: u64) -> Result<(), Gap> {
        let disk = rustix::fs::statvfs(directory).map_err(std::io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.limits.reserve.saturating_add(more) { Err(Gap::DiskFull) } else { Ok(()) }
    }
}
