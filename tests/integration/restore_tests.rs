//! Restore tests: what they prove, and that each part that is not as it was makes one fail.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::restore::{House, damage, write};
use crate::restore_to_a_second::archived;

fn tested(house: &House) -> (i32, Value) {
    let said = house.app.try_cli(&["restore", "test", "--identity", house.identity()], "");
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}")))
}

/// As damage is done to what lies below a folder, and taken back. More may be written meanwhile.
fn with_damage(house: &House, folder: &str, look: impl Fn(&str)) {
    let before = damage(&house.target, folder);
    let (code, test) = tested(house);
    assert_eq!((code, &test["passed"]), (1, &json!(false)), "{folder}: {test}");
    look(test["problem"].as_str().unwrap());
    for (path, bytes) in before {
        std::fs::write(path, bytes).unwrap();
    }
}

fn newest(house: &House, below: &str, ending: &str) -> PathBuf {
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(installation.join(below)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().ends_with(ending)).max().unwrap()
}

fn leaves_nothing(data: &Path) -> bool {
    let work = data.join("restoring");
    !work.exists() || std::fs::read_dir(work).unwrap().next().is_none()
}

#[tokio::test]
async fn a_restore_test_brings_everything_back_as_after_a_fire_and_leaves_nothing_behind() {
    let house = House::with(|_| vec![("STRONGROOM_BACKUP__ARCHIVE_SECONDS", "1".to_owned())]);
    let app = &house.app;
    let acme = app.tenant("acme");
    write(app, &acme, "acme", "anna").await;
    archived(app, &acme, "acme").await;
    house.back_up();
    let (code, test) = tested(&house);
    assert!(code == 0 && test["passed"] == true && test["archives"] == 2, "{test}");
    let of = |test: &Value, owner: &str| {
        let all = test["tested"].as_array().unwrap();
        all.iter().find(|one| one["owner"] == owner).unwrap().clone()
    };
    assert!(of(&test, "acme")["second"].is_string(), "{test}");
    assert!(leaves_nothing(app.data()));

    // What is sealed in the data is opened with archived keys, and those with an archived root.
    with_damage(&house, "keys/root", |why| assert!(why.contains("keys/root"), "{why}"));
    with_damage(&house, "keys/platform", |why| assert!(why.contains("keys/platform"), "{why}"));
    let id = of(&test, "acme")["id"].as_str().unwrap().to_owned();
    with_damage(&house, &format!("keys/{id}"), |why| {
        assert!(why.starts_with("acme: ") && why.contains(&format!("keys/{id}")), "{why}");
    });
    with_damage(&house, &format!("changes/{id}"), |why| {
        assert!(why.starts_with("acme: ") && why.contains(&format!("changes/{id}")), "{why}");
    });
    // What nobody can read any more, and what nobody knows of after a fire.
    let away = house.outside.path().join("away");
    for (below, ending) in [(format!("keys/{id}"), ".age"), (format!("data/{id}"), ".manifest")] {
        let path = newest(&house, &below, ending);
        std::fs::rename(&path, &away).unwrap();
        let (code, test) = tested(&house);
        let why = test["problem"].as_str().unwrap_or_default();
        assert!(code == 1 && why.starts_with("acme: ") && why.contains(&below), "{test}");
        std::fs::rename(&away, &path).unwrap();
    }
    with_damage(&house, "data", |why| assert!(why.contains("data/"), "{why}"));
    assert_eq!(tested(&house).0, 0, "all is as it was");
    assert!(leaves_nothing(app.data()));
}

/// The segments of a tenant's changes in the target, in order.
fn segments(house: &House, id: &str) -> Vec<PathBuf> {
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap().path();
    let chains = std::fs::read_dir(installation.join("changes").join(id)).unwrap();
    let files = chains.flat_map(|chain| std::fs::read_dir(chain.unwrap().path()).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    let is_segment = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".age") && !name.starts_with("base-")
    };
    let mut segments: Vec<_> = paths.filter(is_segment).collect();
    segments.sort();
    segments
}

#[tokio::test]
async fn a_check_of_backups_finds_a_gap_in_the_continuous_archive_with_and_without_a_private_key() {
    let house = House::with(|_| vec![("STRONGROOM_BACKUP__ARCHIVE_SECONDS", "1".to_owned())]);
    let app = &house.app;
    let acme = app.tenant("acme");
    let id = app.cli(&["tenant", "list"], "")["items"][0]["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        archived(app, &acme, "acme").await;
    }
    house.back_up();
    let verify = |more: &[&str]| {
        let said = app.try_cli(&[&["backup", "verify"], more].concat(), "");
        let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let changes = told["changes"].as_array().unwrap().clone();
        let acme = changes.into_iter().find(|one| one["owner"] == "acme").unwrap();
        (said.code, acme)
    };
    let with_key = ["--identity", house.identity()];
    for (more, is_opened) in [(&[][..], false), (&with_key, true)] {
        let (code, acme) = verify(more);
        assert_eq!((code, acme["opened"].as_bool()), (0, Some(is_opened)), "{acme}");
    }
    let all = segments(&house, &id);
    assert!(all.len() >= 2, "{all:?}");
    let (first, away) = (&all[0], house.outside.path().join("away"));
    std::fs::rename(first, &away).unwrap();
    for more in [&[][..], &with_key] {
        let (code, acme) = verify(more);
        assert_eq!(code, 1, "{acme}");
        assert!(acme["error"].as_str().unwrap().contains("is missing"), "{acme}");
    }
    let mut bytes = std::fs::read(&away).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(first, bytes).unwrap();
    assert_eq!(verify(&with_key).0, 1, "what is changed is found by who can read it");
    let (_, unopened) = verify(&[]);
    assert_eq!(unopened["opened"], false, "nobody is told that it was looked into: {unopened}");
    std::fs::rename(&away, first).unwrap();
    assert_eq!(verify(&with_key).0, 0);

    // The job says the same, and what it read.
    app.cli(&["job", "run", "backup.verify"], "");
    let mut shown = Value::Null;
    for _ in 0..100 {
        shown = app.cli(&["job", "show", "backup.verify"], "");
        if shown["runs"][0]["state"] == "succeeded" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = shown["output"]["text"].as_str().unwrap();
    assert!(said.contains("reading the changes of acme in file://"), "{shown}");
    let run = shown["runs"][0]["run"].as_str().unwrap();
    let again = app.cli(&["job", "show", "backup.verify", "--run", run], "");
    assert_eq!(again["output"], shown["output"]);
    assert!(shown["runs"][0]["millis"].is_u64(), "{shown}");
    for wrong in [&["job", "show", "no.such"][..], &["job", "show", "audit.verify", "--run", run]] {
        assert_ne!(app.try_cli(wrong, "").code, 0);
    }
}

#[tokio::test]
async fn every_tenant_has_its_turn_and_an_auditor_gets_the_result_as_it_was_signed() {
    let house = House::with(|_| vec![("STRONGROOM_BACKUP__TEST_TENANTS", "1".to_owned())]);
    let app = &house.app;
    let admin = crate::setup::set_up(app).await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, crate::app::PASSWORD).await;
    let first = "/platform/restore-tests";
    let page = admin.get(first).await.body;
    assert!(page.contains("strongroom restore test --identity FILE"), "nothing yet: {page}");
    for slug in ["bravo", "globex"] {
        app.tenant(slug);
    }
    house.back_up();
    let owners = || {
        let (code, test) = tested(&house);
        assert_eq!(code, 0, "{test}");
        let all = test["tested"].as_array().unwrap().clone();
        assert!(all.len() == 2 && all[0]["owner"] == "platform", "{test}");
        all[1]["owner"].as_str().unwrap().to_owned()
    };
    let tenants = app.cli(&["tenant", "list"], "")["items"].as_array().unwrap().len();
    let turns: std::collections::BTreeSet<_> = (0..tenants).map(|_| owners()).collect();
    assert_eq!(turns.len(), tenants, "{turns:?}");

    let listed = app.cli(&["restore", "tests"], "")["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), tenants);
    let id = listed[0]["id"].as_str().unwrap();
    let (folder, key) = (house.outside.path(), house.outside.path().join("key.pub"));
    app.cli(&["audit", "public-key", "--out", key.to_str().unwrap()], "");
    let note = admin.get(&format!("{first}/{id}/note")).await.body;
    assert_eq!(note, app.cli(&["restore", "tests", "--note", id], "")["note"].as_str().unwrap());
    let check = |text: &str| {
        let path = folder.join("result.txt");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        app.try_cli(&["certificate", path, "--public-key", key.to_str().unwrap()], "").code
    };
    assert_eq!(check(&note), 0);
    assert_eq!(check(&note.replace("\"passed\":true", "\"passed\":false")), 1);
    let page = admin.get(first).await.body;
    assert!(page.contains(&format!("{first}/{id}/note")), "{page}");
    let unknown = admin.get(&format!("{first}/01980000-0000-7000-8000-000000000000/note")).await;
    assert_eq!(unknown.status, 404);
}
