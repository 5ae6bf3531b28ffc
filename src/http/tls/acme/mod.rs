//! The server's certificate from a certificate authority, asked for and renewed by us (ACME, RFC 8555).
//!
//! Key and certificates lie in one file, so that no crash leaves two that do not fit. It gets its name
//! only when all of it is there and of use; the reloader then takes it into service like any other.
//! *Invariant: what goes wrong leaves the certificate that is served in place.*

mod account;
mod challenges;
mod error;
mod files;
mod order;
mod state;
mod transport;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use rustls::server::ClientHello;
use tokio::sync::Mutex;

pub use challenges::Challenges;
pub use error::AcmeError;
pub(super) use files::{expected, in_place};
pub use state::State;

use super::{Shown, load};
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::Caller;
use crate::authz::permission::PlatformAuditRecord;
use crate::config::Settings;
use crate::kernel::{Timestamp, limits};
use crate::tenants::{AuditEvents, DoorError, Tenants};

/// What an authority that looks at a name by TLS offers, and nothing else (RFC 8737, 4).
pub const ALPN: &[u8] = b"acme-tls/1";

/// Whether somebody asks for the certificate of a challenge: one who could take another protocol gets
/// that one, with the usual certificate.
pub(super) fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let Some(mut offered) = hello.alpn() else { return false };
    let mut asks = false;
    offered.all(|one| {
        asks |= one == ALPN;
        one != b"http/1.1"
    }) && asks
}

/// How it stands with the authority.
#[derive(Clone, Debug)]
pub struct Standing {
    pub directory: String,
    /// None while there is no certificate for the names that are set, or after a failure.
    pub renewal: Option<Timestamp>,
    /// When it is asked next; none as soon as the job looks.
    pub next: Option<Timestamp>,
    pub state: State,
}

impl Standing {
    /// A try of a clock that was ahead is no reason to wait.
    fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state.last() {
            Some(tried) if tried > now => self.renewal,
            _ => self.next,
        }
    }
}

/// None when no authority is set up.
pub fn standing(settings: &Settings) -> Option<Standing> {
    let path = expected(settings)?;
    let directory = settings.acme.directory.as_ref()?.as_str().to_owned();
    let state = State::read(settings);
    let renewal = renewal(settings, &path);
    let next = match state.rests_until() {
        Some(rest) => Some(renewal.map_or(rest, |at| at.max(rest))),
        None => renewal,
    };
    Some(Standing { directory, renewal, next, state })
}

/// When the certificate in place is to be renewed; none when there is none that would do.
fn renewal(settings: &Settings, path: &std::path::Path) -> Option<Timestamp> {
    let identity = load::pair(path, path, super::Source::Acme).ok()?;
    let names = settings.acme_names();
    let fits = order::missing(&names, &identity.names).is_none();
    fits.then(|| Shown::of(&identity).renewal()).flatten()
}

/// Asks the authority, one order at a time.
pub struct Acme {
    settings: Settings,
    tenants: Tenants,
    challenges: Arc<Challenges>,
    turn: Mutex<()>,
}

impl Acme {
    pub fn new(settings: &Settings, tenants: &Tenants, challenges: &Arc<Challenges>) -> Self {
        measure(&State::read(settings));
        Self {
            settings: settings.clone(),
            tenants: tenants.clone(),
            challenges: challenges.clone(),
            turn: Mutex::default(),
        }
    }

    /// None when no authority is set up.
    pub fn standing(&self) -> Option<Standing> {
        standing(&self.settings)
    }

    /// Gets a certificate when one is due, or when somebody asks for it; answers with it. It lies in
    /// place then, and a server that runs takes it into service within seconds.
    ///
    /// # Errors
    /// Why there is none. It is on record, and counts for the pause until the next try.
    pub async fn renew(
        &self,
        caller: &Arc<Caller>,
        asked: bool,
    ) -> Result<Option<Shown>, AcmeError> {
        let Some(standing) = self.standing() else { return Err(AcmeError::NotSetUp) };
        let Ok(_turn) = self.turn.try_lock() else { return Err(AcmeError::Busy) };
        let now = self.tenants.runtime().now();
        if !asked && standing.waits_until(now).is_some_and(|at| now < at) {
            return Ok(None);
        }
        let grant = self.tenants.authorize_platform::<PlatformAuditRecord>(caller, "acme").await?;
        // First of all: where nothing can be noted, nobody is asked, and a try that is killed counts.
        let begun = standing.state.begun(now);
        begun.write(&self.settings)?;
        let order = order::issue(&self.settings, &self.challenges, now);
        let order = AssertUnwindSafe(order).catch_unwind();
        let result = match tokio::time::timeout(limits::ACME_ORDER, order).await {
            Ok(Ok(result)) => result,
            // The library expects addresses to be addresses.
            Ok(Err(_)) => Err(AcmeError::Answer("it broke off".to_owned())),
            Err(_) => Err(AcmeError::Slow),
        };
        let state = begun.after(now, result.as_ref().err());
        measure(&state);
        let written = state.write(&self.settings);
        let event = match &result {
            Ok(shown) => renewed(shown),
            Err(error) => {
                tracing::error!(%error, failures = state.failures,
                    "the certificate authority gave no certificate");
                failed(error, &state)
            }
        };
        let write = self
            .tenants
            .write(&grant, move |_| Ok::<_, DoorError>(((), AuditEvents::from(event.clone()))));
        write.await?;
        let shown = result?;
        written?;
        tracing::info!(fingerprint = %shown.fingerprint, expires = %shown.not_after,
            "the certificate authority gave a certificate");
        Ok(Some(shown))
    }
}

fn measure(state: &State) {
    metrics::gauge!("strongroom_acme_failures").set(state.failures);
}

fn renewed(shown: &Shown) -> Event {
    let mut event = Event::new(catalogue::CERTIFICATE_RENEWED);
    event.resource = Some(Resource::new("certificate", shown.fingerprint.as_str()));
    event.custom_fields.insert("expires".into(), shown.not_after.to_string().into());
    event.custom_fields.insert("names".into(), shown.names.join(" ").into());
    event
}

fn failed(error: &AcmeError, state: &State) -> Event {
    let mut event = Event::new(catalogue::CERTIFICATE_NOT_RENEWED);
    event.outcome = Outcome::Error;
    event.resource = Some(Resource::new("certificate", "server"));
    event.custom_fields.insert("error".into(), error.to_string().into());
    event.custom_fields.insert("failures".into(), state.failures.into());
    event
}
