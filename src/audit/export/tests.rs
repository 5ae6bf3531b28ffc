//! What every format promises, for any entry that an application can post.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::audit::Event;
use crate::audit::catalogue;
use crate::audit::event::{Actor, Change, Outcome, ReportedBy, Resource};
use crate::kernel::Timestamp;

pub fn source() -> Source {
    Source {
        log: LogId::from_bytes([7; 16]),
        tenant: Some(SourceTenant { id: TenantId::from_bytes([8; 16]), slug: "acme".into() }),
        host: "vault-1".into(),
        version: "9.9.9",
    }
}

/// An entry with everything in it.
pub fn full(action: &str) -> EntryView {
    let actor = Actor {
        name: Some("Ann \"A|=\\\" Lee".into()),
        role: Some("owner".into()),
        ..Actor::new("user", "u-1")
    };
    let change = Change { old: Some("viewer".into()), new: Some("admin".into()) };
    let event = Event {
        action: action.into(),
        actor: Some(actor),
        resource: Some(Resource::new("user", "u-2")),
        outcome: Outcome::Success,
        ip: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("curl/8".into()),
        request_id: Some("r-1".into()),
        changes: [("role".to_owned(), change)].into(),
        custom_fields: json!({ "a": 1 }).as_object().unwrap().clone(),
        occurred_at: None,
        reported_by: None,
    };
    EntryView::new(17, Timestamp::from_micros(1_700_000_000_123_456), event)
}

fn written(format: Format, entry: &EntryView) -> String {
    let mut out = Vec::new();
    Encoder::new(format, source()).entry(entry, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn cef_has_its_header_and_the_standards_keys() {
    let line = written(Format::Cef, &full("role.changed"));
    let expected = "CEF:0|Strongroom|Strongroom|9.9.9|role.changed|A member's role was changed.|1|\
        rt=1700000000123 suid=u-1 suser=Ann \"A|\\=\\\\\" Lee spriv=owner src=192.0.2.7 \
        requestClientApplication=curl/8 act=role.changed outcome=success cat=administration \
        externalId=17 deviceExternalId=07070707-0707-0707-0707-070707070707 dvchost=vault-1 \
        cs1Label=tenant cs1=acme cs2Label=resourceType cs2=user cs3Label=resourceId cs3=u-2 \
        cs4Label=actorType cs4=user \
        cs5Label=changes cs5={\"role\":{\"new\":\"admin\",\"old\":\"viewer\"}} \
        cs6Label=customFields cs6={\"a\":1} flexString1Label=requestId flexString1=r-1\n";
    assert_eq!(line, expected);
}

#[test]
fn cef_names_ipv6_addresses_as_the_standard_does_and_cuts_what_is_too_long() {
    let mut entry = full("invoice.exported");
    entry.ip = Some("2001:db8::7".parse().unwrap());
    entry.user_agent = Some("é".repeat(5000));
    let line = written(Format::Cef, &entry);
    assert!(line.contains("c6a2Label=Source IPv6 Address c6a2=2001:db8::7 "), "{line}");
    assert!(line.contains(&format!("requestClientApplication={}… ", "é".repeat(1022))));
    assert!(!line.contains(" src="));
}

#[test]
fn csv_has_a_head_and_a_cell_for_every_column() {
    let mut out = Vec::new();
    let encoder = Encoder::new(Format::Csv, source());
    encoder.begin(&mut out);
    encoder.entry(&full("role.changed"), &mut out);
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&out[..]);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows[0].iter().collect::<Vec<_>>(), super::csv::COLUMNS);
    let cell = |name| rows[1].get(rows[0].iter().position(|column| column == name).unwrap());
    assert_eq!(cell("actorName"), Some("Ann \"A|=\\\" Lee"));
    assert_eq!(cell("time"), Some("2023-11-14T22:13:20.123456Z"));
    assert_eq!(cell("changes"), Some(r#"{"role":{"new":"admin","old":"viewer"}}"#));
    assert!(out.ends_with(b"\"\r\n"));
}

#[test]
fn a_spreadsheet_runs_nothing_that_an_actors_name_says() {
    for (name, cell) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\u0009=1"),
        ("\r=1", "'\\u000d=1"),
        ("\nx", "'\\u000ax"),
        (" =1", "' =1"),
        ("\u{feff}=1", "'\u{feff}=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠A", "'＠A"),
        ("'x", "''x"),
        ("Ann", "Ann"),
        ("a;=1,\"b\"", "a;=1,\"b\""),
    ] {
        let mut entry = full("role.changed");
        entry.actor.as_mut().unwrap().name = Some(name.into());
        let row = written(Format::Csv, &entry);
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(record.get(7), Some(cell), "{name:?}");
    }
}

#[test]
fn jsonl_is_the_apis_shape() {
    let entry = full("role.changed");
    let line = written(Format::Jsonl, &entry);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value, serde_json::to_value(&entry).unwrap());
}

#[test]
fn what_breaks_the_log_alarms_more_than_a_wrong_password() {
    let severity = |action: catalogue::Action, outcome| {
        let mut entry = full(action.name);
        entry.outcome = outcome;
        Severity::of(&entry)
    };
    let success = Outcome::Success;
    assert_eq!(severity(catalogue::LOGIN_FAILED, Outcome::Failure), Severity::Low);
    assert_eq!(severity(catalogue::ACCESS_DENIED, Outcome::Denied), Severity::Medium);
    assert_eq!(severity(catalogue::CHECKPOINT_CONTRADICTED, success), Severity::Critical);
    let mut reported = full("checkpoint.contradicted");
    reported.reported_by = Some(ReportedBy { id: "k".into(), name: "k".into() });
    assert_eq!(Severity::of(&reported), Severity::Informational);
}

/// Undoes CEF's escapes, splits at unescaped `=`: what a receiver does.
fn cef_pairs(line: &str) -> Vec<(String, String)> {
    let mut rest = line;
    for _ in 0..7 {
        let mut escaped = false;
        let at = rest.char_indices().find(|(_, c)| {
            let found = *c == '|' && !escaped;
            escaped = *c == '\\' && !escaped;
            found
        });
        rest = &rest[at.expect("seven bars").0 + 1..];
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let (mut text, mut chars) = (String::new(), rest.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(c) => text.push(c),
                None => {}
            },
            '=' => {
                let (value, key) = text.rsplit_once(' ').unwrap_or(("", &text));
                if let Some(last) = pairs.last_mut() {
                    last.1 = value.to_owned();
                }
                pairs.push((key.to_owned(), String::new()));
                text = String::new();
            }
            c => text.push(c),
        }
    }
    if let Some(last) = pairs.last_mut() {
        last.1 = text;
    }
    pairs
}

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("=".to_owned()),
        Just("|".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("\u{85}".to_owned()),
        Just(" act=login.failed".to_owned()),
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("＝".to_owned()),
        Just("\t".to_owned()),
        Just("+cmd|' /C calc'!A0".to_owned()),
        "[a-z ]{0,4}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    pub fn entries()(
        name in proptest::option::of(nasty()), id in nasty(), kind in nasty(),
        resource in proptest::option::of((nasty(), nasty())), agent in proptest::option::of(nasty()),
        custom in nasty(), outcome in 0..4usize, action in "[a-z0-9][a-z0-9_.:-]{0,127}",
        ip in proptest::option::of(any::<std::net::IpAddr>()), reported in proptest::option::of(nasty()),
        time in any::<i32>(),
    ) -> EntryView {
        let actor = Actor { name, ..Actor::new(kind, id) };
        let event = Event {
            action,
            actor: Some(actor),
            resource: resource.map(|(kind, id)| Resource::new(kind, id)),
            outcome: Outcome::ALL[outcome],
            ip,
            user_agent: agent,
            request_id: Some(custom.clone()),
            changes: [(custom.clone(), Change { old: None, new: Some(json!(custom)) })].into(),
            custom_fields: [(custom.clone(), json!(custom))].into_iter().collect(),
            occurred_at: Some(Timestamp::from_micros(i64::from(time) * 1_000_000)),
            reported_by: reported.map(|name| ReportedBy { id: name.clone(), name }),
        };
        EntryView::new(1, Timestamp::from_micros(0), event)
    }
}

proptest! {
    #[test]
    fn every_entry_is_one_line_whatever_is_in_it(entry in entries()) {
        for format in Format::ALL {
            let text = written(format, &entry);
            let line = text.strip_suffix('\n').unwrap();
            let line = line.strip_suffix('\r').filter(|_| format == Format::Csv).unwrap_or(line);
            prop_assert!(!line.contains(['\n', '\r']), "{format}: {line:?}");
        }
    }

    #[test]
    fn no_cell_begins_like_a_formula_and_every_cell_can_be_read_back(entry in entries()) {
        let row = written(Format::Csv, &entry);
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), 1);
        prop_assert_eq!(records[0].len(), super::csv::COLUMNS.len());
        for cell in &records[0] {
            let begins = cell.trim_start().chars().next();
            prop_assert!(!begins.is_some_and(|c| "=+-@＝＋－＠\t\r".contains(c)), "{cell:?}");
        }
        let id = &entry.actor.as_ref().unwrap().id;
        let cell = &records[0][6];
        let plain = cell.strip_prefix('\'').unwrap_or(cell);
        if !id.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            prop_assert_eq!(plain, id);
        }
    }

    #[test]
    fn no_value_adds_a_key_to_a_cef_line(entry in entries()) {
        let line = written(Format::Cef, &entry);
        let pairs = cef_pairs(line.trim_end_matches('\n'));
        let mut keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_str()).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), all, "a key came twice: {}", line);
        let act = pairs.iter().find(|(key, _)| key == "act").map(|(_, value)| value.as_str());
        prop_assert!(entry.action.starts_with(act.unwrap().trim_end_matches('…')));
        prop_assert!(keys.iter().all(|key| key.chars().all(|c| c.is_ascii_alphanumeric())));
    }

    #[test]
    fn an_ocsf_event_is_json_whatever_is_in_the_entry(entry in entries()) {
        let value: Value = serde_json::from_str(&written(Format::Ocsf, &entry)).unwrap();
        prop_assert_eq!(&value["metadata"]["event_code"], entry.action.as_str());
    }
}
