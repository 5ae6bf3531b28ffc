//! The worked example of `docs/audit-format.md`, computed here so that page and program agree.

use data_encoding::HEXLOWER;

use super::catalogue::{LOG_OPENED, MESSAGE_ACCESS};
use super::event::{Actor, Event, Resource};
use super::leaf::{Hash, Leaf};
use super::note::{Checkpoint, Kind, Signer};
use super::seal::{self, EpochKey, Place};
use super::tree::Tree;
use crate::crypto::Key32;
use crate::crypto::signing::SigningKey;
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, LogId};

const LOG: LogId = LogId::from_bytes(*b"\x01\x9a\xa0\x00\0\0\x70\0\x80\0\0\0\0\0\0\x01");
const EPOCH: KeyId = KeyId::from_bytes(*b"\x01\x9a\xa0\x00\0\0\x70\0\x80\0\0\0\0\0\0\x02");
const SUBJECT: KeyId = KeyId::from_bytes(*b"\x01\x9a\xa0\x00\0\0\x70\0\x80\0\0\0\0\0\0\x03");
/// 2026-11-22T05:06:07Z.
const TIME: i64 = 1_795_323_967_000_000;

fn counting(from: u8) -> [u8; 32] {
    std::array::from_fn(|at| from + at as u8)
}

fn leaf(seq: u64, envelope: &[u8], prev_hash: Hash) -> Leaf {
    let time = Timestamp::from_micros(TIME + i64::try_from(seq).unwrap());
    Leaf { log: LOG, seq, time, payload_hash: Hash::of(envelope), prev_hash }
}

const INSTALLATION: &str = "strongroom/019aa000-0000-7000-8000-000000000004";

fn signer(name: &str, seed: u8) -> Signer {
    let seed = Key32::from_slice(&counting(seed)).unwrap();
    Signer::new(name.parse().unwrap(), SigningKey::from_seed(seed).unwrap())
}

/// The texts of the page about a checkpoint over both entries.
fn texts(root: Hash) -> Vec<(&'static str, String)> {
    let log = signer(INSTALLATION, 0x40);
    let witness = signer("auditor.example/witness", 0x60);
    let origin = format!("{INSTALLATION}/{LOG}");
    let mut note = Checkpoint { origin, size: 2, root }.sign(&log).unwrap();
    note.cosign(&witness, 1_795_324_000);
    vec![
        ("verifier key", log.verifier(Kind::Ed25519).to_string()),
        ("witness key", witness.verifier(Kind::Cosignature).to_string()),
        ("checkpoint", note.to_string()),
    ]
}

/// The values of the page by the names that it gives them, in its order.
fn values() -> Vec<(&'static str, Vec<u8>)> {
    let epoch = EpochKey::new(EPOCH, &counting(0x00));
    let subject = EpochKey::new(SUBJECT, &counting(0x20));

    let mut opened = Event::new(LOG_OPENED);
    opened.actor = Some(Actor::new("system", "strongroom"));
    let payload_1 = opened.payload(&[]);
    let secret_1 = epoch.entry_secret(LOG, 1);
    let envelope_1 = seal::seal(&secret_1, EPOCH, Place::entry(LOG, 1), [0xa1; 12], &payload_1);
    let leaf_1 = leaf(1, &envelope_1, Hash::ZERO);

    let mut read = Event::new(MESSAGE_ACCESS);
    let mut ann = Actor::new("user", "u1");
    ann.name = Some("Ann Lee".to_owned());
    read.actor = Some(ann);
    read.ip = Some([192, 0, 2, 7].into());
    read.resource = Some(Resource::new("conversation", "c1"));
    read.custom_fields.insert("messageCount".to_owned(), 12.into());
    let member = read.take_personal().unwrap();
    let member_secret = subject.member_secret(LOG, 2, 0);
    let place = Place::member(LOG, 2, 0);
    let member_envelope = seal::seal(&member_secret, SUBJECT, place, [0xb2; 12], &member);
    let payload_2 = read.payload(std::slice::from_ref(&member_envelope));
    let secret_2 = epoch.entry_secret(LOG, 2);
    let envelope_2 = seal::seal(&secret_2, EPOCH, Place::entry(LOG, 2), [0xa2; 12], &payload_2);
    let leaf_2 = leaf(2, &envelope_2, leaf_1.hash());

    let mut tree = Tree::empty();
    tree.append(leaf_1.hash());
    tree.append(leaf_2.hash());
    vec![
        ("payload 1", payload_1),
        ("entry secret 1", secret_1.bytes().to_vec()),
        ("envelope 1", envelope_1),
        ("leaf 1", leaf_1.to_bytes().to_vec()),
        ("hash 1", leaf_1.hash().bytes().to_vec()),
        ("member", member),
        ("member secret", member_secret.bytes().to_vec()),
        ("member envelope", member_envelope),
        ("payload 2", payload_2),
        ("entry secret 2", secret_2.bytes().to_vec()),
        ("envelope 2", envelope_2),
        ("leaf 2", leaf_2.to_bytes().to_vec()),
        ("hash 2", leaf_2.hash().bytes().to_vec()),
        ("root", tree.root().bytes().to_vec()),
    ]
}

#[test]
fn the_page_on_the_format_shows_what_the_program_computes() {
    let page = include_str!("../../docs/audit-format.md");
    let unbroken: String = page.split_whitespace().collect();
    for (name, bytes) in values() {
        let shown = match bytes.first() {
            Some(b'{') => String::from_utf8(bytes).unwrap().split_whitespace().collect(),
            _ => HEXLOWER.encode(&bytes),
        };
        assert!(unbroken.contains(&shown), "{name} should be\n{shown}");
        if name == "root" {
            for (name, text) in texts(shown.parse().unwrap()) {
                let shown: String = text.split_whitespace().collect();
                assert!(unbroken.contains(&shown), "{name} should be\n{text}");
            }
        }
    }
}
