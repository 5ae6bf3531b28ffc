//! What is known of running streams, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::repo::Cursor;
use crate::kernel::Timestamp;
use crate::kernel::id::StreamId;

/// All running streams.
#[derive(Default)]
pub struct Board {
    streams: Mutex<HashMap<StreamId, Arc<Live>>>,
}

impl Board {
    pub fn put(&self, id: StreamId, live: Arc<Live>) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(id, live);
    }

    pub fn remove(&self, id: StreamId) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub fn get(&self, id: StreamId) -> Option<Arc<Live>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub fn all(&self) -> Vec<(StreamId, Arc<Live>)> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.iter().map(|(id, live)| (*id, live.clone())).collect()
    }
}

/// One running stream.
pub struct Live {
    state: Mutex<Snapshot>,
    growth: watch::Receiver<u64>,
}

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub cursor: Cursor,
    /// Size of the log, as far as it is known.
    pub head: u64,
    /// When the oldest entry that is not delivered was written down or noticed.
    pub oldest: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    pub next_attempt: Option<Timestamp>,
}

impl Live {
    pub fn new(cursor: Cursor, head: u64, growth: watch::Receiver<u64>) -> Self {
        let state = Snapshot {
            cursor,
            head,
            oldest: None,
            failing_since: cursor.alarmed,
            last_error: None,
            last_error_at: None,
            next_attempt: None,
        };
        Self { state: Mutex::new(state), growth }
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.head = state.head.max(*self.growth.borrow());
        state
    }

    pub fn change(&self, f: impl FnOnce(&mut Snapshot)) {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
