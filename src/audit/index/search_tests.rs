//! Whatever is asked, the index answers what looking at every entry would.

use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::json;

use super::tests::{catch_up, index_at, page};
use super::{AuditIndex, Cursor, SummaryRequest, file, text};
use crate::audit::event::{Actor, Change, Event, Outcome, ReportedBy, Resource};
use crate::audit::query::{Condition, Expr, Field, Query};
use crate::audit::view::EntryView;
use crate::kernel::Timestamp;
use crate::kernel::clock::SystemClock;
use crate::store::test_support::{Fixture, Run};

const SIZE: u64 = 400;
const START: i64 = 1_700_000_000_000_000;
const SECOND: i64 = 1_000_000;

/// Few values, so that they meet.
fn event(n: u64) -> Event {
    let mut dice = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    let mut of = |count: u64| {
        let found = dice % count;
        dice /= count;
        found
    };
    let mut event = Event {
        action: ["login.failed", "login", "invoice.sent"][of(3) as usize].to_owned(),
        outcome: Outcome::ALL[of(4) as usize],
        ..Event::default()
    };
    if of(4) > 0 {
        let name = [None, Some("Ann Lee"), Some("Ann"), Some("u1")][of(4) as usize];
        let role = [None, Some("admin")][of(2) as usize];
        event.actor = Some(Actor {
            name: name.map(str::to_owned),
            role: role.map(str::to_owned),
            ..Actor::new(["user", "api_key"][of(2) as usize], format!("u{}", of(3)))
        });
    }
    if of(2) > 0 {
        event.resource = Some(Resource::new("invoice", format!("i-{}", of(5))));
    }
    let addresses = ["10.0.0.1", "10.0.1.1", "10.200.0.1", "2001:db8::1", "2001:db9::1"];
    event.ip = addresses.get(of(6) as usize).map(|text| text.parse().unwrap());
    event.request_id = (of(3) == 0).then(|| format!("r{}", of(9)));
    if of(3) == 0 {
        event.changes.insert(
            ["state", "name"][of(2) as usize].into(),
            Change { old: Some(json!("Open door")), new: None },
        );
    }
    let note = ["the door is open", "open the door", "Das Tor", ""][of(4) as usize];
    let custom = json!({ "note": note, "deep": { "list": [1, of(3), true] } });
    event.custom_fields = serde_json::from_value(custom).unwrap();
    if of(5) == 0 {
        event.reported_by = Some(ReportedBy { id: "k1".into(), name: "billing".into() });
    }
    event
}

/// What a condition means, said once more in the simplest way.
fn holds(condition: &Condition, entry: &EntryView) -> bool {
    match condition {
        Condition::Equals { field, value } => fields(entry, *field).contains(value),
        Condition::Begins { field, value } => {
            fields(entry, *field).iter().any(|found| found.starts_with(value))
        }
        Condition::Has { field } => !fields(entry, *field).is_empty(),
        Condition::Network { address, bits } => entry.ip.is_some_and(|ip| match (ip, address) {
            (IpAddr::V4(ip), IpAddr::V4(net)) => {
                let shift = 32 - u32::from(*bits);
                ip.to_bits().checked_shr(shift) == net.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(ip), IpAddr::V6(net)) => {
                let shift = 128 - u32::from(*bits);
                ip.to_bits().checked_shr(shift) == net.to_bits().checked_shr(shift)
            }
            _ => false,
        }),
        Condition::Custom { path, value, prefix } => {
            let deep =
                ["1".to_owned(), entry.custom_fields["deep"]["list"][1].to_string(), "true".into()];
            let found = match path.as_str() {
                "note" => vec![entry.custom_fields["note"].as_str().unwrap_or_default().to_owned()],
                "deep.list" => deep.to_vec(),
                _ => vec![],
            };
            found.iter().any(|found| found == value || (*prefix && found.starts_with(value)))
        }
        Condition::Seq { from, to } => (*from..=*to).contains(&entry.seq),
        Condition::Time { from, to } => {
            from.is_none_or(|from| entry.time >= from) && to.is_none_or(|to| entry.time < to)
        }
        Condition::Text { words, prefix } => {
            let all = text::words(&super::words_of(entry), false);
            let looked_for = text::words(words, *prefix);
            let (last, before) = looked_for.split_last().unwrap();
            all.windows(looked_for.len()).any(|window| {
                let (end, start) = window.split_last().unwrap();
                start == before && (end == last || (*prefix && end.starts_with(last)))
            })
        }
    }
}

fn fields(entry: &EntryView, field: Field) -> Vec<String> {
    let actor = entry.actor.as_ref();
    let resource = entry.resource.as_ref();
    let reporter = entry.reported_by.as_ref();
    let found: Vec<Option<&str>> = match field {
        Field::Action => vec![Some(&entry.action)],
        Field::Actor => vec![
            actor.map(|actor| actor.id.as_str()),
            actor.and_then(|actor| actor.name.as_deref()),
        ],
        Field::ActorType => vec![actor.map(|actor| actor.kind.as_str())],
        Field::Role => vec![actor.and_then(|actor| actor.role.as_deref())],
        Field::Outcome => vec![Some(entry.outcome.name())],
        Field::Resource => vec![resource.map(|resource| resource.id.as_str())],
        Field::Type => vec![resource.map(|resource| resource.kind.as_str())],
        Field::Request => vec![entry.request_id.as_deref()],
        Field::Changed => entry.changes.keys().map(|name| Some(name.as_str())).collect(),
        Field::Reporter => vec![
            reporter.map(|reporter| reporter.id.as_str()),
            reporter.map(|reporter| reporter.name.as_str()),
        ],
    };
    found.into_iter().flatten().map(str::to_owned).collect()
}

fn matches(expr: &Expr, entry: &EntryView) -> bool {
    match expr {
        Expr::All(all) => all.iter().all(|one| matches(one, entry)),
        Expr::Any(any) => any.iter().any(|one| matches(one, entry)),
        Expr::Not(inner) => !matches(inner, entry),
        Expr::Is(condition) => holds(condition, entry),
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let field = prop::sample::select(vec![
        Field::Action,
        Field::Actor,
        Field::ActorType,
        Field::Role,
        Field::Outcome,
        Field::Resource,
        Field::Type,
        Field::Request,
        Field::Changed,
        Field::Reporter,
    ]);
    let value = prop::sample::select(vec![
        "login",
        "login.failed",
        "u1",
        "Ann",
        "Ann Lee",
        "user",
        "admin",
        "denied",
        "i-3",
        "invoice",
        "r1",
        "state",
        "billing",
        "k1",
        "nothing",
        "i",
    ]);
    let seconds = || 0..SIZE.cast_signed() + 20;
    let time = |seconds: i64| Timestamp::from_micros(START + seconds * SECOND);
    let words = prop::sample::select(vec![
        "door",
        "the door",
        "open the",
        "door is open",
        "ann lee",
        "login failed",
        "i-3",
        "lo",
        "tor",
        "nowhere",
        "10.0.0.1",
        "open door",
        "DAS tor",
    ]);
    prop_oneof![
        4 => (field.clone(), value.clone()).prop_map(|(field, value)| Condition::Equals { field, value: value.into() }),
        2 => (field.clone(), value).prop_map(|(field, value)| Condition::Begins { field, value: value.into() }),
        1 => field.prop_map(|field| Condition::Has { field }),
        2 => (prop::sample::select(vec!["10.0.0.1", "2001:db8::1"]), 0..=32_u8).prop_map(|(ip, bits)| {
            Condition::Network { address: ip.parse().unwrap(), bits }
        }),
        2 => (prop::sample::select(vec!["note", "deep.list", "deep"]),
              prop::sample::select(vec!["", "1", "tr", "true", "open the door", "open"]), any::<bool>())
            .prop_map(|(path, value, prefix)| Condition::Custom { path: path.into(), value: value.into(), prefix }),
        1 => (0..SIZE + 20, 0..SIZE + 20).prop_map(|(from, to)| Condition::Seq { from, to }),
        1 => (prop::option::of(seconds()), prop::option::of(seconds())).prop_map(move |(from, to)| {
            Condition::Time { from: from.map(time), to: to.map(time) }
        }),
        3 => (words, any::<bool>()).prop_map(|(words, prefix)| Condition::Text { words: words.into(), prefix }),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    condition().prop_map(Expr::Is).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::Any),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

fn log() -> (Fixture, AuditIndex, Vec<EntryView>) {
    let fixture = Fixture::new();
    let mut entries = Vec::new();
    for n in 1..=SIZE {
        let run: Run = Box::new(move |tx, log| {
            assert_eq!(log.append(tx, event(n), None)?, n);
            Ok(true)
        });
        fixture.run(run);
        entries.push(EntryView::new(n, fixture.runtime.now(), event(n)));
        fixture.clock.advance(std::time::Duration::from_secs(1));
    }
    let index = index_at(&fixture);
    // In two feeds, so that the second adds to what is there.
    catch_up(&fixture, &index);
    (fixture, index, entries)
}

#[test]
fn the_index_finds_what_looking_at_every_entry_finds() {
    let (fixture, index, entries) = log();
    let config = ProptestConfig::with_cases(100);
    proptest!(config, |(expr in expr(), cursor in 0..SIZE + 5, newest_first: bool, limit in 1..80_usize)| {
        let cursor = if newest_first { Cursor::Below(cursor) } else { Cursor::Above(cursor) };
        let mut expected: Vec<u64> = entries
            .iter()
            .filter(|entry| matches(&expr, entry))
            .map(|entry| entry.seq)
            .collect();
        let total = expected.len() as u64;
        match cursor {
            Cursor::Below(below) => { expected.retain(|seq| *seq < below); expected.reverse(); }
            Cursor::Above(above) => expected.retain(|seq| *seq > above),
        }
        let more = expected.len() > limit;
        expected.truncate(limit);
        let query = Query { root: Some(expr.clone()) };
        let found = page(&fixture, &index, &query, cursor, limit);
        prop_assert_eq!((found.seqs, found.more), (expected, more));

        let request = SummaryRequest { buckets: 12 };
        let summary = fixture.database.read_here(|tx| index.summary(tx, &query, request, SIZE, &SystemClock));
        let summary = summary.unwrap().unwrap();
        prop_assert!(summary.complete);
        prop_assert_eq!(summary.total, total);
        for bucket in &summary.histogram {
            let inside = entries.iter().filter(|entry| {
                matches(&expr, entry) && entry.time >= bucket.from && entry.time < bucket.to
            });
            prop_assert_eq!(bucket.count, inside.count() as u64);
        }
        let actions: u64 = summary.facets[0].values.iter().map(|(_, count)| count).sum();
        prop_assert_eq!((summary.facets[0].field, actions), ("action", total));
    });
}

#[test]
fn what_follows_a_prefix_is_greater_than_all_that_begins_with_it() {
    for prefix in [&[1_u8, 2][..], &[1, 255, 255], &[9]] {
        let after = file::after(prefix);
        assert!(after.as_slice() > [prefix, &[255; 9]].concat().as_slice());
        assert!(after.as_slice() <= &[prefix[0] + 1][..]);
    }
}
