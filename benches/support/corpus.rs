//! A log as a company of five hundred writes it in half a year: entry n is always the same.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use strongroom::audit::event::{Actor, Change, Event, Outcome, ReportedBy, Resource};

const ACTIONS: usize = 60;
const ACTORS: usize = 500;
const RESOURCES: u64 = 100_000;
const WORDS: usize = 20_000;

/// Every so many entries the word "quokka" occurs,
const RARE: u64 = 999_983;
/// the phrase "left the building",
const PHRASE: u64 = 1009;
/// and an address of 198.51.100.0/24.
const FOREIGN: u64 = 20_011;

pub struct Corpus {
    actions: Vec<f64>,
    actors: Vec<f64>,
    words: Vec<f64>,
}

impl Corpus {
    pub fn new() -> Self {
        Self { actions: zipf(ACTIONS), actors: zipf(ACTORS), words: zipf(WORDS) }
    }

    pub fn event(&self, n: u64) -> Event {
        let mut dice = Dice(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635);
        let action = pick(&self.actions, dice.unit());
        let actor = pick(&self.actors, dice.unit());
        let resource = dice.next() % RESOURCES;
        let kinds = ["invoice", "conversation", "customer", "file", "order", "ticket"];
        let kind = kinds[action % kinds.len()];
        let mut event = Event {
            action: action_name(action),
            actor: Some(Actor {
                name: Some(format!("{} {}", FIRST[actor % FIRST.len()], LAST[actor % LAST.len()])),
                role: Some(["agent", "admin", "auditor"][actor % 3].to_owned()),
                ..Actor::new("user", actor_id(actor))
            }),
            resource: Some(Resource::new(kind, format!("{kind}-{resource:06}"))),
            outcome: match dice.next() % 100 {
                0..=89 => Outcome::Success,
                90..=95 => Outcome::Failure,
                96..=98 => Outcome::Denied,
                _ => Outcome::Error,
            },
            ip: Some(address(n, actor, &mut dice)),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0".to_owned()),
            request_id: Some(uuid(&mut dice)),
            reported_by: Some(ReportedBy {
                id: "01932c07-209b-7aab-89f0-2c5f1e6a3b11".to_owned(),
                name: "billing".to_owned(),
            }),
            ..Event::default()
        };
        event.custom_fields.insert("note".into(), self.note(n, &mut dice).into());
        event.custom_fields.insert("amount".into(), (dice.next() % 100_000).into());
        if dice.next().is_multiple_of(10) {
            let (old, new) = (Some("open".into()), Some("sent".into()));
            event.changes = BTreeMap::from([("state".to_owned(), Change { old, new })]);
        }
        event
    }

    /// About ten words, some of which are looked for.
    fn note(&self, n: u64, dice: &mut Dice) -> String {
        let mut words: Vec<String> =
            (0..6 + dice.next() % 8).map(|_| word(pick(&self.words, dice.unit()))).collect();
        if dice.next() % 10 < 6 {
            words.push("payment".to_owned());
        }
        if n % RARE == 17 {
            words.push("quokka".to_owned());
        }
        if n.is_multiple_of(PHRASE) {
            words.push("left the building".to_owned());
        }
        words.join(" ")
    }
}

pub fn action_name(n: usize) -> String {
    let areas = ["invoice", "conversation", "customer", "file", "order", "ticket"];
    let verbs = [
        "viewed", "created", "changed", "exported", "closed", "deleted", "sent", "printed",
        "shared", "archived",
    ];
    format!("{}.{}", areas[n % 6], verbs[n / 6 % 10])
}

pub fn actor_id(n: usize) -> String {
    format!("01932c07-209b-7aab-89f0-{:012x}", n * 7919)
}

fn word(n: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "va", "we", "xi", "yo", "zu",
    ];
    let mut word = String::new();
    let mut left = n + 20;
    while left > 0 {
        word.push_str(SYLLABLES[left % 20]);
        left /= 20;
    }
    word
}

fn address(n: u64, actor: usize, dice: &mut Dice) -> IpAddr {
    let low = dice.next();
    match n.is_multiple_of(FOREIGN) {
        true => Ipv4Addr::new(198, 51, 100, low as u8).into(),
        false => Ipv4Addr::new(10, (actor % 40) as u8, (actor / 40) as u8, (low % 8) as u8).into(),
    }
}

fn uuid(dice: &mut Dice) -> String {
    let (a, b) = (dice.next(), dice.next());
    format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

const FIRST: [&str; 23] = [
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Frances",
    "John",
    "Ken",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tony",
    "Whitfield",
    "Leslie",
    "Shafi",
    "Silvio",
    "Adi",
    "Ron",
    "Ralph",
    "Clifford",
    "Chiara",
    "Hedy",
];
const LAST: [&str; 29] = [
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Allen",
    "Backus",
    "Thompson",
    "Hamilton",
    "Wirth",
    "Perlman",
    "Hoare",
    "Diffie",
    "Lamport",
    "Goldwasser",
    "Micali",
    "Shamir",
    "Rivest",
    "Merkle",
    "Cocks",
    "Shannon",
    "Lamarr",
    "Lovelace",
    "Kay",
    "Cerf",
    "Kahn",
    "Engelbart",
    "Codd",
    "Gray",
];

/// Cumulated shares of ranks.
fn zipf(count: usize) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count).map(|rank| 1.0 / rank as f64).collect();
    let all: f64 = weights.iter().sum();
    let mut sum = 0.0;
    weights
        .iter()
        .map(|weight| {
            sum += weight / all;
            sum
        })
        .collect()
}

fn pick(shares: &[f64], at: f64) -> usize {
    shares.partition_point(|share| *share < at).min(shares.len() - 1)
}

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
