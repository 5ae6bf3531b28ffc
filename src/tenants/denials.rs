//! Refusals are entries in the credential's own log. The first from a source is written at once,
//! repetitions within a minute are counted and written as one, so that a flood cannot fill the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::doors::append;
use super::{DoorError, Tenants};
use crate::audit::catalogue::Action;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Denied, Realm, RequestContext};
use crate::kernel::{Timestamp, limits, network};

const WINDOW: Duration = Duration::from_secs(60);
/// Sources counted apart; the rest is counted as one.
const SOURCES: usize = 4096;
const WRONG_NETWORK: &str = "wrong-network";
const THROTTLED: &str = "too-many-requests";

#[derive(Default)]
pub struct Denials {
    sources: Mutex<HashMap<Source, Repeated>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Source {
    realm: Realm,
    actor: String,
    reason: &'static str,
}

struct Repeated {
    since: Timestamp,
    /// Entries by themselves.
    written: u64,
    count: u64,
    event: Event,
    caller: Option<Arc<Caller>>,
}

impl Tenants {
    /// Records that a caller was refused.
    pub async fn record_denial(
        &self,
        caller: &Arc<Caller>,
        denied: Denied,
        route: &str,
        asked: &str,
    ) {
        let realm = caller.principal.tenant().map_or(Realm::Platform, Realm::Tenant);
        let actor = caller.principal.actor();
        let source =
            Source { realm, actor: format!("{}:{}", actor.kind, actor.id), reason: denied.code() };
        let event = event(catalogue::ACCESS_DENIED, denied.code(), route, asked);
        self.record_denied(source, event, Some(caller.clone())).await;
    }

    /// Records a credential that opened nothing: in the platform's log, by address.
    pub async fn record_bad_credential(&self, request: &RequestContext, route: &str) {
        let event = event(catalogue::ACCESS_DENIED, "unauthenticated", route, "");
        self.record_unknown(Realm::Platform, "unauthenticated", event, request).await;
    }

    /// Records that a key was used from where it may not be: in its own tenant's log.
    pub async fn record_wrong_network(&self, caller: &Arc<Caller>, route: &str) {
        let realm = caller.principal.tenant().map_or(Realm::Platform, Realm::Tenant);
        let actor = caller.principal.actor();
        let ip = caller.request.ip.map(|ip| network(ip).to_string()).unwrap_or_default();
        let actor = format!("{}:{}:{ip}", actor.kind, actor.id);
        let source = Source { realm, actor, reason: WRONG_NETWORK };
        let event = event(catalogue::ACCESS_DENIED, WRONG_NETWORK, route, "");
        self.record_denied(source, event, Some(caller.clone())).await;
    }

    /// Records that a caller was slowed down.
    pub async fn record_throttled(&self, caller: &Arc<Caller>, route: &str) {
        let realm = caller.principal.tenant().map_or(Realm::Platform, Realm::Tenant);
        let actor = caller.principal.actor();
        let actor = format!("{}:{}", actor.kind, actor.id);
        let source = Source { realm, actor, reason: THROTTLED };
        let event = event(catalogue::RATE_LIMITED, THROTTLED, route, "");
        self.record_denied(source, event, Some(caller.clone())).await;
    }

    /// Records that somebody tried to sign in too often: where they tried, by address.
    pub async fn record_throttled_sign_in(
        &self,
        realm: Realm,
        request: &RequestContext,
        route: &str,
    ) {
        let event = event(catalogue::RATE_LIMITED, THROTTLED, route, "");
        self.record_unknown(realm, THROTTLED, event, request).await;
    }

    /// Records a failed sign-in: by itself, or counted when its log has had
    /// [`limits::FAILURES_RECORDED`] of them in a minute, whoever they were for.
    pub(crate) async fn record_failed_sign_in(
        &self,
        realm: Realm,
        event: Event,
    ) -> Result<(), DoorError> {
        let source = Source { realm, actor: "(sign-ins)".into(), reason: "wrong-password" };
        let mut others = Event::new(catalogue::LOGIN_FAILED);
        others.outcome = Outcome::Failure;
        let denials = &self.inner.denials;
        if denials.among_first(limits::FAILURES_RECORDED, &source, &others, None, self.now()) {
            self.record(realm, event).await?;
        }
        Ok(())
    }

    async fn record_unknown(
        &self,
        realm: Realm,
        reason: &'static str,
        mut event: Event,
        request: &RequestContext,
    ) {
        let actor = request.ip.map(|ip| network(ip).to_string()).unwrap_or_default();
        event.ip = request.ip.map(|ip| ip.to_canonical());
        event.user_agent.clone_from(&request.user_agent);
        event.request_id = Some(request.id.to_string());
        self.record_denied(Source { realm, actor, reason }, event, None).await;
    }

    async fn record_denied(&self, source: Source, event: Event, caller: Option<Arc<Caller>>) {
        let denials = &self.inner.denials;
        if denials.among_first(1, &source, &event, caller.as_ref(), self.now()) {
            self.write_denial(source.realm, event, caller).await;
        }
    }

    /// Writes what was counted in windows that have passed (all of them at shutdown).
    pub async fn flush_denials(&self, all: bool) {
        for (source, repeated) in self.inner.denials.take(self.now(), all) {
            if repeated.count > 0 {
                let mut event = repeated.event;
                event.custom_fields.insert("repeated".into(), repeated.count.into());
                self.write_denial(source.realm, event, repeated.caller).await;
            }
        }
    }

    async fn write_denial(&self, realm: Realm, event: Event, caller: Option<Arc<Caller>>) {
        let write = async {
            let realm = self.realm(realm).await?;
            append(&realm, caller, event).await
        };
        let result: Result<u64, DoorError> = write.await;
        if let Err(error) = result {
            tracing::error!(%error, "a refusal could not be recorded in the audit log");
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.ground.runtime.now()
    }
}

fn event(action: Action, reason: &'static str, route: &str, asked: &str) -> Event {
    let mut event = Event::new(action);
    event.outcome = Outcome::Denied;
    event.resource = Some(Resource::new("route", route));
    event.custom_fields.insert("reason".into(), reason.into());
    if !asked.is_empty() {
        let asked: String = asked.chars().take(64).collect();
        event.custom_fields.insert("asked".into(), asked.into());
    }
    event
}

impl Denials {
    /// Whether this is among the first so many from its source in its window; another is counted.
    fn among_first(
        &self,
        most: u64,
        source: &Source,
        event: &Event,
        caller: Option<&Arc<Caller>>,
        now: Timestamp,
    ) -> bool {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let source = if sources.len() < SOURCES || sources.contains_key(source) {
            source.clone()
        } else {
            Source { actor: "(others)".into(), ..source.clone() }
        };
        match sources.entry(source) {
            Entry::Occupied(mut repeated) => {
                let repeated = repeated.get_mut();
                let written = repeated.written < most;
                repeated.written += u64::from(written);
                repeated.count += u64::from(!written);
                written
            }
            Entry::Vacant(slot) => {
                let caller = caller.cloned();
                let event = event.clone();
                slot.insert(Repeated { since: now, written: 1, count: 0, event, caller });
                true
            }
        }
    }

    fn take(&self, now: Timestamp, all: bool) -> Vec<(Source, Repeated)> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |repeated: &Repeated| all || now.since(repeated.since) >= WINDOW;
        sources.extract_if(|_, repeated| over(repeated)).collect()
    }
}
