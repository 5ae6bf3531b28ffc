//! What every kind of target promises, tried with a directory, moto and OpenSSH.

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutMode, PutPayload};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::test_servers::{S3, Sftp, open};
use super::*;

const MIB: usize = 1024 * 1024;

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 4096) as u8).collect()
}

async fn names(target: &Target, prefix: &str) -> Vec<String> {
    let listed = target.store.list(Some(&Path::from(prefix)));
    let all: Vec<_> = listed.try_collect().await.unwrap();
    let mut names: Vec<_> = all.into_iter().map(|meta| meta.location.to_string()).collect();
    names.sort();
    names
}

async fn keeps_every_promise(target: &Target) {
    what_is_written_is_read_listed_and_deleted(target).await;
    what_is_half_written_is_not_there(target).await;
    nothing_is_replaced_that_was_not_to_be(target).await;
}

async fn what_is_written_is_read_listed_and_deleted(target: &Target) {
    assert_eq!(names(target, "a").await, [""; 0]);
    let (large, small) = (Path::from("a/b/large"), Path::from("a/small"));
    let content = some_bytes(20 * MIB + 123);
    let mut writer = BufWriter::with_capacity(target.store.clone(), large.clone(), 6 * MIB);
    for piece in content.chunks(1_000_003) {
        writer.write_all(piece).await.unwrap();
    }
    writer.shutdown().await.unwrap();
    target.store.put(&small, PutPayload::from_static(b"small")).await.unwrap();
    let meta = target.store.head(&large).await.unwrap();
    assert_eq!(meta.size, content.len() as u64);
    let read = target.store.get(&large).await.unwrap().bytes().await.unwrap();
    assert!(read == content, "what was read is not what was written");
    for range in [0..10, 7_000_000..7_900_000, meta.size - 3..meta.size] {
        let part = target.store.get_range(&large, range.clone()).await.unwrap();
        assert!(part == content[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(names(target, "a").await, ["a/b/large", "a/small"]);
    assert_eq!(names(target, "a/b").await, ["a/b/large"]);
    let top = target.store.list_with_delimiter(Some(&Path::from("a"))).await.unwrap();
    assert_eq!(top.common_prefixes, [Path::from("a/b")]);
    assert_eq!(top.objects.len(), 1);
    for path in [&large, &small, &small] {
        target.delete(path).await.unwrap();
    }
    assert!(matches!(target.store.get(&large).await, Err(Error::NotFound { .. })));
    assert_eq!(names(target, "a").await, [""; 0]);
}

async fn what_is_half_written_is_not_there(target: &Target) {
    let path = Path::from("half/written");
    let mut upload = target.store.put_multipart(&path).await.unwrap();
    upload.put_part(some_bytes(6 * MIB).into()).await.unwrap();
    assert_eq!(names(target, "half").await, [""; 0]);
    assert!(matches!(target.store.get(&path).await, Err(Error::NotFound { .. })));
    upload.abort().await.unwrap();
    assert_eq!(names(target, "half").await, [""; 0]);
}

async fn nothing_is_replaced_that_was_not_to_be(target: &Target) {
    let path = Path::from("once/only");
    let put = async |text: &'static str, mode: PutMode| {
        let payload = Bytes::from_static(text.as_bytes()).into();
        target.store.put_opts(&path, payload, mode.into()).await
    };
    put("first", PutMode::Create).await.unwrap();
    let refused = put("second", PutMode::Create).await;
    assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{refused:?}");
    let read = async || target.store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(read().await, "first");
    put("third", PutMode::Overwrite).await.unwrap();
    assert_eq!(read().await, "third");
    assert_eq!(names(target, "once").await, ["once/only"]);
}

/// What is replaced again and again is there for a reader at every moment.
async fn what_is_replaced_is_never_missing(target: &Target) {
    let path = Path::from("head/note");
    target.store.put(&path, PutPayload::from_static(b"first")).await.unwrap();
    let reads = async {
        for _ in 0..200 {
            target.store.get(&path).await.unwrap().bytes().await.unwrap();
        }
    };
    let writes = async {
        loop {
            target.store.put(&path, PutPayload::from_static(b"another")).await.unwrap();
        }
    };
    tokio::select! {
        () = reads => {}
        () = writes => {}
    }
}

#[tokio::test]
async fn a_directory_keeps_every_promise_and_is_for_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("not-there-yet");
    let target = open(&format!("file://{}", path.display()));
    assert!(!path.exists(), "made before anything is written");
    keeps_every_promise(&target).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

fn settings(urls: &[&str]) -> Backup {
    Backup { targets: urls.iter().map(|url| url.parse().unwrap()).collect(), ..Backup::default() }
}

async fn put(target: &Target, path: &str) -> Result<(), TargetError> {
    let put = target.store.put(&Path::from(path), PutPayload::from_static(b"x")).await;
    put.map(|_| ()).map_err(|error| target.failed(error))
}

#[tokio::test]
async fn a_target_that_cannot_be_used_fails_when_it_is_used_and_keeps_no_other_from_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().display();
    let (dead, fine) = (format!("file://{path}/no/sub/target"), format!("file://{path}/fine"));
    let all = settings(&[&dead, &fine]);
    let targets = Targets::open(&all, "strongroom-x", &HashSet::new()).unwrap();
    let said = put(&targets.0[0], "strongroom-x/a").await.unwrap_err().to_string();
    assert!(said.contains("/no/sub is not there: is it mounted?"), "{said}");
    assert!(!directory.path().join("no").exists(), "the disk below was written to");
    put(&targets.0[1], "strongroom-x/a").await.unwrap();
    // Once it can be used, it is, without a restart.
    std::fs::create_dir_all(directory.path().join("no/sub")).unwrap();
    put(&targets.0[0], "strongroom-x/a").await.unwrap();
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_is_not_taken_for_an_empty_target() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().join("disk");
    std::fs::create_dir(&place).unwrap();
    let url = format!("file://{}", place.display());
    let all = settings(&[&url]);
    let known = HashSet::from([all.targets[0].name().to_owned()]);
    let opened = |known| Targets::open(&all, "strongroom-x", known).unwrap().0.remove(0);
    let refused = async |target: &Target| {
        let said = put(target, "strongroom-x/a").await.unwrap_err().to_string();
        assert!(said.contains("looks empty although backups were made there"), "{said}");
        assert!(target.store.list_with_delimiter(None).await.is_err());
        assert!(target.make_ready(&place).await.is_err());
        assert!(std::fs::read_dir(&place).unwrap().next().is_none(), "it was written to");
    };
    // Known from the catalogue, or seen by the process that is running.
    refused(&opened(&known)).await;
    let nothing = HashSet::new();
    let target = opened(&nothing);
    put(&target, "strongroom-x/a").await.unwrap();
    put(&target, "strongroom-x/b").await.unwrap();
    std::fs::rename(&place, directory.path().join("away")).unwrap();
    std::fs::create_dir(&place).unwrap();
    refused(&target).await;
    std::fs::remove_dir(&place).unwrap();
    std::fs::rename(directory.path().join("away"), &place).unwrap();
    for target in [&target, &opened(&known)] {
        put(target, "strongroom-x/c").await.unwrap();
    }
}

#[tokio::test]
async fn an_s3_store_keeps_every_promise() {
    let mut s3 = S3::start().await;
    let target = open(&s3.url("secret"));
    keeps_every_promise(&target).await;

    let wrong = open(&s3.url("wrong"));
    let refused = wrong.store.put(&Path::from("x"), PutPayload::from_static(b"x")).await;
    let said = wrong.failed(refused.unwrap_err()).to_string();
    assert!(said.contains("s3://vault/some/where"), "{said}");
    assert!(!said.contains("not the secret"), "{said}");

    let mut upload = target.store.put_multipart(&Path::from("cut/off")).await.unwrap();
    upload.put_part(some_bytes(6 * MIB).into()).await.unwrap();
    s3.server.down();
    let refused = upload.complete().await.unwrap_err();
    let said = target.failed(refused).to_string();
    assert!(said.starts_with("backup target s3://vault/some/where at 127.0.0.1:"), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[tokio::test]
async fn what_is_deleted_in_a_bucket_with_versions_is_gone_with_all_of_them() {
    let s3 = S3::start().await;
    let target = open(&s3.bucket("versions", "secret"));
    keeps_every_promise(&target).await;
    let path = Path::from("once/only");
    assert_eq!(s3.kept("versions").len(), 2, "what was replaced is kept");
    put(&target, "once/only-not").await.unwrap();
    target.delete(&path).await.unwrap();
    assert_eq!(s3.kept("versions"), ["some/where/once/only-not latest"]);
    // What a release before, or a thief, has hidden only.
    for path in ["once/only-not", "other/young"] {
        put(&target, path).await.unwrap();
        target.store.delete(&Path::from(path)).await.unwrap();
    }
    assert_eq!(s3.kept("versions").len(), 5);
    let stale = |hidden: Hidden<'_>| match hidden.path {
        "once/only-not" => Stale::Overdue,
        _ => Stale::Not,
    };
    for removed in [3, 0] {
        let swept = target.sweep(&Path::from("once"), stale).await.unwrap();
        assert_eq!(swept, Swept { removed, ..Swept::default() });
    }
    let kept = ["some/where/other/young older", "some/where/other/young mark"];
    assert_eq!(s3.kept("versions"), kept, "what may still be wanted stays");
    let nothing = target.sweep(&Path::from("oth"), |_| Stale::Overdue).await.unwrap();
    assert_eq!(nothing, Swept::default(), "another folder");
}

#[tokio::test]
async fn a_bucket_that_locks_objects_takes_backups_and_says_that_it_keeps_them() {
    let s3 = S3::start().await;
    let target = open(&s3.bucket("locked", "secret"));
    let (large, small) = (Path::from("a/large"), Path::from("a/small"));
    let mut writer = BufWriter::with_capacity(target.store.clone(), large.clone(), 6 * MIB);
    writer.write_all(&some_bytes(13 * MIB)).await.unwrap();
    writer.shutdown().await.unwrap();
    put(&target, small.as_ref()).await.unwrap();
    put(&target, small.as_ref()).await.unwrap();
    // moto locks nothing that came in several parts.
    let refused = target.delete(&small).await;
    assert!(matches!(refused, Err(TargetError::Locked { .. })), "{refused:?}");
    assert_eq!(names(&target, "a").await, ["a/large", "a/small"], "what is kept is listed");
    let swept = target.sweep(&Path::from("a"), |_| Stale::Overdue).await.unwrap();
    assert_eq!(swept, Swept { refused: 1, ..Swept::default() });
    let swept = target.sweep(&Path::from("a"), |_| Stale::Clutter).await.unwrap();
    assert_eq!(swept, Swept::default(), "nobody is told of what does no harm");
}

#[tokio::test]
async fn an_sftp_server_keeps_every_promise() {
    let mut sftp = Sftp::start();
    let target = open(&sftp.url("user", None));
    keeps_every_promise(&target).await;
    what_is_replaced_is_never_missing(&target).await;

    let stranger = open(&sftp.url("other", None));
    let refused = stranger.store.head(&Path::from("x")).await;
    assert!(matches!(refused, Err(Error::Unauthenticated { .. })), "{refused:?}");

    let between = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN+/0";
    let elsewhere = open(&sftp.url("user", Some(between)));
    let refused = elsewhere.store.head(&Path::from("x")).await.unwrap_err();
    let said = elsewhere.failed(refused).to_string();
    assert!(said.contains("somebody is in between"), "{said}");

    let path = Path::from("cut/off");
    let mut upload = target.store.put_multipart(&path).await.unwrap();
    upload.put_part(some_bytes(6 * MIB).into()).await.unwrap();
    sftp.server.down();
    assert!(upload.complete().await.is_err());
    assert!(target.store.head(&path).await.is_err());
    sftp.server.up();
    // The same target connects anew, and of what was cut off nothing is seen.
    assert_eq!(names(&target, "cut").await, [""; 0]);
    // But for who clears it away.
    let left = target.unfinished(&Path::from("cut")).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    target.delete(&left[0].location).await.unwrap();
    assert!(target.unfinished(&Path::from("cut")).await.unwrap().is_empty());
    target.store.put(&path, PutPayload::from_static(b"whole")).await.unwrap();
    assert_eq!(names(&target, "cut").await, ["cut/off"]);
}

#[tokio::test]
async fn an_sftp_server_that_cannot_replace_a_file_keeps_them_too() {
    let sftp = Sftp::plain();
    let target = open(&sftp.url("user", None));
    keeps_every_promise(&target).await;
    assert!(target.unfinished(&Path::from("once")).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_target_keeps_is_told_apart_from_what_failed() {
    let sftp = Sftp::start();
    let target = open(&sftp.url("user", None));
    let gone = target.delete(&Path::from("never/there")).await;
    assert!(gone.is_ok());
    let kept = Error::PermissionDenied { path: "a".into(), source: "object lock".into() };
    assert!(keeps(&kept));
    let io = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(keeps(&Error::Generic { store: "LocalFileSystem", source: io.into() }));
    let slow = std::io::Error::from(std::io::ErrorKind::TimedOut);
    assert!(!keeps(&Error::Generic { store: "LocalFileSystem", source: slow.into() }));
}
