//! What was taken out of the index is not in its file any more, in whatever corner.

use std::fs;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};

use super::tests::{BUDGET, catch_up, find, index_at};
use super::{AuditIndex, Deadline};
use crate::audit::catalogue;
use crate::audit::event::{Actor, Event};
use crate::kernel::clock::SystemClock;
use crate::kernel::id::KeyId;
use crate::store::StoreError;
use crate::store::test_support::{Fixture, Run};

const PAGE: usize = 8192;
/// Initialisation vector and MAC at the end of each page.
const RESERVED: usize = 48;

/// The pages of the file and of its WAL, decrypted as they lie there.
fn pages(fixture: &Fixture) -> Vec<u8> {
    let key = fixture.keys.index_key().unwrap();
    let mut plain = Vec::new();
    let path = fixture.directory.path().join("index.db");
    let file = fs::read(&path).unwrap();
    let wal = fs::read(path.with_extension("db-wal")).unwrap_or_default();
    let frames = wal.get(32..).unwrap_or_default().chunks(24 + PAGE).map(|frame| &frame[24..]);
    for (at, page) in file.chunks(PAGE).chain(frames).enumerate() {
        let skipped = if at == 0 { 16 } else { 0 };
        let body = &page[skipped..PAGE - RESERVED];
        let mut previous = page[PAGE - RESERVED..][..16].to_vec();
        let aes = UnboundCipherKey::new(&AES_256, key.expose()).unwrap();
        let mut text = body.to_vec();
        let aes = DecryptingKey::ecb(aes).unwrap();
        aes.decrypt(&mut text, DecryptionContext::None).unwrap();
        for (block, cipher) in text.chunks_mut(16).zip(body.chunks(16)) {
            block.iter_mut().zip(&previous).for_each(|(byte, before)| *byte ^= before);
            previous = cipher.to_vec();
        }
        plain.extend(text);
    }
    plain
}

fn holds(fixture: &Fixture, word: &str) -> bool {
    pages(fixture).windows(word.len()).any(|window| window == word.as_bytes())
}

/// Its own word, which no neighbour shortens: words are stored without what they share with the
/// one before.
fn word(n: u64) -> String {
    format!("{:x}lone{n}wolf", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40)
}

/// Entry n is by a person of five, one of whom is `subject`; each has a name of her own there.
fn append(fixture: &Fixture, count: u64, subject: KeyId) {
    let run = |n: u64| -> Run {
        Box::new(move |tx, log| {
            let mut event = Event::new(catalogue::LOGIN_FAILED);
            let person = n.is_multiple_of(5);
            let name = if person { format!("Zebulon{n} Quartz") } else { format!("Ann{n} Lee") };
            event.actor =
                Some(Actor { name: Some(name), ..Actor::new("user", format!("u{}", n % 5)) });
            event.ip = person.then(|| "203.0.113.77".parse().unwrap());
            event.user_agent = person.then(|| "Graphium/7".to_owned());
            event.custom_fields.insert("note".into(), format!("{} common", word(n)).into());
            log.append(tx, event, person.then_some(subject)).map(|_| true)
        })
    };
    for from in (1..=count).step_by(500) {
        fixture.group((from..count.min(from + 499) + 1).map(run).collect());
    }
}

fn forget(fixture: &Fixture, index: &AuditIndex, subject: KeyId) {
    let destroy = || Ok::<_, StoreError>(fixture.keys.destroy_subject(subject)?);
    let forgotten =
        fixture.database.read_here(|log| index.forget(log, &fixture.keys, &[subject], destroy));
    assert!(forgotten.unwrap().unwrap());
}

#[test]
fn a_person_who_is_forgotten_is_in_no_page_of_the_index_and_her_entries_are_found_by_the_rest() {
    for count in [200, 2500, 10_100] {
        let fixture = Fixture::new();
        let (subject, index) = (fixture.keys.new_subject().unwrap(), index_at(&fixture));
        append(&fixture, count, subject);
        assert_eq!(catch_up(&fixture, &index), count);
        let hers = usize::try_from(count / 5).unwrap();
        for query in ["actor:\"Zebulon5 Quartz\"", "ip:203.0.113.77", "actor:u0"] {
            assert!(!find(&fixture, &index, query).is_empty(), "{query}");
        }
        assert!(holds(&fixture, "zebulon") && holds(&fixture, "Zebulon"));

        forget(&fixture, &index, subject);
        for trace in ["ebulon", "quartz", "Quartz", "graphium"] {
            assert!(!holds(&fixture, trace), "{trace} of {count}");
        }
        let address = [0xff, 0xff, 203, 0, 113, 77];
        assert!(!pages(&fixture).windows(6).any(|window| window == address));
        assert_eq!(find(&fixture, &index, "actor:\"Zebulon5 Quartz\""), [0; 0]);
        assert_eq!(find(&fixture, &index, "ip:203.0.113.77"), [0; 0]);
        assert_eq!(find(&fixture, &index, "actor:u0").len(), hers);
        assert_eq!(find(&fixture, &index, "actor:\"Ann7 Lee\""), [7]);

        // The next one is indexed without the person, and forgetting once more does no harm.
        assert_eq!(catch_up(&fixture, &index), count);
        let again = fixture.database.read_here(|log| {
            index.forget(log, &fixture.keys, &[subject], || Ok::<_, StoreError>(()))
        });
        again.unwrap().unwrap();
    }
}

#[test]
fn what_is_pruned_is_in_no_page_of_the_index_and_the_rest_is_found() {
    for (count, through) in [(300, 100), (6000, 4500)] {
        let fixture = Fixture::new();
        let (subject, index) = (fixture.keys.new_subject().unwrap(), index_at(&fixture));
        append(&fixture, count, subject);
        catch_up(&fixture, &index);
        let prune = |through| {
            let pruned = fixture.database.read_here(|log| index.prune(log, &fixture.keys, through));
            pruned.unwrap().unwrap();
        };
        assert!(holds(&fixture, &format!("lone{through}wolf")));
        prune(through / 2);
        prune(through);
        for n in [1, through / 3, through] {
            assert!(
                !holds(&fixture, &format!("Ann{n} Lee")) && !holds(&fixture, &format!("word{n} "))
            );
            assert_eq!(find(&fixture, &index, &format!("actor:\"Ann{n} Lee\"")), [0; 0]);
        }
        let n = through + 1;
        assert!(holds(&fixture, &format!("lone{n}wolf")));
        assert_eq!(find(&fixture, &index, &format!("actor:\"Ann{n} Lee\"")), [n]);
        assert_eq!(find(&fixture, &index, "action:login.failed").len() as u64, count - through);
        let deadline = Deadline::after(&SystemClock, BUDGET);
        let caught = fixture.database.read_here(|tx| index.catch_up(tx, &fixture.keys, &deadline));
        assert_eq!(caught.unwrap().unwrap(), count);
    }
}
