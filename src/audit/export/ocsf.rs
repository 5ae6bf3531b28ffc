//! Open Cybersecurity Schema Framework: one event an entry, as JSON.
//!
//! What OCSF has no place for stays under `unmapped`, by the API's names: nothing is lost.

use serde_json::{Map, Value, json};

use super::ocsf_class::{Class, Classified};
use super::{Severity, Source};
use crate::audit::catalogue;
use crate::audit::event::{Actor, Outcome};
use crate::audit::view::EntryView;

/// Of the schema.
pub const VERSION: &str = "1.6.0";
const PRODUCT: &str = "Strongroom";
/// Where an event of these classes must name somebody or something and the entry does not.
const UNKNOWN: &str = "unknown";

/// One entry, without a line end.
pub fn line(source: &Source, entry: &EntryView, out: &mut Vec<u8>) {
    out.extend(serde_json::to_vec(&event(source, entry)).unwrap_or_default());
}

fn event(source: &Source, entry: &EntryView) -> Value {
    let classified = Classified::of(&entry.action);
    let Classified { class, activity } = classified;
    let (category, category_name) = class.category();
    let (severity, severity_name) = Severity::of(entry).ocsf();
    let (status, status_name) = match entry.outcome {
        Outcome::Success => (1, "Success"),
        Outcome::Failure | Outcome::Denied | Outcome::Error => (2, "Failure"),
    };
    let mut event = object(json!({
        "category_uid": category,
        "category_name": category_name,
        "class_uid": class.uid(),
        "class_name": class.name(),
        "activity_id": activity,
        "activity_name": classified.activity_name(),
        "type_uid": u32::from(class.uid()) * 100 + u32::from(activity),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "status_code": entry.outcome.name(),
        "time": entry.occurred_at.unwrap_or(entry.time).as_micros().div_euclid(1000),
        "message": catalogue::find(&entry.action)
            .map_or(entry.action.as_str(), |action| action.description),
        "metadata": metadata(source, entry),
        "actor": actor(entry),
        "src_endpoint": source_endpoint(source, entry),
        "unmapped": unmapped(entry),
    }));
    if entry.user_agent.is_some() || entry.request_id.is_some() {
        event.insert("http_request".into(), http_request(entry));
    }
    by_class(class, source, entry, &mut event);
    Value::Object(event)
}

fn metadata(source: &Source, entry: &EntryView) -> Value {
    let mut metadata = object(json!({
        "version": VERSION,
        "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": source.version },
        "uid": format!("{}:{}", source.log, entry.seq),
        "sequence": entry.seq,
        "event_code": entry.action,
        "log_name": source.tenant_name(),
        "log_provider": PRODUCT,
        "logged_time": entry.time.as_micros().div_euclid(1000),
        "original_time": entry.occurred_at.unwrap_or(entry.time).to_string(),
    }));
    if let Some(tenant) = &source.tenant {
        metadata.insert("tenant_uid".into(), tenant.id.to_string().into());
    }
    if let Some(request) = &entry.request_id {
        metadata.insert("correlation_uid".into(), request.as_str().into());
    }
    Value::Object(metadata)
}

fn by_class(class: Class, source: &Source, entry: &EntryView, event: &mut Map<String, Value>) {
    let mut put = |name: &str, value| drop(event.insert(name.to_owned(), value));
    match class {
        Class::AccountChange => put("user", subject(entry)),
        Class::Authentication => {
            put("user", user(entry.actor.as_ref()));
            put("service", json!({ "name": PRODUCT }));
            put("dst_endpoint", json!({ "name": source.host }));
            if let Some(session) = resource(entry, "session") {
                put("session", json!({ "uid": session }));
            }
        }
        Class::AuthorizeSession => {
            put("user", user(entry.actor.as_ref()));
            put("privileges", json!([role(entry.actor.as_ref())]));
            if let Some(session) = resource(entry, "session") {
                put("session", json!({ "uid": session }));
            }
        }
        Class::UserAccess => {
            put("user", subject(entry));
            put("privileges", json!([new_role(entry)]));
        }
        Class::EntityManagement => put("entity", described(entry)),
        Class::GroupManagement => {
            put("group", described(entry));
            put("user", user(entry.actor.as_ref()));
        }
        Class::ApiActivity => {
            put("api", api(source, entry));
            if entry.resource.is_some() {
                put("resources", json!([described(entry)]));
            }
            put("dst_endpoint", json!({ "name": source.host }));
        }
        Class::DatastoreActivity => {
            let table = entry.resource.as_ref().map_or(UNKNOWN, |resource| &resource.kind);
            let database = source
                .tenant
                .as_ref()
                .map_or_else(|| source.log.to_string(), |tenant| tenant.id.to_string());
            put("database", json!({ "name": source.tenant_name(), "uid": database, "type_id": 1 }));
            put("table", json!({ "name": table }));
            put("type_id", 3.into());
            put("dst_endpoint", json!({ "name": source.host }));
        }
    }
}

fn api(source: &Source, entry: &EntryView) -> Value {
    let mut api = object(json!({
        "operation": entry.action,
        "service": { "name": PRODUCT, "version": source.version },
    }));
    if let Some(request) = &entry.request_id {
        api.insert("request".into(), json!({ "uid": request }));
    }
    Value::Object(api)
}

fn http_request(entry: &EntryView) -> Value {
    let mut request = Map::new();
    if let Some(id) = &entry.request_id {
        request.insert("uid".into(), id.as_str().into());
    }
    if let Some(agent) = &entry.user_agent {
        request.insert("user_agent".into(), agent.as_str().into());
    }
    Value::Object(request)
}

/// People are users; keys, jobs and other software are applications.
fn actor(entry: &EntryView) -> Value {
    match &entry.actor {
        Some(actor) if is_software(actor) => {
            let name = actor.name.as_deref().filter(|name| !name.is_empty());
            json!({ "app_uid": actor.id, "app_name": name.unwrap_or(&actor.id) })
        }
        Some(_) => json!({ "user": user(entry.actor.as_ref()) }),
        None => json!({ "app_name": UNKNOWN }),
    }
}

fn is_software(actor: &Actor) -> bool {
    matches!(actor.kind.as_str(), "api_key" | "system" | "service" | "application")
}

fn user(actor: Option<&Actor>) -> Value {
    let Some(actor) = actor else { return json!({ "name": UNKNOWN, "type_id": 0 }) };
    let kind = match actor.kind.as_str() {
        "user" => 1,
        "platform_admin" | "local_operator" => 2,
        "system" => 3,
        _ => 99,
    };
    let mut user = object(json!({ "uid": actor.id, "type_id": kind }));
    if kind == 99 {
        user.insert("type".into(), actor.kind.as_str().into());
    }
    if let Some(name) = actor.name.as_ref().filter(|name| !name.is_empty()) {
        user.insert("name".into(), name.as_str().into());
    }
    Value::Object(user)
}

/// The person that something was done to: the entry's resource when that is a person, else
/// whoever did it.
fn subject(entry: &EntryView) -> Value {
    let person = entry.resource.as_ref().filter(|resource| {
        matches!(resource.kind.as_str(), "user" | "member" | "admin" | "platform_admin")
    });
    match person {
        Some(person) => {
            let kind = if person.kind.contains("admin") { 2 } else { 1 };
            json!({ "uid": person.id, "type_id": kind })
        }
        None => user(entry.actor.as_ref()),
    }
}

fn role(actor: Option<&Actor>) -> &str {
    actor.and_then(|actor| actor.role.as_deref()).unwrap_or(UNKNOWN)
}

fn new_role(entry: &EntryView) -> &str {
    let new = entry.changes.get("role").and_then(|change| change.new.as_ref());
    new.and_then(Value::as_str).unwrap_or(UNKNOWN)
}

fn resource<'a>(entry: &'a EntryView, kind: &str) -> Option<&'a str> {
    let resource = entry.resource.as_ref().filter(|resource| resource.kind == kind);
    resource.map(|resource| resource.id.as_str())
}

/// The resource as an entity, a group or a resource: all have a uid and a type.
fn described(entry: &EntryView) -> Value {
    match &entry.resource {
        Some(resource) => json!({ "uid": resource.id, "type": resource.kind }),
        None => {
            let domain = entry.action.split('.').next().unwrap_or(UNKNOWN);
            json!({ "name": domain, "type": domain })
        }
    }
}

/// Where it came from; what the appliance and its operator do comes from its own machine.
fn source_endpoint(source: &Source, entry: &EntryView) -> Value {
    let here = |actor: &Actor| matches!(actor.kind.as_str(), "system" | "local_operator");
    match entry.ip {
        Some(ip) => json!({ "ip": ip.to_canonical() }),
        None if entry.actor.as_ref().is_some_and(here) => json!({ "name": source.host }),
        None => json!({ "name": UNKNOWN }),
    }
}

fn unmapped(entry: &EntryView) -> Value {
    let mut rest = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        if !empty {
            rest.insert(name.to_owned(), value);
        }
    };
    put("actor", serde_json::to_value(&entry.actor).unwrap_or_default());
    put("resource", serde_json::to_value(&entry.resource).unwrap_or_default());
    put("changes", serde_json::to_value(&entry.changes).unwrap_or_default());
    put("customFields", Value::Object(entry.custom_fields.clone()));
    put("reportedBy", serde_json::to_value(&entry.reported_by).unwrap_or_default());
    if entry.erased {
        put("erased", true.into());
    }
    Value::Object(rest)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
pub(super) fn as_value(source: &Source, entry: &EntryView) -> Value {
    event(source, entry)
}
