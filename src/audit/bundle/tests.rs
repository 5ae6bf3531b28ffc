//! A bundle verifies as it was written, and in no other form.

use super::archive::ArchiveReader;
use super::verify::{Trusted, Witnessed};
use super::*;
use crate::args;
use crate::audit::catalogue;
use crate::audit::event::{Actor, Event};
use crate::audit::leaf::Hash;
use crate::audit::note::{Checkpoint, Kind, Note, Signer};
use crate::audit::proof::Prover;
use crate::audit::read::Opener;
use crate::audit::tree::Tree;
use crate::audit::view::EntryView;
use crate::crypto::Key32;
use crate::crypto::signing::SigningKey;
use crate::kernel::Timestamp;
use crate::kernel::id::{KeyId, TenantId};
use crate::store::Sql;
use crate::store::test_support::{Fixture, Run};

const INSTALLATION: &str = "strongroom/019aa000-0000-7000-8000-0000000000aa";

fn signer(seed: u8) -> Signer {
    let seed = Key32::from_slice(&[seed; 32]).unwrap();
    Signer::new(INSTALLATION.parse().unwrap(), SigningKey::from_seed(seed).unwrap())
}

fn trusted(signer: &Signer) -> Trusted {
    Trusted { log: signer.verifier(Kind::Ed25519), witnesses: Vec::new(), tenant: None }
}

/// A log whose every third entry has a person's name sealed inside, in a file of its own.
struct House {
    fixture: Fixture,
    person: KeyId,
}

impl House {
    fn with(size: u64) -> Self {
        let fixture = Fixture::new();
        let person = fixture.keys.new_subject().unwrap();
        let run = |n: u64| -> Run {
            Box::new(move |tx, log| {
                let mut event = Event::new(catalogue::LOGIN_FAILED);
                let name = Some(format!("Ann {n}"));
                event.actor = Some(Actor { name, ..Actor::new("user", "u1") });
                log.append(tx, event, n.is_multiple_of(3).then_some(person))?;
                Ok(true)
            })
        };
        fixture.group((1..=size).map(run).collect());
        Self { fixture, person }
    }

    fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&crate::store::RawReadTx<'_>, &mut Opener) -> T + Send + 'static,
    ) -> T {
        let keys = self.fixture.keys.clone();
        let read = self.fixture.database.read_here(move |tx| {
            let mut opener = Opener::new(tx, keys)?;
            Ok::<_, StoreError>(f(tx, &mut opener))
        });
        read.unwrap().unwrap()
    }

    fn checkpoint(&self, size: u64, signer: &Signer) -> Note {
        let (log, hashes) = self.read(move |tx, opener| (opener.log(), hashes(tx, size)));
        let mut tree = Tree::empty();
        hashes.into_iter().for_each(|hash| drop(tree.append(hash)));
        let origin = format!("{INSTALLATION}/{log}");
        Checkpoint { origin, size, root: tree.root() }.sign(signer).unwrap()
    }

    /// A bundle of these entries, in parts of `part` bytes.
    fn bundle(&self, seqs: &[u64], size: u64, part: usize, seed: u8) -> Vec<u8> {
        let signer = signer(seed);
        let note = self.checkpoint(size, &signer);
        let (seqs, description) = (seqs.to_vec(), description(&query(seqs, size)));
        self.read(move |tx, opener| {
            let log = opener.log();
            let writer = BundleWriter::begin(Vec::new(), log, &note, None, &signer, description);
            let mut writer = writer.unwrap().with_parts_of(part);
            for page in seqs.chunks(7) {
                writer.add(tx, opener, page).unwrap();
            }
            writer.finish(tx, &signer).unwrap().0
        })
    }

    fn whole(&self, size: u64) -> Vec<u8> {
        self.bundle(&(1..=size).collect::<Vec<_>>(), size, 4096, 1)
    }
}

fn hashes(tx: &impl Sql, size: u64) -> Vec<Hash> {
    let sql = "SELECT hash FROM audit_entries WHERE seq <= $1 ORDER BY seq";
    tx.query(sql, args![size.cast_signed()], |row| row.get(0).map(Hash::from_bytes)).unwrap()
}

/// Only a bundle of everything is of no search.
fn query(seqs: &[u64], size: u64) -> String {
    if seqs.len() as u64 == size { String::new() } else { "made:up".to_owned() }
}

fn description(query: &str) -> Description {
    Description {
        tenant: Some(TenantName { id: TenantId::from_bytes([5; 16]), slug: "acme".into() }),
        selection: Selection { query: query.to_owned(), from: None, to: None },
        exported_at: Timestamp::from_micros(1_795_323_967_000_000),
        exported_by: Exporter { id: "u9".into(), kind: "user".into(), role: "auditor".into() },
        pruned_through: 0,
    }
}

fn check(bundle: &[u8], signer: &Signer) -> (Findings, Vec<EntryView>) {
    let mut views = Vec::new();
    let findings = verify(bundle, &trusted(signer), &mut |view| views.push(view));
    (findings, views)
}

fn assert_refused(bundle: &[u8], what: &str) -> Findings {
    let (findings, _) = check(bundle, &signer(1));
    assert!(!findings.ok, "{what} was not noticed");
    assert!(findings.reason.is_some(), "{what}: nobody is told why");
    findings
}

#[test]
fn a_bundle_of_the_whole_log_gives_every_entry_back() {
    let house = House::with(40);
    let bundle = house.whole(40);
    let (findings, views) = check(&bundle, &signer(1));
    assert!(findings.ok, "{findings:?}");
    assert_eq!((findings.entries, findings.disclosed), (40, 40));
    let manifest = findings.manifest.unwrap();
    assert_eq!((manifest.first, manifest.last, manifest.gapless), (Some(1), Some(40), true));
    assert!(manifest.files > 4, "more than one part");
    let names: Vec<_> = views.into_iter().map(|view| view.actor.unwrap().name.unwrap()).collect();
    assert_eq!(names, (1..=40).map(|n| format!("Ann {n}")).collect::<Vec<_>>());
}

#[test]
fn any_choice_of_entries_is_proven_in_the_whole_logs_tree() {
    let house = House::with(600);
    for (seqs, size) in [
        (vec![1], 600),
        (vec![600], 600),
        (vec![256, 257, 258, 511], 599),
        (vec![], 600),
        (vec![513], 513),
        ((3..600).step_by(3).collect(), 600),
        ((100..=300).collect(), 512),
    ] {
        let (findings, views) = check(&house.bundle(&seqs, size, 1000, 1), &signer(1));
        assert!(findings.ok, "{seqs:?} of {size}: {findings:?}");
        assert_eq!(views.iter().map(|view| view.seq).collect::<Vec<_>>(), seqs);
    }
}

#[test]
fn what_the_checkpoint_does_not_cover_is_refused_at_writing() {
    let house = House::with(5);
    let signer = signer(1);
    let note = house.checkpoint(4, &signer);
    house.read(move |tx, opener| {
        let begin = |description| {
            BundleWriter::begin(Vec::new(), opener.log(), &note, None, &signer, description)
        };
        let mut writer = begin(description("x")).unwrap();
        let mut other = begin(description("x")).unwrap();
        let beyond = writer.add(tx, opener, &[5]);
        assert!(matches!(beyond, Err(BundleError::Beyond { seq: 5, size: 4 })), "{beyond:?}");
        let order = other.add(tx, opener, &[3, 2]);
        assert!(matches!(order, Err(BundleError::Order(2))), "{order:?}");
    });
}

#[test]
fn an_erased_persons_name_is_gone_and_the_bundle_proves_all_the_same() {
    let house = House::with(7);
    house.fixture.keys.destroy_subject(house.person).unwrap();
    let (findings, views) = check(&house.whole(7), &signer(1));
    assert!(findings.ok, "{findings:?}");
    let erased: Vec<_> = views.iter().filter(|view| view.erased).map(|view| view.seq).collect();
    assert_eq!(erased, [3, 6]);
    assert!(views[2].actor.as_ref().unwrap().name.is_none());
}

#[test]
fn every_flipped_byte_of_a_bundle_is_found() {
    let bundle = House::with(3).bundle(&[1, 3], 3, 4096, 1);
    let whole = check(&bundle, &signer(1)).0;
    assert!(whole.ok, "{whole:?}");
    let mut bad = bundle.clone();
    for at in 0..bundle.len() {
        bad[at] ^= 1 << (at % 8);
        assert_refused(&bad, &format!("byte {at}"));
        bad[at] = bundle[at];
    }
}

#[test]
fn every_truncation_and_every_addition_is_found() {
    let bundle = House::with(3).whole(3);
    for length in (0..bundle.len()).step_by(7).chain([bundle.len() - 1]) {
        assert_refused(&bundle[..length], &format!("the first {length} bytes"));
    }
    assert_refused(&[&bundle[..], &[0; 512]].concat(), "a block more");
    assert_refused(&[&bundle[..], b"x"].concat(), "a byte more");
}

/// The files of a bundle with their headers and padding.
fn files(bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let mut at = 0;
    while bundle.len() - at > 1024 {
        let head = ArchiveReader::new(&bundle[at..]).head().unwrap();
        let length = 512 + (head.size as usize).next_multiple_of(512);
        files.push(bundle[at..at + length].to_vec());
        at += length;
    }
    files.push(bundle[at..].to_vec());
    files
}

#[test]
fn files_dropped_doubled_or_in_another_order_are_found() {
    let bundle = House::with(30).whole(30);
    let files = files(&bundle);
    assert!(files.len() > 8, "{}", files.len());
    for at in 0..files.len() {
        let mut dropped = files.clone();
        dropped.remove(at);
        assert_refused(&dropped.concat(), &format!("file {at} dropped"));
        let mut doubled = files.clone();
        doubled.insert(at, files[at].clone());
        assert_refused(&doubled.concat(), &format!("file {at} doubled"));
        let mut swapped = files.clone();
        swapped.swap(at, (at + 1) % files.len());
        assert_refused(&swapped.concat(), &format!("file {at} swapped with the next"));
    }
}

#[test]
fn parts_of_two_tenants_bundles_cannot_be_exchanged() {
    let (one, other) = (House::with(6), House::with(6));
    let (mine, theirs) = (files(&one.whole(6)), files(&other.whole(6)));
    assert_eq!(mine.len(), theirs.len());
    for at in 0..mine.len() {
        if mine[at] == theirs[at] {
            continue; // the public key is the installation's
        }
        let mut mixed = mine.clone();
        mixed[at].clone_from(&theirs[at]);
        assert_refused(&mixed.concat(), &format!("the other's file {at}"));
    }
    let bundle = other.whole(6);
    let expecting = Trusted { tenant: Some("globex".into()), ..trusted(&signer(1)) };
    let findings = verify(&bundle[..], &expecting, &mut |_| {});
    assert!(!findings.ok && findings.reason.unwrap().contains("of tenant acme, not of globex"));
}

#[test]
fn another_installations_signature_is_not_enough() {
    let house = House::with(4);
    let seqs: Vec<u64> = (1..=4).collect();
    assert_refused(&house.bundle(&seqs, 4, 4096, 2), "a bundle signed with another key");
}

#[test]
fn an_entry_that_was_changed_in_the_log_is_named() {
    let house = House::with(9);
    let signer = signer(1);
    let note = house.checkpoint(9, &signer);
    house.fixture.past_authorizer(
        "DROP TRIGGER audit_entries_no_update; UPDATE audit_entries SET time = time - 1 WHERE seq = 5",
    );
    let bundle = house.read(move |tx, opener| {
        let (log, description) = (opener.log(), description(""));
        let writer = BundleWriter::begin(Vec::new(), log, &note, None, &signer, description);
        let mut writer = writer.unwrap();
        writer.add(tx, opener, &(1..=9).collect::<Vec<_>>()).unwrap();
        writer.finish(tx, &signer).unwrap().0
    });
    let findings = assert_refused(&bundle, "a changed time");
    assert!(matches!(findings.first_bad, Some(5 | 6)), "{findings:?}");
}

#[test]
fn a_witness_that_was_asked_for_must_have_signed() {
    let house = House::with(3);
    let (signer, witness) = (
        signer(1),
        Signer::new("w".parse().unwrap(), {
            SigningKey::from_seed(Key32::from_slice(&[9; 32]).unwrap()).unwrap()
        }),
    );
    let mut expecting = trusted(&signer);
    expecting.witnesses.push(witness.verifier(Kind::Cosignature));
    let findings = verify(&house.whole(3)[..], &expecting, &mut |_| {});
    assert!(!findings.ok);
    let mut note = house.checkpoint(3, &signer);
    note.cosign(&witness, 1_795_323_967);
    let bundle = house.read(move |tx, opener| {
        let (log, description) = (opener.log(), description("x"));
        let writer = BundleWriter::begin(Vec::new(), log, &note, None, &signer, description);
        writer.unwrap().finish(tx, &signer).unwrap().0
    });
    let findings = verify(&bundle[..], &expecting, &mut |_| {});
    assert!(findings.ok, "{findings:?}");
    let signed = Witnessed { name: "w".parse().unwrap(), time: 1_795_323_967, size: 3 };
    assert_eq!(findings.witnessed, [signed]);
}

#[test]
fn growth_from_an_earlier_checkpoint_is_proven_and_a_rewritten_log_is_not() {
    let (house, other) = (House::with(300), House::with(300));
    let signer = signer(1);
    let note = house.checkpoint(290, &signer);
    let earlier = house.checkpoint(100, &signer);
    // The same log, as it would be told after its history was rewritten.
    let mut forged: Checkpoint = earlier.text().parse().unwrap();
    forged.root = other.checkpoint(100, &signer).text().parse::<Checkpoint>().unwrap().root;
    let forged = forged.sign(&signer).unwrap();
    for (earlier, good) in [(earlier, true), (forged, false)] {
        let (signer, note) = (self::signer(1), note.clone());
        let bundle = house.read(move |tx, opener| {
            let proof = Prover::of_log(tx).unwrap().consistency(100, 290).unwrap();
            let earlier = Some(Earlier { note: earlier.to_string(), proof });
            let (log, description) = (opener.log(), description("x"));
            BundleWriter::begin(vec![], log, &note, earlier.as_ref(), &signer, description)
                .and_then(|writer| writer.finish(tx, &signer))
                .unwrap()
                .0
        });
        let (findings, _) = check(&bundle, &self::signer(1));
        assert_eq!(findings.ok, good, "{findings:?}");
        assert_eq!(findings.earlier.is_some(), good);
    }
}

/// What `tests/verifier/verify.py` says about a bundle.
fn second_opinion(bundle: &[u8]) -> serde_json::Value {
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("b.srbundle"), directory.path().join("key"));
    std::fs::write(&file, bundle).unwrap();
    std::fs::write(&key, format!("{}\n", signer(1).verifier(Kind::Ed25519))).unwrap();
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/verify.py");
    let mut python = std::process::Command::new("python3");
    python.arg(verifier).arg("bundle").args([&file]).arg("--key").arg(&key);
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(output.status.success(), answer["ok"] == true);
    answer
}

#[test]
fn a_verifier_written_from_the_documentation_alone_comes_to_the_same_result() {
    let house = House::with(300);
    let some = house.bundle(&[2, 3, 6, 257, 299], 299, 900, 1);
    let answer = second_opinion(&some);
    assert_eq!((&answer["ok"], &answer["entries"]), (&true.into(), &5.into()), "{answer}");
    assert_eq!(answer["events"][1]["actor"]["name"], "Ann 3");
    house.fixture.keys.destroy_subject(house.person).unwrap();
    let whole = second_opinion(&house.bundle(&(1..=20).collect::<Vec<_>>(), 20, 4096, 1));
    assert_eq!((&whole["ok"], &whole["disclosed"]), (&true.into(), &20.into()), "{whole}");
    assert_eq!(whole["events"][2]["erased"], true);
    assert!(whole["events"][2]["actor"].get("name").is_none());
    for at in (0..some.len()).step_by(2503) {
        let mut bad = some.clone();
        bad[at] ^= 0x10;
        assert_eq!(second_opinion(&bad)["ok"], false, "byte {at}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_given_to_the_verifier_it_answers(bytes: Vec<u8>) {
        assert!(!verify(&bytes[..], &trusted(&signer(1)), &mut |_| {}).ok);
    }
}
