//! What the last verification of each log found, for every page's head. Kept in memory: after a
//! start nothing has been verified yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::audit::verify::Verification;
use crate::authz::Realm;

#[derive(Default)]
pub struct Verified {
    realms: Mutex<HashMap<Realm, LastVerification>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastVerification {
    Whole { entries: u64 },
    Broken { first_bad: u64 },
}

impl Verified {
    pub fn note(&self, realm: Realm, verification: &Verification) {
        let found = match (verification.ok, verification.first_bad) {
            (true, _) => LastVerification::Whole { entries: verification.size },
            (false, first_bad) => LastVerification::Broken { first_bad: first_bad.unwrap_or(0) },
        };
        self.realms.lock().unwrap_or_else(PoisonError::into_inner).insert(realm, found);
    }

    pub fn last(&self, realm: Realm) -> Option<LastVerification> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner).get(&realm).copied()
    }
}
