//! What the last verification of each log found, and how far a running one has come: for every
//! page's head. Kept in memory: after a start nothing has been verified yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::audit::verify::Verification;
use crate::authz::Realm;

#[derive(Clone, Default)]
pub struct Verified {
    realms: Arc<Mutex<HashMap<Realm, Log>>>,
}

#[derive(Default)]
struct Log {
    /// Entries done, of how many, while one is under way.
    running: Option<(u64, u64)>,
    last: Option<Result<Verification, String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastVerification {
    Whole {
        entries: u64,
    },
    /// Without an entry when it is whole and one from before a restore is not.
    Broken {
        first_bad: Option<u64>,
    },
}

/// How it stands with the verification of a log.
#[derive(Clone, Debug)]
pub enum VerificationState {
    /// Entries done, of how many; 0 of 0 before it has looked.
    Running {
        done: u64,
        total: u64,
    },
    Done(Box<Verification>),
    /// It could not be done; why.
    Failed(String),
}

impl Verified {
    pub fn note(&self, realm: Realm, verification: &Verification) {
        self.lock().entry(realm).or_default().last = Some(Ok(verification.clone()));
    }

    pub fn last(&self, realm: Realm) -> Option<LastVerification> {
        let realms = self.lock();
        let found = realms.get(&realm)?.last.as_ref()?.as_ref().ok()?;
        Some(match (found.ok, found.first_bad) {
            (true, _) => LastVerification::Whole { entries: found.size },
            (false, first_bad) => LastVerification::Broken { first_bad },
        })
    }

    /// None when nobody has verified the log since the start.
    pub fn state(&self, realm: Realm) -> Option<VerificationState> {
        let realms = self.lock();
        let log = realms.get(&realm)?;
        if let Some((done, total)) = log.running {
            return Some(VerificationState::Running { done, total });
        }
        Some(match log.last.as_ref()? {
            Ok(found) => VerificationState::Done(Box::new(found.clone())),
            Err(why) => VerificationState::Failed(why.clone()),
        })
    }

    /// False when one is under way already.
    pub(super) fn begin(&self, realm: Realm) -> bool {
        let mut realms = self.lock();
        let log = realms.entry(realm).or_default();
        let begun = log.running.is_none();
        log.running.get_or_insert((0, 0));
        begun
    }

    pub(super) fn progress(&self, realm: Realm, done: u64, total: u64) {
        if let Some(running) = self.lock().get_mut(&realm).and_then(|log| log.running.as_mut()) {
            // Threads may be overtaken on their way here.
            *running = (running.0.max(done), total);
        }
    }

    pub(super) fn fail(&self, realm: Realm, why: String) {
        self.lock().entry(realm).or_default().last = Some(Err(why));
    }

    /// Marks the end when it is dropped.
    pub(super) fn ends(&self, realm: Realm) -> Ends {
        Ends { verified: self.clone(), realm }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Realm, Log>> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Ends {
    verified: Verified,
    realm: Realm,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.verified.lock().entry(self.realm).or_default().running = None;
    }
}
