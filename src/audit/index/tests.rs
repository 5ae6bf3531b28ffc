//! The search index finds what the log says, and is made anew whatever happens to its file.

use std::time::Duration;

use super::{AuditIndex, Cursor, Deadline, Found};
use crate::audit::catalogue;
use crate::audit::event::{Actor, Event, Outcome, Resource};
use crate::audit::query::{Query, QueryError};
use crate::kernel::Timestamp;
use crate::kernel::clock::SystemClock;
use crate::store::test_support::{Fixture, Run};

pub const BUDGET: Duration = Duration::from_secs(60);

/// Entry n: every second one denied, every third without an actor, a resource on every fifth.
fn event(n: u64) -> Event {
    let action =
        if n.is_multiple_of(4) { catalogue::TENANT_FROZEN } else { catalogue::LOGIN_FAILED };
    let mut event = Event::new(action);
    event.outcome = if n.is_multiple_of(2) { Outcome::Denied } else { Outcome::Success };
    if !n.is_multiple_of(3) {
        event.actor = Some(Actor {
            name: Some(format!("Ann {}", n % 10)),
            ..Actor::new("user", format!("u{}", n % 10))
        });
    }
    if n.is_multiple_of(5) {
        event.resource = Some(Resource::new("invoice", format!("i{n}")));
        event.ip = Some("192.0.2.7".parse().unwrap());
        event.request_id = Some(format!("r{n}"));
    }
    event
}

fn log(size: u64) -> (Fixture, AuditIndex) {
    let fixture = Fixture::new();
    feed(&fixture, 1, size);
    let index = index_at(&fixture);
    (fixture, index)
}

pub fn index_at(fixture: &Fixture) -> AuditIndex {
    let path = fixture.directory.path().join("index.db");
    AuditIndex::new(path, fixture.keys.index_key().unwrap())
}

fn feed(fixture: &Fixture, from: u64, through: u64) {
    let run = |n| -> Run {
        Box::new(move |tx, log| {
            assert_eq!(log.append(tx, event(n), None)?, n);
            Ok(true)
        })
    };
    fixture.group((from..=through).map(run).collect());
}

pub fn catch_up(fixture: &Fixture, index: &AuditIndex) -> u64 {
    let deadline = Deadline::after(&SystemClock, BUDGET);
    let caught = fixture.database.read_here(|tx| index.catch_up(tx, &fixture.keys, &deadline));
    caught.unwrap().unwrap()
}

pub fn page(
    fixture: &Fixture,
    index: &AuditIndex,
    query: &Query,
    cursor: Cursor,
    limit: usize,
) -> Found {
    let deadline = Deadline::after(&SystemClock, BUDGET);
    let through = catch_up(fixture, index);
    let found =
        fixture.database.read_here(|tx| index.search(tx, query, cursor, limit, through, &deadline));
    found.unwrap().unwrap()
}

pub fn find(fixture: &Fixture, index: &AuditIndex, text: &str) -> Vec<u64> {
    page(fixture, index, &parse(text).unwrap(), Cursor::default(), 10_000).seqs
}

fn parse(text: &str) -> Result<Query, QueryError> {
    crate::audit::query::parse(text, Timestamp::from_micros(0))
}

/// What a search must find, newest first.
fn expected(size: u64, matches: impl Fn(u64, &Event) -> bool) -> Vec<u64> {
    (1..=size).rev().filter(|n| matches(*n, &event(*n))).collect()
}

#[test]
fn each_field_finds_its_entries_and_its_negation_all_others() {
    const SIZE: u64 = 60;
    let (fixture, index) = log(SIZE);
    assert_eq!(catch_up(&fixture, &index), SIZE);
    let time = fixture.runtime.now();
    let actor = |event: &Event, id: &str| event.actor.as_ref().is_some_and(|a| a.id == id);
    type Matches<'a> = Box<dyn Fn(u64, &Event) -> bool + 'a>;
    let cases: Vec<(String, Matches<'_>)> = vec![
        ("action:tenant.frozen".into(), Box::new(|n, _| n.is_multiple_of(4))),
        ("action:login.*".into(), Box::new(|n, _| !n.is_multiple_of(4))),
        ("action:*".into(), Box::new(|_, _| true)),
        ("actor:u7".into(), Box::new(|_, event| actor(event, "u7"))),
        ("actor:\"Ann 7\"".into(), Box::new(|_, event| actor(event, "u7"))),
        ("outcome:denied".into(), Box::new(|n, _| n.is_multiple_of(2))),
        ("resource:i10".into(), Box::new(|n, _| n == 10)),
        ("type:invoice".into(), Box::new(|n, _| n.is_multiple_of(5))),
        ("ip:192.0.2.7".into(), Box::new(|n, _| n.is_multiple_of(5))),
        ("request:r15".into(), Box::new(|n, _| n == 15)),
        ("seq:17".into(), Box::new(|n, _| n == 17)),
        (format!("before:{time}"), Box::new(|_, _| false)),
        (format!("after:{time}"), Box::new(|_, _| true)),
    ];
    for (text, matches) in &cases {
        assert_eq!(find(&fixture, &index, text), expected(SIZE, matches), "{text}");
        let negated = expected(SIZE, |n, event| !matches(n, event));
        assert_eq!(find(&fixture, &index, &format!("-{text}")), negated, "-{text}");
    }
    let both = expected(SIZE, |n, event| n.is_multiple_of(2) && !actor(event, "u4"));
    assert_eq!(find(&fixture, &index, "outcome:denied -actor:u4"), both);
    assert_eq!(find(&fixture, &index, "actor:\"x' OR 1=1 --\""), Vec::<u64>::new());
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let (fixture, index) = log(50);
    catch_up(&fixture, &index);
    let query = parse("outcome:denied").unwrap();
    let all = expected(50, |n, _| n.is_multiple_of(2));
    for newest_first in [true, false] {
        let (mut seqs, mut cursor) = (Vec::<u64>::new(), Cursor::Below(u64::MAX));
        if !newest_first {
            cursor = Cursor::Above(0);
        }
        loop {
            let found = page(&fixture, &index, &query, cursor, 7);
            seqs.extend(&found.seqs);
            let Some(last) = found.seqs.last().filter(|_| found.more) else { break };
            cursor = if newest_first { Cursor::Below(*last) } else { Cursor::Above(*last) };
        }
        if !newest_first {
            seqs.reverse();
        }
        assert_eq!(seqs, all);
    }
}

#[test]
fn a_log_that_was_put_back_and_went_on_is_indexed_anew_and_the_cause_is_told() {
    let (mut fixture, index) = log(20);
    fixture.database.close();
    let before = std::fs::read(&fixture.path).unwrap();
    fixture.reopen();
    feed(&fixture, 21, 30);
    assert_eq!(catch_up(&fixture, &index), 30);
    fixture.database.close();
    std::fs::write(&fixture.path, before).unwrap();
    let _ = std::fs::remove_file(fixture.path.with_extension("db-wal"));
    fixture.reopen();
    fixture.clock.advance(Duration::from_secs(1));
    for n in 21..=40 {
        let run: Run = Box::new(move |tx, log| {
            assert_eq!(log.append(tx, event(4), None)?, n);
            Ok(true)
        });
        fixture.run(run);
    }
    assert_eq!(catch_up(&fixture, &index), 40);
    assert_eq!(find(&fixture, &index, "action:tenant.frozen seq:>20").len(), 20);
    assert!(index.take_lost().unwrap().contains("another history"));
    assert_eq!(index.take_lost(), None);
}

#[test]
fn it_goes_on_where_it_stopped_and_starts_again_when_its_file_is_gone_or_damaged() {
    let (fixture, index) = log(40);
    catch_up(&fixture, &index);
    feed(&fixture, 41, 60);
    assert_eq!(catch_up(&fixture, &index), 60);
    let all = expected(60, |n, _| n.is_multiple_of(4));
    drop(index);
    let path = fixture.directory.path().join("index.db");
    let good = std::fs::read(&path).unwrap();
    let middle = good.len() / 2;
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    for content in [None, Some(Vec::new()), Some(flipped(20)), Some(flipped(middle))] {
        match content {
            None => std::fs::remove_file(&path).unwrap(),
            Some(content) => std::fs::write(&path, content).unwrap(),
        }
        let index = AuditIndex::new(path.clone(), fixture.keys.index_key().unwrap());
        // Damage in the middle shows only when it is read; whoever meets it is told, once.
        for _ in 0..2 {
            for text in ["-request:none", "action:*", "actor:u1", "resource:i5", "ip:192.0.2.7"] {
                let query = parse(text).unwrap();
                let deadline = Deadline::after(&SystemClock, BUDGET);
                let _ = fixture.database.read_here(|tx| {
                    let _ = index.catch_up(tx, &fixture.keys, &deadline);
                    index.search(tx, &query, Cursor::default(), 100, 60, &deadline).map(|_| ())
                });
            }
        }
        assert_eq!(catch_up(&fixture, &index), 60);
        assert_eq!(find(&fixture, &index, "action:tenant.frozen"), all);
        assert_eq!(find(&fixture, &index, "-request:none").len(), 60);
    }
}
