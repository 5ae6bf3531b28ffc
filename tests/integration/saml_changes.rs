//! Messages that were changed at random, and messages made to cost much.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::saml_attacks::{message, read, read_as, sealed};
use crate::saml_messages::{AES256_GCM, Message, Style, settings};

/// What of a valid message may change, and how.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, char),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Swap(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0..12_000_usize;
    let character =
        prop_oneof![any::<char>(), Just('<'), Just('>'), Just('&'), Just('"'), Just(' ')];
    prop_oneof![
        (at(), character).prop_map(|(at, character)| Change::Put(at, character)),
        (at(), 1..400_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), 1..4000_usize, at()).prop_map(|(from, length, to)| Change::Copy(from, length, to)),
        (0..120_usize, 0..120_usize).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn changed(xml: &str, change: &Change) -> String {
    let mut letters: Vec<char> = xml.chars().collect();
    let length = letters.len();
    match change {
        Change::Put(at, character) => letters[at % length] = *character,
        Change::Remove(at, count) => {
            let at = at % length;
            letters.drain(at..(at + count).min(length));
        }
        Change::Copy(from, count, to) => {
            let from = from % length;
            let piece = letters[from..(from + count).min(length)].to_vec();
            let to = to % length;
            letters.splice(to..to, piece);
        }
        // Whole elements, which keeps it well-formed more often.
        Change::Swap(one, other) => {
            let mut parts: Vec<&str> = xml.split_inclusive('>').collect();
            let count = parts.len();
            parts.swap(one % count, other % count);
            return parts.concat();
        }
    }
    letters.into_iter().collect()
}

static VALID: LazyLock<[String; 3]> = LazyLock::new(|| {
    let (style, message) = (Style::usual(), message());
    let sealed = sealed(&message.assertion(""), AES256_GCM);
    [
        message.with_signed_assertion(style),
        message.signed_both(style),
        message.signed_around(style, &sealed),
    ]
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_signed_message_that_is_changed_says_the_same_or_nothing(
        which in 0..3_usize,
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let settings = settings();
        let (whole, _) = read(&VALID[which], &settings);
        let whole = whole.unwrap();
        let xml = changes.iter().fold(VALID[which].clone(), |xml, change| changed(&xml, change));
        let (found, _) = read(&xml, &settings);
        if let Ok(found) = found {
            // The response around a signed assertion is not signed: its ID may differ.
            prop_assert_eq!(&found.identity, &whole.identity);
            prop_assert_eq!(&found.messages[1], &whole.messages[1]);
        }
    }

    #[test]
    fn any_text_is_refused_without_a_fuss(text in ".{0,400}") {
        prop_assert!(read(&text, &settings()).0.is_err());
        prop_assert!(read_as(&text, &settings(), None).0.is_err());
    }
}

/// What costs most of what anybody may send costs no more than its length accounts for. Tests share
/// machines: an ordinary message of that length is what it is held against, generously.
#[test]
fn hostile_messages_are_refused_quickly() {
    let cost = |inside: String| {
        let extensions = format!("<samlp:Extensions>{inside}</samlp:Extensions>");
        let xml = Message { extensions, ..message() }.with_signed_assertion(Style::usual());
        let started = std::time::Instant::now();
        let _ = read(&xml, &settings());
        started.elapsed()
    };
    let ordinary = cost("<a>x</a>".repeat(25_000));
    let many: String = (0..20_000).map(|number| format!("<a id=\"{number}\"/>")).collect();
    let declared: String =
        (0..60).map(|number| format!(" xmlns:n{number}=\"u{number}\"")).collect();
    let nested = format!("{}{}", format!("<a{declared}>").repeat(50), "</a>".repeat(50));
    let signatures =
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>".repeat(3_000);
    for inside in [many, nested, signatures] {
        let start: String = inside.chars().take(80).collect();
        let taken = cost(inside);
        assert!(taken < ordinary * 50, "{taken:?}, ordinarily {ordinary:?}: {start}");
    }
}
