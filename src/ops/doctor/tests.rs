use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;

use super::check::{Room, State, worst};
use super::examine::{Wanted, look_from_outside};
use super::*;
use crate::config::Settings;
use crate::kernel::Timestamp;

const PAGE: &str = include_str!("../../../docs/doctor.md");

fn now() -> Timestamp {
    crate::kernel::Runtime::system().now()
}

fn settings(directory: &std::path::Path) -> Settings {
    let mut settings = Settings::default();
    settings.store.data_dir = directory.to_owned();
    settings
}

fn one(settings: &Settings, name: &str, fix: bool) -> Outcome {
    let wanted = Wanted { fix, names: vec![name.to_owned()], ..Wanted::default() };
    let mut found = look_from_outside(settings, now(), "closed".into(), &wanted);
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

#[test]
fn every_check_has_a_name_of_its_own_and_a_section_that_says_what_to_do() {
    let mut names = HashSet::new();
    assert!(CHECKS.len() >= 30, "{}", CHECKS.len());
    for check in CHECKS {
        assert!(names.insert(check.name), "{} is there twice", check.name);
        let section = format!("\n### {}\n", check.name);
        let text = PAGE.split(&section).nth(1);
        let text = text.unwrap_or_else(|| panic!("docs/doctor.md has no section {}", check.name));
        let text = text.split("\n### ").next().unwrap_or_default();
        for said in [check.title, check.expected, check.mend] {
            assert!(text.contains(said), "docs/doctor.md, {}: no {said:?}", check.name);
        }
        let messages = crate::web::messages::Messages::english();
        assert!(messages.has_label("doctor-room-", check.room.name()));
    }
    assert_eq!(Room::ALL.iter().map(|room| room.name()).collect::<HashSet<_>>().len(), 9);
}

#[test]
fn what_others_can_read_is_found_and_closed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("platform.db");
    std::fs::write(&file, "x").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = settings(directory.path());
    let found = one(&settings, "data-files", false);
    assert_eq!(found.state, State::Fail);
    assert!(found.fixable && found.found.contains("platform.db") && found.mend.is_some());
    let mended = one(&settings, "data-files", true);
    assert_eq!(mended.state, State::Ok, "{mended:?}");
    assert!(mended.fixed.is_some() && mended.mend.is_none());
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn what_a_killed_process_left_is_deleted_when_it_is_old_enough_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let [old, young, data] = ["root.new", "cert.new", "tenant.db"].map(|name| {
        let path = directory.path().join(name);
        std::fs::write(&path, "x").unwrap();
        path
    });
    let an_hour_ago = std::fs::metadata(&old).unwrap().modified().unwrap()
        - std::time::Duration::from_secs(4_000);
    for path in [&old, &data] {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(an_hour_ago).unwrap();
    }
    assert_eq!(one(&settings, "leftovers", false).state, State::Warn);
    assert_eq!(one(&settings, "leftovers", true).state, State::Ok);
    assert!(!old.exists() && young.exists() && data.exists());
}

#[test]
fn a_link_in_the_data_directory_is_not_followed() {
    let (directory, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "x").unwrap();
    std::fs::set_permissions(&victim, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(&victim, directory.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path(), directory.path().join("folder")).unwrap();
    one(&settings(directory.path()), "data-files", true);
    let mode = std::fs::metadata(&victim).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644);
}

#[test]
fn a_file_from_the_future_says_that_the_clock_was_set_back() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    assert_eq!(one(&settings, "clock-against-files", false).state, State::Ok);
    let path = directory.path().join("platform.db");
    let file = std::fs::File::create(&path).unwrap();
    let later = file.metadata().unwrap().modified().unwrap();
    file.set_modified(later + std::time::Duration::from_secs(3_600)).unwrap();
    assert_eq!(one(&settings, "clock-against-files", false).state, State::Fail);
}

#[test]
fn a_key_beside_the_data_fails_and_what_cannot_be_seen_is_not_called_well() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    assert_eq!(one(&settings, "root-key-beside-data", false).state, State::Ok);
    std::fs::write(directory.path().join("root.key"), "x").unwrap();
    assert_eq!(one(&settings, "root-key-beside-data", false).state, State::Fail);
    let unseen = one(&settings, "logs-verified", false);
    assert_eq!(unseen.state, State::NotApplicable);
    assert!(unseen.found.contains("closed"), "{unseen:?}");
}

#[test]
fn the_worst_counts() {
    let directory = tempfile::tempdir().unwrap();
    let all =
        look_from_outside(&settings(directory.path()), now(), "closed".into(), &Wanted::default());
    assert_eq!(all.len(), CHECKS.len());
    assert_eq!(worst(&all), State::Fail, "backups are not set up");
    assert_eq!(worst(&[]), State::Ok);
}
