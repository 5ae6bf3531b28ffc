//! The certificate that is served. Another takes its place without a connection being closed: who
//! comes after that sees the new one.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::acme::{self, Challenges};
use super::{Identity, Shown, Source, TlsError, self_signed};
use crate::kernel::Timestamp;

/// When somebody should have renewed it: renewal can fail, and people are on holiday.
pub(super) const EXPIRES_SOON: Duration = Duration::from_secs(21 * 86_400);

/// A certificate that can be served.
pub struct Served {
    pub shown: Shown,
    pub source: Source,
    certified: Arc<CertifiedKey>,
}

impl Served {
    /// # Errors
    /// A key that the TLS library cannot sign with.
    pub fn new(identity: Identity) -> Result<Self, TlsError> {
        let shown = Shown::of(&identity);
        let Identity { chain, key, source, .. } = identity;
        let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?;
        let certified = Arc::new(CertifiedKey::new(chain, signing));
        Ok(Self { shown, source, certified })
    }

    /// Whether clients would see the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }

    /// Whether it is one of ours that is to be made anew.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.source == Source::SelfSigned && self_signed::is_due(self.shown.not_after, now)
    }

    /// Whether its end has come, or is near.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        self.shown.warned_from() < now
    }
}

/// What new connections are given.
pub struct Live {
    served: RwLock<Arc<Served>>,
    challenges: Arc<Challenges>,
}

impl Live {
    pub fn new(served: Served) -> Arc<Self> {
        measure(&served);
        let served = RwLock::new(Arc::new(served));
        Arc::new(Self { served, challenges: Arc::default() })
    }

    pub fn served(&self) -> Arc<Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a certificate authority is shown.
    pub fn challenges(&self) -> &Arc<Challenges> {
        &self.challenges
    }

    pub fn replace(&self, next: Served) {
        measure(&next);
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

fn measure(served: &Served) {
    let seconds = served.shown.not_after.as_micros() as f64 / 1e6;
    metrics::gauge!("strongroom_tls_expiry_timestamp_seconds").set(seconds);
}

impl ResolvesServerCert for Live {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if acme::is_challenge(&hello) {
            return self.challenges.certificate(hello.server_name()?);
        }
        Some(self.served().certified.clone())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.served().shown.fingerprint)
    }
}
