//! What is offered at the cursor, and what it takes the place of.

use super::*;

/// Completes where the `|` stands.
fn at(text: &str) -> (Completion, String) {
    let cursor = text.find('|').unwrap();
    let text = text.replace('|', "");
    let completion = complete(&text, cursor);
    let replaced = text[completion.replace.clone()].to_owned();
    (completion, replaced)
}

fn texts(text: &str) -> Vec<String> {
    at(text).0.candidates.into_iter().map(|candidate| candidate.text).collect()
}

#[test]
fn fields_and_operators_are_offered_where_a_term_begins() {
    let fields: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
    let offered = texts("|");
    assert!(offered.iter().zip(&fields).all(|(text, field)| text.starts_with(field)));
    assert_eq!(offered.last().unwrap(), "NOT ");
    assert_eq!(texts("actor:ann |").last().unwrap(), "NOT ");
    assert!(texts("actor:ann o|").contains(&"OR ".to_owned()));
    assert!(!texts("o|").contains(&"OR ".to_owned()));
    assert_eq!(texts("-(out|")[0], "outcome:");
    assert_eq!(texts("out|:x")[0], "outcome:");
    assert_eq!(texts("cust|")[0], "custom.");
    assert!(texts("login|").contains(&"action:login.failed".to_owned()));
    for text in ["|", "a |", "(|", "-|", "a OR |", "ac|", "ac|tor:ann"] {
        assert_eq!(at(text).0.kind, Kind::Field, "{text}");
    }
}

#[test]
fn values_are_offered_where_the_server_knows_them() {
    assert_eq!(texts("outcome:d|"), ["denied"]);
    assert_eq!(texts("after:-7|"), ["-7d"]);
    assert!(texts("time:|").contains(&"-7d..now".to_owned()));
    assert_eq!(texts("action:message.a|"), ["message.access", "message.appended"]);
    assert_eq!(texts("action:conv|")[0], "conversation.*");
    assert_eq!(texts("action:files_del|"), ["file.deleted"]);
    assert_eq!(texts("actor:|"), ["*"]);
    assert!(texts("actor:ann|").is_empty());
}

#[test]
fn what_is_replaced_is_the_value_at_the_cursor() {
    for (text, name, typed, replaced) in [
        ("action:log|", "action", "log", "log"),
        ("action:lo|g -actor:ann", "action", "lo", "log"),
        ("-actor:\"Ann \\\"A|", "actor", "Ann \"A", "\"Ann \\\"A"),
        ("action:(a, b.*, c|) x", "action", "c", "c"),
        ("action:(a, |", "action", "", ""),
        ("action:a,b|", "action", "b", "b"),
        ("x (actor:ann OR actor.type:us|", "actor.type", "us", "us"),
        ("custom.\"odd key\":1|", "custom.odd key", "1", "1"),
        ("resource:urn:x:|", "resource", "urn:x:", "urn:x:"),
    ] {
        let (completion, now) = at(text);
        let Kind::Value { name: found, typed: stands, .. } = completion.kind else {
            panic!("{text}: a value was expected");
        };
        assert_eq!((found.as_str(), stands.as_str()), (name, typed), "{text}");
        assert_eq!(now, replaced, "{text}");
    }
}

#[test]
fn whatever_is_offered_is_a_good_search() {
    let now = crate::kernel::Timestamp::from_micros(0);
    for field in FIELDS {
        for candidate in complete(&format!("{}:", field.name), 100).candidates {
            let text = format!("{}:{}", field.name, candidate.text);
            assert!(super::super::parse(&text, now).is_ok(), "{text}");
        }
    }
}
