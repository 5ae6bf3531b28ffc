//! Entries as the API gives them: in Strongroom's own shape and in OnRaven's.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::event::{Actor, Change, Event, EventError, Outcome, ReportedBy, Resource, StoredEvent};
use crate::kernel::Timestamp;
use crate::kernel::id::TenantId;

/// An entry. Members that it does not have are null or empty, so that all have one shape.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    pub seq: u64,
    /// When it was written down, by the server's clock; never before the entry before.
    pub time: Timestamp,
    pub action: String,
    pub actor: Option<Actor>,
    pub resource: Option<Resource>,
    pub outcome: Outcome,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub changes: BTreeMap<String, Change>,
    pub custom_fields: Map<String, Value>,
    pub occurred_at: Option<Timestamp>,
    /// The API key through which an application posted the event; absent on the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<ReportedBy>,
    /// Present and true when personal members are gone because the person's key was destroyed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl EntryView {
    pub fn new(seq: u64, time: Timestamp, event: Event) -> Self {
        Self {
            seq,
            time,
            action: event.action,
            actor: event.actor,
            resource: event.resource,
            outcome: event.outcome,
            ip: event.ip,
            user_agent: event.user_agent,
            request_id: event.request_id,
            changes: event.changes,
            custom_fields: event.custom_fields,
            occurred_at: event.occurred_at,
            reported_by: event.reported_by,
            erased: false,
        }
    }

    /// From a stored event into which the openable members have been merged.
    pub fn from_stored(seq: u64, time: Timestamp, stored: StoredEvent) -> Result<Self, EventError> {
        let erased = stored.erased;
        Ok(Self { erased, ..Self::new(seq, time, stored.into_event()?) })
    }

    /// OnRaven's shape, `?format=onraven`.
    pub fn onraven(&self, tenant: TenantId) -> OnRavenView {
        OnRavenView {
            timestamp: self.occurred_at.unwrap_or(self.time),
            user_id: self.actor.as_ref().map(|actor| actor.id.clone()),
            domain_id: tenant,
            activity_type: self.action.clone(),
            ip_address: self.ip,
            user_agent: self.user_agent.clone(),
            custom_fields: self.custom_fields.clone(),
        }
    }
}

/// An entry in OnRaven's shape.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnRavenView {
    pub timestamp: Timestamp,
    pub user_id: Option<String>,
    pub domain_id: TenantId,
    pub activity_type: String,
    pub ip_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub custom_fields: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::catalogue;

    #[test]
    fn an_entry_always_has_the_same_members() {
        let time = Timestamp::from_micros(0);
        let view = EntryView::new(1, time, Event::new(catalogue::LOGIN_FAILED));
        let json = serde_json::to_value(&view).unwrap();
        let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "seq",
            "time",
            "action",
            "actor",
            "resource",
            "outcome",
            "ip",
            "userAgent",
            "requestId",
            "changes",
            "customFields",
            "occurredAt",
        ];
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn an_erased_entry_says_so() {
        let mut stored = StoredEvent::parse(br#"{"action":"login.failed"}"#).unwrap();
        stored.mark_erased();
        let view = EntryView::from_stored(1, Timestamp::from_micros(0), stored).unwrap();
        assert_eq!(serde_json::to_value(&view).unwrap()["erased"], true);
    }

    #[test]
    fn onravens_shape_has_onravens_names() {
        let mut event = Event::new(catalogue::LOGIN_FAILED);
        event.actor = Some(Actor::new("user", "u1"));
        let tenant = TenantId::from_bytes([1; 16]);
        let view = EntryView::new(1, Timestamp::from_micros(0), event).onraven(tenant);
        let expected = serde_json::json!({
            "timestamp": "1970-01-01T00:00:00Z", "userId": "u1", "domainId": tenant.to_string(),
            "activityType": "login.failed", "ipAddress": null, "userAgent": null,
            "customFields": {},
        });
        assert_eq!(serde_json::to_value(&view).unwrap(), expected);
    }
}
