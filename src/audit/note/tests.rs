use proptest::prelude::*;

use super::*;
use crate::audit::leaf::Hash;
use crate::crypto::Key32;
use crate::crypto::signing::SigningKey;

fn signer(name: &str, seed: u8) -> Signer {
    let key = SigningKey::from_seed(Key32::from_slice(&[seed; 32]).unwrap()).unwrap();
    Signer::new(name.parse().unwrap(), key)
}

fn checkpoint(size: u64) -> Checkpoint {
    let root = Hash::of(&size.to_be_bytes());
    Checkpoint { origin: "strongroom/a/b".to_owned(), size, root }
}

const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// The keys and the note that Go's `sumdb/note` documents.
#[test]
fn the_note_that_go_signs_is_signed_the_same_here() {
    let verifier: Verifier = KEY.parse().unwrap();
    assert_eq!(verifier.to_string(), KEY);
    let note = Note::parse(NOTE).unwrap();
    assert_eq!(note.verify(&verifier), Ok(Checked { cosigned: None }));
    let (signer, kind) = Signer::parse_private(PRIVATE).unwrap();
    assert_eq!(
        (&signer.verifier(kind), signer.to_private_text(kind).as_str()),
        (&verifier, PRIVATE)
    );
    let mut again = Note::new(note.text().to_owned()).unwrap();
    again.sign(&signer);
    assert_eq!(again.to_string(), NOTE);
}

/// The example of C2SP tlog-cosignature: text, key id and time are where they belong.
#[test]
fn the_checkpoint_that_c2sp_shows_reads_as_it_says() {
    let shown = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(shown).unwrap();
    assert_eq!(note.to_string(), shown);
    let checkpoint: Checkpoint = note.text().parse().unwrap();
    assert_eq!(
        (checkpoint.origin.as_str(), checkpoint.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(checkpoint.to_string(), note.text());
    assert_eq!(note.signatures()[1].name().as_str(), "witness.example.com/w1");
}

#[test]
fn a_note_counts_for_the_keys_that_signed_it_and_no_other() {
    let (log, witness) = (signer("strongroom/a", 1), signer("auditor.example/w", 2));
    let mut note = checkpoint(7).sign(&log).unwrap();
    note.cosign(&witness, 1_679_315_147);
    let text = note.to_string();
    let (opened, read) = Checkpoint::open(&text, &log.verifier(Kind::Ed25519)).unwrap();
    assert_eq!((opened, &read), (checkpoint(7), &note));
    let cosigned = read.verify(&witness.verifier(Kind::Cosignature)).unwrap();
    assert_eq!(cosigned.cosigned, Some(1_679_315_147));

    let namesake = signer("strongroom/a", 3).verifier(Kind::Ed25519);
    assert_eq!(read.verify(&namesake), Err(NoteError::NotSigned(log.name().clone())));
    let other_kind = witness.verifier(Kind::Ed25519);
    assert_eq!(read.verify(&other_kind), Err(NoteError::NotSigned(witness.name().clone())));
    let changed = text.replace("\n7\n", "\n8\n");
    let opened = Checkpoint::open(&changed, &log.verifier(Kind::Ed25519));
    assert_eq!(opened, Err(NoteError::Wrong(log.name().clone())));
}

#[test]
fn a_cosignature_with_another_time_is_wrong() {
    let witness = signer("auditor.example/w", 2);
    let mut note = checkpoint(7).unsigned().unwrap();
    note.cosign(&witness, 5);
    note.signatures[0].bytes[7] = 6;
    let checked = note.verify(&witness.verifier(Kind::Cosignature));
    assert_eq!(checked, Err(NoteError::Wrong(witness.name().clone())));
}

#[test]
fn a_key_signs_again_in_place_of_its_earlier_signature() {
    let witness = signer("auditor.example/w", 2);
    let mut note = checkpoint(7).unsigned().unwrap();
    note.cosign(&witness, 5);
    note.cosign(&witness, 6);
    assert_eq!(note.signatures().len(), 1);
    assert_eq!(note.verify(&witness.verifier(Kind::Cosignature)).unwrap().cosigned, Some(6));
}

#[test]
fn what_is_not_written_exactly_so_is_refused() {
    let note = checkpoint(7).sign(&signer("strongroom/a", 1)).unwrap().to_string();
    assert!(Note::parse(&note).is_ok());
    let spoiled = [
        note.trim_end().to_owned(),
        note.replace("\n\n", "\n"),
        note.replace("— ", "- "),
        note.replace("— ", "—  "),
        note.replace('\n', "\r\n"),
        note.replace("=\n", "\n"),
        format!("{note}\n"),
        format!("{note}— strongroom/a AAAA\n"),
        note.lines().next().unwrap().to_owned(),
        String::new(),
    ];
    for spoiled in spoiled {
        assert!(Note::parse(&spoiled).is_err(), "{spoiled:?}");
    }
    let text = checkpoint(7).to_string();
    assert!(text.parse::<Checkpoint>().is_ok());
    for (was, is) in [
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n+7\n"),
        ("\n7\n", "\n-7\n"),
        ("\n7\n", "\n99999999999999999999\n"),
        ("=\n", "\n"),
        ("=\n", "=\nmore\n"),
        ("strongroom/a/b", ""),
    ] {
        let spoiled = text.replace(was, is);
        assert!(spoiled.parse::<Checkpoint>().is_err(), "{spoiled:?}");
    }
}

#[test]
fn a_key_with_a_wrong_character_is_refused() {
    let key = signer("auditor.example/w", 2).verifier(Kind::Cosignature).to_string();
    assert!(format!("{key}\n").parse::<Verifier>().is_ok());
    let mut refused = 0;
    for at in 0..key.len() {
        let mut other = key.clone().into_bytes();
        other[at] ^= 1;
        let Ok(other) = String::from_utf8(other) else { continue };
        refused += 1;
        assert!(other.parse::<Verifier>().is_err(), "{other}");
    }
    assert_eq!(refused, key.len());
    for name in ["", "a b", "a+b", "a\u{a0}b"] {
        assert!(name.parse::<Name>().is_err(), "{name:?}");
    }
}

proptest! {
    #[test]
    fn any_checkpoint_reads_back_as_signed(
        size in 0..i64::MAX as u64,
        root in any::<[u8; 32]>(),
        seeds in prop::collection::vec(any::<u8>(), 1..5),
        time in 0..i64::MAX as u64,
    ) {
        let checkpoint =
            Checkpoint { origin: "strongroom/x/y".to_owned(), size, root: Hash::from_bytes(root) };
        let mut note = checkpoint.unsigned().unwrap();
        for seed in &seeds {
            note.cosign(&signer("w", *seed), time);
        }
        let text = note.to_string();
        for seed in &seeds {
            let (read, again) =
                Checkpoint::open(&text, &signer("w", *seed).verifier(Kind::Cosignature)).unwrap();
            prop_assert_eq!(&read, &checkpoint);
            prop_assert_eq!(again.to_string(), text.clone());
        }
    }

    #[test]
    fn what_reads_as_a_note_prints_as_it_was(text in "[a\n]{1,9}(— [a+ ]{1,3}[A-Za-z/+=]{0,12}\n?){0,3}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn any_change_of_a_byte_is_found(at in 0..400_usize, to in any::<u8>()) {
        let log = signer("strongroom/a", 1);
        let mut bytes = checkpoint(123_456).sign(&log).unwrap().to_string().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let opened = String::from_utf8(bytes)
            .map(|text| Checkpoint::open(&text, &log.verifier(Kind::Ed25519)));
        prop_assert!(!matches!(opened, Ok(Ok(_))));
    }
}
