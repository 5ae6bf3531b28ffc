use std::os::unix::fs::PermissionsExt;

use super::*;

const HOST_KEY: &str = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN+/0";

fn secret() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "s3cret\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let path = path.display().to_string();
    (directory, path)
}

fn read(text: &str) -> Result<TargetUrl, String> {
    text.parse()
}

#[test]
fn a_target_is_a_directory_a_bucket_or_a_server_and_its_name_shows_no_more_than_that() {
    let (_directory, file) = secret();
    let keys = format!("access_key_id=AKIA1&secret_key_file={file}");
    for (text, name) in [
        ("file:///srv/backup".to_owned(), "file:///srv/backup"),
        (format!("s3://bucket/a/b/?region=eu&{keys}"), "s3://bucket/a/b"),
        (
            format!("s3://bucket?endpoint=https://s3.example.org:9000&{keys}"),
            "s3://bucket at s3.example.org:9000",
        ),
        (
            format!("sftp://me@nas:2222/srv/b?key_file={file}&host_key={HOST_KEY}"),
            "sftp://me@nas:2222/srv/b",
        ),
    ] {
        let target = read(&text).unwrap();
        assert_eq!(target.name(), name);
        assert!(!target.name().contains("AKIA1"));
    }
    let sftp = read(&format!("sftp://me@nas/b?key_file={file}&host_key={HOST_KEY}")).unwrap();
    let Place::Sftp(place) = sftp.place() else { panic!() };
    assert_eq!((place.host_key.as_str(), place.port), (HOST_KEY, 22));
}

#[test]
fn what_is_missing_unknown_or_unsafe_in_a_target_is_said() {
    let (directory, file) = secret();
    let keys = format!("access_key_id=a&secret_key_file={file}");
    let open = directory.path().join("open");
    std::fs::write(&open, "x").unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = open.display();
    for (text, said) in [
        ("/srv/backup".to_owned(), "not an address"),
        ("http://host/".to_owned(), "use file, s3 or sftp"),
        ("file://".to_owned(), "file://"),
        ("file:///srv?x=1".to_owned(), "nothing is known of x"),
        ("sftp://me:secret@host/a".to_owned(), "secrets go into files"),
        ("s3:///a".to_owned(), "wants a bucket"),
        ("s3://bucket/a".to_owned(), "access_key_id"),
        ("s3://bucket?access_key_id=a".to_owned(), "secret_key_file"),
        ("s3://bucket?access_key_id=a&secret_key_file=/nowhere".to_owned(), "/nowhere"),
        (format!("s3://bucket?access_key_id=a&secret_key_file={open}"), "chmod 600"),
        (format!("s3://bucket?endpoint=http://s3.example.org&{keys}"), "https://"),
        (format!("s3://bucket?endpoint=https://s3.example.org/a&{keys}"), "endpoint"),
        (format!("s3://bucket?{keys}&ca=/nowhere"), "/nowhere"),
        (format!("s3://bucket?{keys}&path_style=yes"), "path_style"),
        (format!("s3://bucket?{keys}&secret=1"), "nothing is known of secret"),
        (format!("s3://bucket?{keys}&region=a&region=b"), "twice"),
        (format!("s3://bucket/a/%2e%2e/b?{keys}"), "s3://bucket/b"),
        (format!("sftp://host/a?key_file={file}&host_key={HOST_KEY}"), "wants a user"),
        (format!("sftp://me@host?key_file={file}&host_key={HOST_KEY}"), "wants a user"),
        (format!("sftp://me@host/a?key_file={file}"), "host_key"),
        (format!("sftp://me@host/a?key_file={file}&host_key=MD5:00"), "ssh-keygen -lf"),
    ] {
        match read(&text) {
            Err(error) => assert!(error.contains(said), "{text}: {error}"),
            // The address itself has no way up in it any more.
            Ok(target) => assert_eq!(target.name(), said, "{text}"),
        }
    }
    for local in ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"] {
        assert!(read(&format!("s3://bucket?endpoint={local}&{keys}")).is_ok(), "{local}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_target_whose_path_leads_up(text in "(file|s3|sftp)://[ -~]{0,60}") {
        if let Ok(target) = read(&text) {
            proptest::prop_assert!(!target.name().contains("/../"));
        }
    }
}
