//! A release is good as a whole or not at all.

use proptest::prelude::*;

use super::*;
use crate::audit::note::{Kind, Signer, Verifier};
use crate::crypto::Key32;
use crate::crypto::signing::SigningKey;

fn signer(seed: u8) -> Signer {
    let key = SigningKey::from_seed(Key32::from_slice(&[seed; 32]).unwrap()).unwrap();
    Signer::new("strongroom-release".parse().unwrap(), key)
}

fn key() -> Verifier {
    signer(1).verifier(Kind::Ed25519)
}

fn manifest() -> Manifest {
    Manifest {
        version: "0.2.0".into(),
        build: "3c9f2ab81d04".into(),
        schemas: [29, 26, 2],
        members: Vec::new(),
    }
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, content) in files {
        paths.push(directory.path().join(name));
        std::fs::write(&paths[paths.len() - 1], content).unwrap();
    }
    let mut out = Vec::new();
    pack(manifest(), &paths, &signer(1), &mut out).unwrap();
    out
}

fn sample() -> Vec<u8> {
    packed(&[("strongroom_0.2.0-1_amd64.deb", b"deb"), ("SHA256SUMS", &[7; 700])])
}

#[test]
fn a_release_says_what_is_in_it_and_is_the_same_bytes_each_time() {
    let found = verify(&sample()[..], &key()).unwrap();
    let names: Vec<_> = found.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["strongroom_0.2.0-1_amd64.deb", "SHA256SUMS"]);
    assert_eq!((found.version.as_str(), found.schemas), ("0.2.0", [29, 26, 2]));
    assert_eq!(sample(), sample());
    // Any tar unpacks it.
    let whole = sample();
    let mut tar = tar::Archive::new(&whole[..]);
    let unpacked = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
    assert_eq!(unpacked.count(), 3);
}

#[test]
fn a_release_of_somebody_else_is_not_believed() {
    let other = signer(2).verifier(Kind::Ed25519);
    let refused = verify(&sample()[..], &other).unwrap_err();
    assert!(matches!(refused, ReleaseError::Note(_)), "{refused}");
}

#[test]
fn what_the_signature_does_not_name_is_refused_wherever_it_stands() {
    let good = sample();
    // A further file behind the last one, in place of the end.
    let mut more = good[..good.len() - 1024].to_vec();
    more.extend(pack::header("evil", 0).unwrap().as_bytes());
    more.extend([0; 1024]);
    assert!(verify(&more[..], &key()).is_err());
    // Something behind the end.
    let behind = [&good[..], &[0; 512], b"x"].concat();
    assert!(verify(&behind[..], &key()).is_err());
    // As many zeros as nobody reads.
    let zeros = [&good[..], &vec![0; PADDING_BYTES + 1]].concat();
    assert!(verify(&zeros[..], &key()).is_err());
    assert!(verify(&[&good[..], &[0; 9 * 1024]].concat()[..], &key()).is_ok());
}

#[test]
fn a_name_cannot_lead_out_of_a_directory_or_steer_a_terminal() {
    for bad in
        ["../x", "/etc/passwd", "a/b", ".hidden", "-rf", "a b", "a\nb", "\u{1b}[2J", "", NOTE]
    {
        assert!(manifest::check_name(bad).is_err(), "{bad:?}");
    }
    let line = |name: &str| format!("file {} 3 {name}\n", "00".repeat(32));
    let text = |lines: &str| format!("{}{lines}", manifest());
    assert!(text(&line("good.deb")).parse::<Manifest>().is_ok());
    for bad in
        [line("../x"), line("a").repeat(2), "file x\n".into(), line("a").replace(" 3 ", " +3 ")]
    {
        assert!(text(&bad).parse::<Manifest>().is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn no_byte_of_a_release_can_be_changed(at in 0_usize..sample().len(), to in any::<u8>()) {
        let mut changed = sample();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        prop_assert!(verify(&changed[..], &key()).is_err());
    }

    #[test]
    fn a_release_that_ends_early_is_refused(length in 0_usize..sample().len()) {
        prop_assert!(verify(&sample()[..length], &key()).is_err());
    }

    #[test]
    fn whatever_is_read_ends_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(verify(&bytes[..], &key()).is_err());
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written(text in "\\PC{0,300}") {
        if let Ok(read) = text.parse::<Manifest>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
