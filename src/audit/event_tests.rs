use data_encoding::HEXLOWER;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::audit::canonical::tests::{any_text, any_value};

fn sample() -> Event {
    let mut actor = Actor::new("user", "u1");
    actor.name = Some("Zoë \"Z\"".to_owned());
    Event {
        actor: Some(actor),
        ip: Some(IpAddr::from([192, 0, 2, 1])),
        user_agent: Some("curl/8".to_owned()),
        ..Event::new(catalogue::MESSAGE_ACCESS)
    }
}

#[test]
fn personal_members_leave_the_event_and_merge_back() {
    let whole = sample();
    let mut event = sample();
    let personal = event.take_personal().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&personal),
        r#"{"actor":{"name":"Zoë \"Z\""},"ip":"192.0.2.1","userAgent":"curl/8"}"#
    );
    assert_eq!(event.clone().take_personal(), None);
    let payload = event.payload(&[vec![0xab, 0xcd]]);
    assert!(!String::from_utf8_lossy(&payload).contains("192.0.2.1"));
    let mut stored = StoredEvent::parse(&payload).unwrap();
    assert_eq!(stored.sealed, [[0xab, 0xcd]]);
    assert_eq!(stored.clone().into_event().unwrap(), event);
    stored.merge(&personal).unwrap();
    assert_eq!(stored.into_event().unwrap(), whole);
}

#[test]
fn a_null_in_a_member_is_a_value() {
    let mut stored = StoredEvent::parse(br#"{"action":"a","changes":{"f":{"new":1}}}"#).unwrap();
    stored.merge(br#"{"changes":{"f":{"old":null}}}"#).unwrap();
    let change = stored.into_event().unwrap().changes.remove("f").unwrap();
    assert_eq!(change, Change { old: Some(Value::Null), new: Some(1.into()) });
}

#[test]
fn members_of_later_versions_do_not_stop_a_reader() {
    let stored = StoredEvent::parse(br#"{"action":"a","later":{"x":1}}"#).unwrap();
    assert_eq!(stored.into_event().unwrap().action, "a");
    for wrong in ["[]", r#"{"sealed":1}"#, r#"{"sealed":["zz"]}"#, "{"] {
        assert!(StoredEvent::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let mut stored = StoredEvent::parse(br#"{"action":"a"}"#).unwrap();
    assert!(stored.merge(b"[1]").is_err());
}

prop_compose! {
    fn any_actor()(
        id in any_text(), kind in "[a-z]{1,5}",
        name in of(any_text()), role in of("[a-z]{1,5}"), tenant in of("[a-z]{1,5}"),
    ) -> Actor {
        Actor { id, kind, name, role, tenant }
    }
}

prop_compose! {
    fn any_event()(
        action in "[a-z]{1,5}\\.[a-z]{1,5}",
        actor in of(any_actor()),
        resource in of((any_text(), any_text())),
        outcome in proptest::sample::select(Outcome::ALL.as_slice()),
        ip in of(any::<IpAddr>()),
        texts in (of(any_text()), of(any_text()), of((any_text(), any_text()))),
        changes in proptest::collection::btree_map(
            any_text(), (of(any_value()), of(any_value())), 0..3),
        custom in proptest::collection::btree_map(any_text(), any_value(), 0..3),
        occurred in of(0_i64..4_000_000_000_000_000),
    ) -> Event {
        Event {
            action, actor, outcome, ip,
            resource: resource.map(|(kind, id)| Resource { id, kind }),
            user_agent: texts.0,
            request_id: texts.1,
            reported_by: texts.2.map(|(id, name)| ReportedBy { id, name }),
            changes: changes.into_iter()
                .map(|(field, (old, new))| (field, Change { old, new })).collect(),
            custom_fields: custom.into_iter().collect(),
            occurred_at: occurred.map(Timestamp::from_micros),
        }
    }
}

proptest! {
    #[test]
    fn payloads_are_canonical_json(
        event in any_event(),
        sealed in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5), 0..3),
    ) {
        let mut value = serde_json::to_value(&event).unwrap();
        if !sealed.is_empty() {
            value["sealed"] = sealed.iter().map(|bytes| HEXLOWER.encode(bytes)).collect();
        }
        let payload = event.payload(&sealed);
        let expected = canonical::canonical(&value);
        prop_assert_eq!(String::from_utf8_lossy(&payload), String::from_utf8_lossy(&expected));
        let stored = StoredEvent::parse(&payload).unwrap();
        prop_assert_eq!(&stored.sealed, &sealed);
        // Numbers settle in their canonical form at the first reading.
        let read = stored.into_event().unwrap();
        prop_assert_eq!(read.payload(&sealed), payload);
    }

    #[test]
    fn what_is_taken_out_is_canonical_json_too(event in any_event()) {
        let mut rest = event.clone();
        if let Some(member) = rest.take_personal() {
            let value: Value = serde_json::from_slice(&member).unwrap();
            prop_assert_eq!(canonical::canonical(&value), member.clone());
            let mut stored = StoredEvent::parse(&rest.payload(&[])).unwrap();
            stored.merge(&member).unwrap();
            prop_assert_eq!(stored.into_event().unwrap().payload(&[]), event.payload(&[]));
        } else {
            prop_assert_eq!(rest, event);
        }
    }
}
