use proptest::prelude::*;

use super::*;
use crate::audit::catalogue;

const TENANT: TenantId = TenantId::from_bytes([1; 16]);

fn read(body: &str) -> Result<Vec<Event>, IngestError> {
    parse(body.as_bytes(), TENANT, "acme")
}

#[track_caller]
fn refused(body: &str, index: Option<usize>, pointer: &str, word: &str) {
    let error = read(body).unwrap_err();
    assert_eq!((error.index, error.pointer.as_str()), (index, pointer), "{error}");
    assert!(error.message.contains(word), "{error}");
}

#[test]
fn an_event_of_the_contract_is_read_whole() {
    let events = read(
        r#"{"action":"invoice.exported","actor":{"id":"u1","type":"user","name":"Ann"},
        "resource":{"type":"invoice","id":"i1"},"outcome":"denied","ip":"2001:db8::7",
        "userAgent":"curl/8","occurredAt":"2026-11-22T05:06:07Z",
        "changes":{"state":{"old":null,"new":{"a":[1]}}},"customFields":{"total":12.5}}"#,
    )
    .unwrap();
    let expected = r#"{"action":"invoice.exported","actor":{"id":"u1","name":"Ann","type":"user"},"changes":{"state":{"new":{"a":[1]},"old":null}},"customFields":{"total":12.5},"ip":"2001:db8::7","occurredAt":"2026-11-22T05:06:07Z","outcome":"denied","resource":{"id":"i1","type":"invoice"},"userAgent":"curl/8"}"#;
    assert_eq!(String::from_utf8(events[0].payload(&[])).unwrap(), expected);
}

#[test]
fn onravens_shape_is_read_for_its_own_tenant_only() {
    let body = |domain: &str| {
        format!(
            r#"[{{"timestamp":"2026-11-22T05:06:07Z","userId":"u1","domainId":"{domain}",
            "activityType":"login_failed","ipAddress":"192.0.2.1","userAgent":"x",
            "customFields":{{"a":1}}}}]"#
        )
    };
    let event = read(&body("acme")).unwrap().remove(0);
    assert_eq!(event.action, "login.failed");
    assert_eq!(event.actor, Some(Actor::new("user", "u1")));
    assert_eq!(read(&body(&TENANT.to_string())).unwrap()[0], event);
    refused(&body("other"), Some(0), "/0", "domainId");
    refused(r#"{"activityType":"a","ip":"::1"}"#, Some(0), "", "\"ip\"");
    refused(r#"{"action":"a","userId":"u"}"#, Some(0), "", "OnRaven");
}

#[test]
fn only_the_action_is_required() {
    let event = read(r#"{"action":"2fa_enabled"}"#).unwrap().remove(0);
    assert_eq!(event, Event::new(catalogue::TWO_FACTOR_ENABLED));
    let mapped =
        read(r#"{"action":"a","ip":"::ffff:192.0.2.1","userAgent":""}"#).unwrap().remove(0);
    assert_eq!(mapped.payload(&[]), br#"{"action":"a","ip":"192.0.2.1","outcome":"success"}"#);
    let nulls = r#"{"action":"a","actor":null,"changes":null,"customFields":null,"ip":null}"#;
    assert_eq!(read(nulls).unwrap()[0].payload(&[]), br#"{"action":"a","outcome":"success"}"#);
}

#[test]
fn refusals_name_event_place_and_cure() {
    let good = r#"{"action":"a.b"}"#;
    let second = |event: &str| format!("[{good}, {event}]");
    let at = Some(1);
    refused(&second(r#"{"action":"a","colour":1}"#), at, "/1/colour", "\"colour\"");
    refused(&second(r#"{"action":"a","action":"b"}"#), at, "/1/action", "twice");
    refused(&second(r#"{"action":"Invoice.Exported"}"#), at, "/1/action", "lower case");
    refused(&second(r#"{"outcome":"success"}"#), at, "/1", "\"action\" is missing");
    refused(&second(r#"{"action":"a","requestId":"x"}"#), at, "/1/requestId", "requestId");
    refused(&second(r#"{"action":"a","ip":"localhost"}"#), at, "/1/ip", "IPv4");
    refused(&second(r#"{"action":"a","outcome":"maybe"}"#), at, "/1/outcome", "denied");
    refused(&second(r#"{"action":"a","occurredAt":"today"}"#), at, "/1/occurredAt", "RFC 3339");
    refused(&second(r#"{"action":"a","actor":{"type":"user"}}"#), at, "/1/actor", "\"id\"");
    refused(&second(r#"{"action":"a","actor":{"id":7}}"#), at, "/1/actor/id", "text");
    let fields = |json: &str| second(&format!(r#"{{"action":"a","customFields":{json}}}"#));
    refused(&fields("1"), at, "/1/customFields", "object");
    refused(&fields(r#"{"x":{"y":1,"y":2}}"#), at, "/1/customFields/x/y", "twice");
    refused(&fields(r#"{"x":9007199254740993}"#), at, "/1/customFields/x", "string");
    let change = |json: &str| second(&format!(r#"{{"action":"a","changes":{json}}}"#));
    refused(&change(r#"{"f":{"before":1}}"#), at, "/1/changes/f/before", "before");
    refused(&change(r#"{"f":{},"f":{}}"#), at, "/1/changes/f", "twice");
    refused(&second(r#"{"action":"a","outcome":{"success":null}}"#), at, "/1/outcome", "outcomes");
    refused(
        &second(r#"{"action":"a","actor":["u1","user",null,null,null]}"#),
        at,
        "/1/actor",
        "an object",
    );
    refused(
        &second(r#"["a",null,null,null,null,null,null,{},{},null,null,null,null,null]"#),
        at,
        "/1",
        "an object",
    );
    refused("[]", None, "", "at least one");
    refused("7", Some(0), "", "invalid type");
    refused("", Some(0), "", "EOF");
}

#[test]
fn nesting_is_counted_from_the_event() {
    let body = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"action":"a","customFields":{{"x":{open}{close}}}}}"#)
    };
    assert!(read(&body(limits::JSON_DEPTH - 2)).is_ok());
    let error = read(&body(limits::JSON_DEPTH - 1)).unwrap_err();
    assert!(error.pointer.starts_with("/customFields/x/0/0/"), "{error}");
    assert!(error.message.contains("deeply"), "{error}");
}

#[test]
fn sizes_and_counts_stop_at_their_limits() {
    let event = |bytes: usize| {
        format!(r#"{{"action":"a","customFields":{{"x":"{}"}}}}"#, "y".repeat(bytes))
    };
    let frame = read(&event(0)).unwrap()[0].payload(&[]).len();
    assert!(read(&event(limits::EVENT_BYTES - frame)).is_ok());
    refused(&event(limits::EVENT_BYTES - frame + 1), Some(0), "", "bytes");
    let second = format!("[{{\"action\":\"a\"}},{}]", event(limits::EVENT_BYTES));
    let error = read(&second).unwrap_err();
    assert_eq!((error.index, error.fault), (Some(1), IngestFault::TooLarge));
    assert_eq!(read("[{}]").unwrap_err().fault, IngestFault::Invalid);
    let many = |count: usize| format!("[{}]", vec![r#"{"action":"a"}"#; count].join(","));
    assert_eq!(read(&many(limits::EVENTS_PER_CALL)).unwrap().len(), limits::EVENTS_PER_CALL);
    let error = read(&many(limits::EVENTS_PER_CALL + 1)).unwrap_err();
    assert!(error.index.is_none() && error.message.contains("several calls"), "{error}");
    assert!(read(&event(0).replace('"', "\u{7f}")).is_err());
}

proptest! {
    #[test]
    fn the_bound_on_an_events_size_holds(value in canonical::tests::any_value(), agent in "\\PC{1,60}") {
        let body = serde_json::json!({
            "action": "a", "userAgent": agent, "customFields": { "x": value },
            "changes": { "f": { "old": value } },
        });
        if let Ok(events) = read(&body.to_string()) {
            let size = events[0].payload(&[]).len();
            prop_assert!(size <= least_room(&events[0]));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = super::parse(&bytes, TENANT, "acme");
        let quoted = [b"{\"action\":\"a\",\"userAgent\":\"".as_slice(), &bytes, b"\"}"].concat();
        let _ = super::parse(&quoted, TENANT, "acme");
    }

    #[test]
    fn no_body_makes_it_panic(body in "[\\[\\]{}\":,a1 \\\\]{0,40}") {
        let _ = read(&body);
        let _ = read(&format!("{{\"action\":\"a\",\"customFields\":{body}"));
    }
}
