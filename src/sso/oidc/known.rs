//! What is known of providers: fetched when it is needed, and kept in memory for an hour.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::authn::oidc::{
    DISCOVERY, DISCOVERY_DOCUMENT, Description, Discovery, Jws, KEYS, KeyError, Keys, OidcSettings,
};
use crate::authn::sso::{Refusal, Trace};
use crate::config;
use crate::kernel::id::ProviderId;
use crate::kernel::{Runtime, Timestamp, limits};
use crate::outgoing::{Allowed, FetchError, Fetcher};
use crate::sso::Found;

/// Talks with OpenID Connect providers.
pub struct Oidc {
    allowed: Allowed,
    known: Mutex<HashMap<ProviderId, Known>>,
    /// Providers that could not be asked: by which settings, and when that was.
    resting: Mutex<HashMap<ProviderId, (Timestamp, Duration)>>,
}

#[derive(Clone)]
pub(super) struct Known {
    pub description: Description,
    pub keys: Keys,
    /// The settings by which it was fetched.
    changed: Timestamp,
    /// By the clock that nobody sets.
    fetched: Duration,
    /// When its keys were fetched again, because one was missing.
    looked_again: Option<Duration>,
}

/// One provider, and the way to it.
pub(super) struct Talk<'a> {
    oidc: &'a Oidc,
    runtime: &'a Runtime,
    found: &'a Found,
    pub settings: &'a OidcSettings,
    pub fetcher: Fetcher,
}

impl Oidc {
    pub fn new(settings: &config::Sso) -> Self {
        let allowed = Allowed::Also(settings.allowed_addresses.clone());
        Self { allowed, known: Mutex::default(), resting: Mutex::default() }
    }

    pub(super) async fn talk<'a>(
        &'a self,
        runtime: &'a Runtime,
        found: &'a Found,
        settings: &'a OidcSettings,
        trace: &mut Trace,
    ) -> Result<Talk<'a>, Refusal> {
        let authorities = settings.certificate_authorities.as_deref();
        let fetcher = Fetcher::new(self.allowed.clone(), authorities).await;
        let fetcher = fetcher.map_err(|error| unreachable(DISCOVERY, &error, trace))?;
        Ok(Talk { oidc: self, runtime, found, settings, fetcher })
    }

    fn look(&self, found: &Found, now: Duration) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&found.provider.id)?;
        let fits = known.changed == found.provider.changed_at
            && now.saturating_sub(known.fetched) < limits::OIDC_FRESH;
        fits.then(|| known.clone())
    }

    /// Whether it was in vain a moment ago: nobody who comes by is to make this service knock on and
    /// on.
    fn rests(&self, found: &Found, now: Duration) -> bool {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, (_, since)| now.saturating_sub(*since) < limits::OIDC_REST);
        let (id, changed) = (found.provider.id, found.provider.changed_at);
        resting.get(&id).is_some_and(|(settings, _)| *settings == changed)
    }

    fn rest(&self, found: &Found, now: Duration) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.insert(found.provider.id, (found.provider.changed_at, now));
    }

    fn keep(&self, id: ProviderId, new: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::OIDC_KNOWN && !known.contains_key(&id) {
            let oldest = known.iter().min_by_key(|(_, known)| known.fetched).map(|(id, _)| *id);
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        known.insert(id, new);
    }
}

impl Talk<'_> {
    /// What the provider says about itself, and its keys; `anew` asks whatever is known.
    pub async fn known(&self, anew: bool, trace: &mut Trace) -> Result<Known, Refusal> {
        let now = self.runtime.clock.monotonic();
        if let Some(known) = self.oidc.look(self.found, now).filter(|_| !anew) {
            trace.passed(DISCOVERY, &self.settings.issuer);
            trace.passed(KEYS, known.keys.len().to_string());
            return Ok(known);
        }
        if !anew && self.oidc.rests(self.found, now) {
            return Err(trace.refused(DISCOVERY, Refusal::Unreachable, None, None));
        }
        let fetched = self.fetch(now, trace).await;
        match &fetched {
            Ok(known) => self.oidc.keep(self.found.provider.id, known.clone()),
            Err(_) => self.oidc.rest(self.found, self.runtime.clock.monotonic()),
        }
        fetched
    }

    async fn fetch(&self, now: Duration, trace: &mut Trace) -> Result<Known, Refusal> {
        let document = match &self.settings.discovery {
            Discovery::Issuer => {
                let address = Description::address(&self.settings.issuer);
                self.get(DISCOVERY, &address, trace).await?
            }
            Discovery::Document { document, .. } => document.clone().into_bytes(),
        };
        trace.document(DISCOVERY_DOCUMENT, String::from_utf8_lossy(&document));
        let description = Description::read(&document, self.settings, trace)?;
        let keys = self.keys(&description, trace).await?;
        let changed = self.found.provider.changed_at;
        Ok(Known { description, keys, changed, fetched: now, looked_again: None })
    }

    /// The keys with which to look at a token. Those that do not fit it may be old: then they are
    /// fetched again, but not for everybody who makes a token up.
    pub async fn keys_for(
        &self,
        known: &mut Known,
        token: &str,
        trace: &mut Trace,
    ) -> Result<(), Refusal> {
        let doubtful = Jws::parse(token).is_some_and(|token| {
            matches!(known.keys.verify(&token), Err(KeyError::Unknown | KeyError::Signature))
        });
        let now = self.runtime.clock.monotonic();
        let since = known.looked_again.map(|last| now.saturating_sub(last));
        let early = since.is_some_and(|since| since < limits::OIDC_KEYS_AGAIN);
        if doubtful && !early && !self.are_pasted() {
            // Whatever comes of it, the next one waits.
            known.looked_again = Some(now);
            self.oidc.keep(self.found.provider.id, known.clone());
            known.keys = self.keys(&known.description, trace).await?;
            self.oidc.keep(self.found.provider.id, known.clone());
        }
        Ok(())
    }

    fn are_pasted(&self) -> bool {
        matches!(&self.settings.discovery, Discovery::Document { keys: Some(_), .. })
    }

    async fn keys(&self, description: &Description, trace: &mut Trace) -> Result<Keys, Refusal> {
        let text = match &self.settings.discovery {
            Discovery::Document { keys: Some(keys), .. } => keys.clone().into_bytes(),
            _ => self.get(KEYS, description.keys_address(), trace).await?,
        };
        let keys = Keys::parse(&text).unwrap_or_default();
        if keys.is_empty() {
            let found = Some("0".to_owned());
            return Err(trace.refused(
                KEYS,
                Refusal::DiscoveryWrong,
                found,
                Some("> 0".to_owned()),
            ));
        }
        trace.passed(KEYS, keys.len().to_string());
        Ok(keys)
    }

    async fn get(&self, check: &str, url: &str, trace: &mut Trace) -> Result<Vec<u8>, Refusal> {
        let fetched = self.fetcher.get(url, limits::SSO_MESSAGE_BYTES).await;
        fetched.map_err(|error| unreachable(check, &error, trace))
    }
}

/// The administrator reads why; everybody else that it is so.
pub(super) fn unreachable(check: &str, error: &FetchError, trace: &mut Trace) -> Refusal {
    trace.refused(check, Refusal::Unreachable, Some(error.to_string()), None)
}
