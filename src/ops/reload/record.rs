//! What the platform's log is told of it.

use std::sync::Arc;

use super::Refused;
use crate::app::App;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformAuditRecord;
use crate::authz::{Caller, Principal, RequestContext};
use crate::tenants::{AuditEvents, DoorError};

/// Why something is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Signal,
    /// Those of the certificate were replaced.
    Files,
    /// Our own certificate was near its end.
    Renewal,
}

impl Cause {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Files => "files",
            Self::Renewal => "renewal",
        }
    }
}

/// What another reading brought.
pub struct TakenOver {
    pub cause: Cause,
    /// Keys of settings, never values.
    pub changed: Vec<&'static str>,
    /// What changed and counts after a restart only.
    pub restart: Vec<&'static str>,
    /// Of the certificate, when it is another.
    pub fingerprint: Option<String>,
}

impl TakenOver {
    pub fn say(&self) {
        let (cause, changed) = (self.cause.name(), self.changed.join(" "));
        let fingerprint = self.fingerprint.as_deref().unwrap_or_default();
        tracing::info!(cause, changed, fingerprint, "configuration and certificate taken over");
        if !self.restart.is_empty() {
            let settings = self.restart.join(" ");
            tracing::warn!(settings, "changed, and needs a restart to count");
        }
    }

    fn event(&self) -> Event {
        let mut event = about(catalogue::CONFIG_RELOADED, self.cause);
        let mut say = |key: &str, value: String| {
            if !value.is_empty() {
                event.custom_fields.insert(key.into(), value.into());
            }
        };
        say("changed", self.changed.join(" "));
        say("needsRestart", self.restart.join(" "));
        say("certificate", self.fingerprint.clone().unwrap_or_default());
        event
    }
}

fn about(action: catalogue::Action, cause: Cause) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("configuration", "server"));
    event.custom_fields.insert("cause".into(), cause.name().into());
    event
}

pub async fn record_take_over(app: &Arc<App>, taken: &TakenOver) -> Result<(), DoorError> {
    append(app, taken.event()).await
}

/// No message of settings or certificates holds a secret.
pub async fn record_refusal(
    app: &Arc<App>,
    cause: Cause,
    refused: &Refused,
) -> Result<(), DoorError> {
    let mut event = about(catalogue::CONFIG_REFUSED, cause);
    event.outcome = Outcome::Error;
    event.custom_fields.insert("error".into(), refused.to_string().into());
    append(app, event).await
}

async fn append(app: &Arc<App>, event: Event) -> Result<(), DoorError> {
    let request = RequestContext::local(app.runtime.id());
    let principal = Principal::System { job: "config.reload" };
    let caller = Arc::new(Caller { principal, request });
    // Read-only mode is no reason to serve a certificate that is over.
    let grant = app.tenants.authorize_platform::<PlatformAuditRecord>(&caller, "reload").await?;
    let write = app
        .tenants
        .write(&grant, move |_| Ok::<_, DoorError>(((), AuditEvents::from(event.clone()))));
    write.await.map(|_| ())
}
