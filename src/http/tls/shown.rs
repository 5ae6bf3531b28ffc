//! What clients see of the certificate, for whoever looks after it. Makes and renews nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::live::EXPIRES_SOON;
use super::{Identity, Source, TlsError, acme, load, self_signed};
use crate::config::Settings;
use crate::kernel::Timestamp;

#[derive(Clone, Debug)]
pub struct Shown {
    /// SHA-256 of the certificate, `AA:BB:…`.
    pub fingerprint: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    pub source: Source,
}

impl Shown {
    pub(super) fn of(identity: &Identity) -> Self {
        Self {
            fingerprint: identity.fingerprint.clone(),
            not_before: identity.not_before,
            not_after: identity.not_after,
            names: identity.names.clone(),
            source: identity.source,
        }
    }

    /// From when on people are told of its end. One that we renew at two thirds of its life, which
    /// may be a day, is late when half of the rest is over.
    pub fn warned_from(&self) -> Timestamp {
        let before = match self.source {
            Source::Acme => EXPIRES_SOON.min(self.life() / 6),
            _ => EXPIRES_SOON,
        };
        self.not_after.minus(before)
    }

    /// When we ask for the next one; none when that is for others to do.
    pub fn renewal(&self) -> Option<Timestamp> {
        (self.source == Source::Acme).then(|| self.not_before.plus(self.life() * 2 / 3))
    }

    fn life(&self) -> Duration {
        self.not_after.since(self.not_before)
    }
}

/// The certificate that the server uses; none before the first start has made one.
///
/// # Errors
/// [`TlsError`]: with this pair the server would not start.
pub fn shown(settings: &Settings) -> Result<Option<Shown>, TlsError> {
    let [certificate, key] = paths(settings);
    let source = if settings.server.tls_certificate.is_some() {
        Source::Configured
    } else if matches!(certificate.try_exists(), Ok(false)) {
        return Ok(None);
    } else if certificate == key {
        Source::Acme
    } else {
        self_signed::source(&certificate)?
    };
    load::pair(&certificate, &key, source).map(|identity| Some(Shown::of(&identity)))
}

/// The files of the certificate and of its key; one file where an authority gave it.
pub fn paths(settings: &Settings) -> [PathBuf; 2] {
    let server = &settings.server;
    match (&server.tls_certificate, &server.tls_key, acme::in_place(settings)) {
        (Some(certificate), Some(key), _) => [certificate.clone(), key.clone()],
        (_, _, Some(path)) => [path.clone(), path],
        _ => ["cert.pem", "key.pem"].map(|name| settings.store.data_dir.join("tls").join(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn shown(life: Duration, source: Source) -> Shown {
        let not_before = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
        let not_after = not_before.plus(life);
        let (fingerprint, names) = (String::new(), Vec::new());
        Shown { fingerprint, not_before, not_after, names, source }
    }

    #[test]
    fn a_certificate_of_a_day_is_renewed_in_time_and_nobody_is_alarmed_before_that_failed() {
        let day = shown(HOUR * 24, Source::Acme);
        assert_eq!(day.renewal(), Some(day.not_before.plus(HOUR * 16)));
        assert_eq!(day.warned_from(), day.not_before.plus(HOUR * 20));
        let year = shown(HOUR * 24 * 365, Source::Acme);
        assert_eq!(year.warned_from(), year.not_after.minus(EXPIRES_SOON));
        let files = shown(HOUR * 24 * 30, Source::Configured);
        assert_eq!(files.renewal(), None);
        assert_eq!(files.warned_from(), files.not_after.minus(EXPIRES_SOON));
    }
}
