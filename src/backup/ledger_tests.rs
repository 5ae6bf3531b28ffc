use object_store::memory::InMemory;
use object_store::path::Path;

use super::*;
use crate::kernel::Timestamp;
use crate::kernel::id::{InstallationId, KeyId};

fn layout() -> Layout {
    Layout::new(InstallationId::from_bytes([7; 16]))
}

fn signer() -> Arc<Signer> {
    let key = crate::crypto::signing::SigningKey::from_seed(
        crate::crypto::Key32::from_slice(&[7; 32]).unwrap(),
    );
    Arc::new(Signer::new("strongroom/test".parse().unwrap(), key.unwrap()))
}

fn verifier() -> Verifier {
    signer().verifier(Kind::Ed25519)
}

fn memory(name: &str) -> Target {
    Target::new(name.to_owned(), Arc::new(InMemory::new()))
}

/// One whose directory is a file.
fn broken(directory: &std::path::Path) -> Target {
    let path = directory.join("broken");
    std::fs::create_dir_all(&path).unwrap();
    let target = Target::open(&format!("file://{}", path.display()).parse().unwrap()).unwrap();
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    target
}

fn erasure(n: u8) -> Erasure {
    Erasure {
        time: Timestamp::from_micros(1),
        owner: "t".into(),
        key: KeyId::from_bytes([n; 16]),
        cause: "test".into(),
    }
}

fn ledger(directory: &std::path::Path) -> Erasures {
    Erasures::open(&directory.join("erasures.log")).unwrap()
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(f).await.unwrap()
}

async fn record(ledger: &Erasures, keys: &[u8]) -> Result<(), crate::store::StoreError> {
    let (ledger, all) = (ledger.clone(), keys.iter().copied().map(erasure).collect::<Vec<_>>());
    blocking(move || ledger.record_all(&all)).await
}

#[tokio::test]
async fn what_is_destroyed_is_in_a_target_first_and_many_lines_are_one_upload() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, targets) = (ledger(directory.path()), Targets(vec![memory("a")]));
    ledger.copy_to(Arc::new(Copier::new(&targets, layout(), signer()).unwrap()));
    record(&ledger, &[1]).await.unwrap();
    record(&ledger, &(0..200).collect::<Vec<_>>()).await.unwrap();
    let fetched = fetch(&targets, layout(), &verifier()).await.unwrap();
    assert_eq!(
        fetched.text,
        std::fs::read_to_string(directory.path().join("erasures.log")).unwrap()
    );
    assert_eq!((fetched.erasures.len(), fetched.head()), (201, ledger.head()));
    assert_eq!(parts(&targets.0[0], layout()).await.unwrap().len(), 2);
    let second = &fetched.heads[1];
    assert!(fetched.follows(2, &second.hash) && fetched.follows(0, ""));
    assert!(!fetched.follows(3, &second.hash) && !fetched.follows(900, &second.hash));
}

#[tokio::test]
async fn one_target_is_enough_and_the_other_catches_up() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, bad) = (ledger(directory.path()), broken(directory.path()));
    let targets = Targets(vec![bad.clone(), memory("b")]);
    let copier = Copier::new(&targets, layout(), signer()).unwrap();
    ledger.copy_to(Arc::new(copier.clone()));
    record(&ledger, &[1]).await.unwrap();
    record(&ledger, &[2]).await.unwrap();
    assert!(copier.catch_up(&bad.name, &ledger).await.is_err());
    let path = directory.path().join("broken");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(copier.catch_up(&bad.name, &ledger).await, Ok(2));
    assert_eq!(
        fetch(&Targets(vec![bad]), layout(), &verifier()).await.unwrap().head(),
        ledger.head()
    );
}

#[tokio::test]
async fn without_any_target_nothing_may_be_destroyed_and_a_later_attempt_takes_the_line_along() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, bad) = (ledger(directory.path()), broken(directory.path()));
    let targets = Targets(vec![bad.clone()]);
    ledger.copy_to(Arc::new(Copier::new(&targets, layout(), signer()).unwrap()));
    let refused = record(&ledger, &[1]).await.unwrap_err().to_string();
    assert!(refused.contains("nothing was destroyed") && refused.contains(&bad.name), "{refused}");
    let path = directory.path().join("broken");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    record(&ledger, &[1]).await.unwrap();
    assert_eq!(fetch(&targets, layout(), &verifier()).await.unwrap().head().lines, 2);
}

#[tokio::test]
async fn a_target_that_lost_what_it_had_gets_all_of_it_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, target) = (ledger(directory.path()), memory("a"));
    let targets = Targets(vec![target.clone()]);
    record(&ledger, &[1, 2, 3]).await.unwrap();
    let copier = || Copier::new(&targets, layout(), signer()).unwrap();
    assert_eq!(copier().catch_up("a", &ledger).await, Ok(3));
    record(&ledger, &[4]).await.unwrap();
    assert_eq!(copier().catch_up("a", &ledger).await, Ok(4));
    target.delete(&layout().ledger_part(1, 3)).await.unwrap();
    assert!(fetch(&targets, layout(), &verifier()).await.is_err());
    assert_eq!(copier().catch_up("a", &ledger).await, Ok(4));
    assert_eq!(fetch(&targets, layout(), &verifier()).await.unwrap().head(), ledger.head());
}

#[tokio::test]
async fn targets_that_contradict_each_other_or_this_ledger_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    for path in [&one, &other] {
        std::fs::create_dir(path).unwrap();
    }
    let (one, other) = (ledger(&one), ledger(&other));
    let (a, b) = (memory("a"), memory("b"));
    let both = Targets(vec![a.clone(), b.clone()]);
    let copier = || Copier::new(&both, layout(), signer()).unwrap();
    record(&one, &[1, 2]).await.unwrap();
    record(&other, &[1, 3, 4]).await.unwrap();
    copier().catch_up("a", &one).await.unwrap();
    copier().catch_up("b", &other).await.unwrap();
    let refused = fetch(&both, layout(), &verifier()).await.unwrap_err();
    assert!(matches!(&refused, BackupError::Ledger { line: 2, .. }), "{refused}");
    let refused = copier().catch_up("b", &one).await.unwrap_err();
    assert!(refused.contains('b'), "{refused}");
}

#[tokio::test]
async fn a_line_that_was_changed_in_a_target_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, target) = (ledger(directory.path()), memory("a"));
    let targets = Targets(vec![target.clone()]);
    record(&ledger, &[1, 2, 3]).await.unwrap();
    Copier::new(&targets, layout(), signer()).unwrap().catch_up("a", &ledger).await.unwrap();
    let path: Path = layout().ledger_part(1, 3);
    let text = target.store.get(&path).await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let cut: String = text.split_inclusive('\n').take(2).collect();
    let changed = text.replacen("\"seq\":2", "\"seq\":9", 1);
    for bad in [cut, changed, "no lines".to_owned()] {
        target.store.put(&path, bad.clone().into()).await.unwrap();
        match fetch(&targets, layout(), &verifier()).await {
            Ok(fetched) => {
                assert!(fetched.text.is_empty(), "{}", fetched.text);
                assert!(fetched.left_out[0].0.ends_with(path.as_ref()), "{:?}", fetched.left_out);
            }
            Err(refused) => assert!(matches!(refused, BackupError::Ledger { .. }), "{refused}"),
        }
    }
}

#[tokio::test]
async fn a_target_that_cannot_be_read_is_named_because_it_may_have_more() {
    let directory = tempfile::tempdir().unwrap();
    let bad = broken(directory.path());
    let fetched =
        fetch(&Targets(vec![bad.clone(), memory("a")]), layout(), &verifier()).await.unwrap();
    assert_eq!(fetched.unread.len(), 1);
    assert_eq!(fetched.unread[0].0, bad.name);
}

#[tokio::test]
async fn lines_that_this_installation_has_not_signed_are_neither_believed_nor_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, target) = (ledger(directory.path()), memory("a"));
    let targets = Targets(vec![target.clone()]);
    record(&ledger, &[1, 2]).await.unwrap();
    // Lines that follow one from the other, as anybody can write them.
    let forged = ledger.lines(1, 2).unwrap();
    let path = layout().ledger_part(1, 2);
    target.store.put(&path, forged.into()).await.unwrap();
    let fetched = fetch(&targets, layout(), &verifier()).await.unwrap();
    assert_eq!((fetched.erasures.len(), fetched.left_out.len()), (0, 1));
    let copier = Copier::new(&targets, layout(), signer()).unwrap();
    assert_eq!(copier.catch_up("a", &ledger).await, Ok(2));
    let beside = layout().ledger_part(1, 900);
    target.store.put(&beside, "nothing".into()).await.unwrap();
    let fetched = fetch(&targets, layout(), &verifier()).await.unwrap();
    assert_eq!((fetched.head(), fetched.left_out.len()), (ledger.head(), 1));
    let copier = Copier::new(&targets, layout(), signer()).unwrap();
    assert_eq!(copier.catch_up("a", &ledger).await, Ok(2));
}

#[tokio::test]
async fn what_one_target_lost_is_read_from_another() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, a, b) = (ledger(directory.path()), memory("a"), memory("b"));
    let both = Targets(vec![a.clone(), b]);
    record(&ledger, &[1, 2]).await.unwrap();
    let copier = Copier::new(&both, layout(), signer()).unwrap();
    copier.catch_up("a", &ledger).await.unwrap();
    record(&ledger, &[3]).await.unwrap();
    copier.catch_up("a", &ledger).await.unwrap();
    copier.catch_up("b", &ledger).await.unwrap();
    a.delete(&layout().ledger_part(1, 2)).await.unwrap();
    assert!(fetch(&Targets(vec![a]), layout(), &verifier()).await.is_err());
    let fetched = fetch(&both, layout(), &verifier()).await.unwrap();
    assert_eq!((fetched.head(), fetched.target.as_str()), (ledger.head(), "b"));
}
