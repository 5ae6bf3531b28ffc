//! The certificate that is served. Another takes its place without a connection being closed: who
//! comes after that sees the new one.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Identity, Shown, Source, TlsError, self_signed};
use crate::kernel::Timestamp;

/// When somebody should have renewed it: renewal can fail, and people are on holiday.
pub const EXPIRES_SOON: Duration = Duration::from_secs(21 * 86_400);

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
        self.shown.not_after.minus(EXPIRES_SOON) < now
    }
}

/// What new connections are given.
pub struct Live(RwLock<Arc<Served>>);

impl Live {
    pub fn new(served: Served) -> Arc<Self> {
        measure(&served);
        Arc::new(Self(RwLock::new(Arc::new(served))))
    }

    pub fn served(&self) -> Arc<Served> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, next: Served) {
        measure(&next);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

fn measure(served: &Served) {
    let seconds = served.shown.not_after.as_micros() as f64 / 1e6;
    metrics::gauge!("strongroom_tls_expiry_timestamp_seconds").set(seconds);
}

impl ResolvesServerCert for Live {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.served().certified.clone())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.served().shown.fingerprint)
    }
}
