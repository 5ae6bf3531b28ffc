//! The continuous archive from end to end: back to a second in place, and everything after a fire.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{TestApp, cli};
use crate::client::Client;
use crate::restore::{House, logs, status, write};
use crate::server::Server;

fn house() -> House {
    House::with(|outside| {
        let second = format!("file://{}", outside.join("second").display());
        let target = format!("file://{}", outside.join("target").display());
        vec![
            ("STRONGROOM_BACKUP__ARCHIVE_SECONDS", "1".to_owned()),
            ("STRONGROOM_BACKUP__TARGETS", format!("{target},{second}")),
        ]
    })
}

/// Up to when a tenant can be had.
fn reach(app: &TestApp, tenant: &str) -> Option<String> {
    let listed = app.cli(&["restore", "list", "--tenant", tenant], "");
    let windows = listed["anySecond"].as_array().unwrap().iter();
    windows.filter_map(|window| window["to"].as_str()).max().map(str::to_owned)
}

/// Waits until what was written before this call is in the target; up to when it reaches then. A
/// record holds a second, so that what is written afterwards comes later.
pub async fn archived(app: &TestApp, token: &str, tenant: &str) -> String {
    let id = write(app, token, tenant, "a mark in time").await;
    let path = format!("/api/v1/conversations/{tenant}/{id}");
    let made = app.client(token).get(&path).await.expect(200);
    let made = made["createdAt"].as_str().unwrap().to_owned();
    for _ in 0..300 {
        if let Some(to) = reach(app, tenant).filter(|to| *to >= made) {
            tokio::time::sleep(Duration::from_millis(1100)).await;
            return to;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{tenant} does not reach {made}: {:?}", reach(app, tenant));
}

#[tokio::test]
async fn a_tenant_comes_back_as_of_a_second_and_everything_does_after_a_fire() {
    let house = house();
    let app = &house.app;
    let acme = app.tenant("acme");
    house.back_up();
    let early = write(app, &acme, "acme", "early").await;
    let bert = write(app, &acme, "acme", "bert").await;
    let at = archived(app, &acme, "acme").await;
    let late = write(app, &acme, "acme", "late").await;
    archived(app, &acme, "acme").await;
    let plan = app.cli(&["restore", "plan", "--tenant", "acme", "--at", &at], "");
    assert_eq!(plan["continuous"], true, "{plan}");
    let said = house.restore("acme", &["--at", &at]);
    assert_eq!(said.code, 0, "{said:?}");
    let restored: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(status(app, &acme, "acme", &early).await, 200, "{restored}");
    assert_eq!(status(app, &acme, "acme", &late).await, 404, "{restored}");
    let verified = logs(app, "acme");
    assert!(verified["ok"] == true && verified["past"][0]["ok"] == true, "{verified}");
    app.cli(&["restore", "confirm", restored["id"].as_str().unwrap()], "");

    // The chain begins anew with the file that was put in place, and goes on from there.
    let after = write(app, &acme, "acme", "after").await;
    archived(app, &acme, "acme").await;
    let closed = app.tenant("globex");
    write(app, &closed, "globex", "kept for the court").await;
    let hold = ["hold", "set", "--tenant", "globex", "--everything", "--reason", "Case 7"];
    let hold = app.cli(&hold, "");
    archived(app, &closed, "globex").await;
    let close = ["tenant", "close", "globex", "--confirm=globex", "--reason", "the contract ended"];
    app.cli(&close, "");
    let who = ["erase", "--tenant", "acme", "--reference", "bert", "--confirm", "bert"];
    app.cli(&[&who[..], &["--reason", "asked for it"]].concat(), "");
    // The platform's own changes have to be there: a later mark of anybody's says so.
    archived(app, &acme, "acme").await;
    wait_for_the_platform(&house).await;
    after_a_fire(&house, &acme, [&early, &after, &bert, &late], hold["id"].as_str().unwrap()).await;
}

/// Until the platform's chain stands still, its newest change being as old as what was done last.
async fn wait_for_the_platform(house: &House) {
    let head = || {
        let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap();
        let chains = std::fs::read_dir(installation.path().join("changes/platform")).unwrap();
        let heads = chains.map(|chain| std::fs::read(chain.unwrap().path().join("head.note")));
        heads.map(|head| head.unwrap_or_default()).collect::<Vec<_>>()
    };
    let (mut before, mut still) = (head(), 0);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = head();
        still = if now == before { still + 1 } else { 0 };
        if still >= 8 {
            return;
        }
        before = now;
    }
}

async fn after_a_fire(house: &House, acme: &str, ids: [&str; 4], hold: &str) {
    let [early, after, bert, late] = ids;
    let (given, new) = (house.given(), house.outside.path().join("new"));
    let from = house.target.to_str().unwrap();
    let args =
        ["restore", "run", "--all", "--from", from, "--identity", house.identity(), "--json"];
    let said = cli(&new, &given, &args, "");
    assert_eq!(said.code, 0, "{said:?}");
    let rebuilt: Value = serde_json::from_str(&said.out).unwrap();
    assert!(rebuilt["ledger"].as_u64().unwrap() >= 1, "{rebuilt}");
    let notes = rebuilt["notes"].to_string();
    assert!(!notes.contains("continuous archive was not used"), "{rebuilt}");

    // Without backups: a copy that is looked at must not write to the targets of the original.
    let alone = [("STRONGROOM_MASTER_KEY", house.settings[0].1.as_str())];
    let server = Server::start(&new, &alone);
    let client = Client::new(&server.url, &new, Some(acme.to_owned()));
    let path = |id: &str| format!("/api/v1/conversations/acme/{id}");
    for id in [early, after] {
        client.get(&path(id)).await.expect(200);
    }
    assert_eq!(client.get(&path(late)).await.status, 404);
    let gone = client.get(&path(bert)).await;
    assert!(!gone.body.contains("bert"), "{}", gone.body);
    let closed = cli(&new, &alone, &["tenant", "list", "--closed", "--json"], "");
    let closed: Value = serde_json::from_str(&closed.out).unwrap();
    assert_eq!(closed["items"][0]["state"], "closed", "{closed}");
    let holds = cli(&new, &alone, &["hold", "list", "--tenant", "globex", "--json"], "");
    assert!(holds.out.contains(hold), "{holds:?}");
    let verified = cli(&new, &alone, &["audit", "verify", "--json"], "");
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn everything_or_a_copy_of_one_tenant_is_had_as_of_a_second_in_an_empty_directory() {
    let house = house();
    let app = &house.app;
    let acme = app.tenant("acme");
    let early = write(app, &acme, "acme", "early").await;
    let at = archived(app, &acme, "acme").await;
    house.back_up();
    let late = write(app, &acme, "acme", "late").await;
    app.tenant("globex");
    archived(app, &acme, "acme").await;
    wait_for_the_platform(&house).await;
    let from = house.target.to_str().unwrap();
    let run = |place: &Path, more: &[&str]| {
        let base = ["restore", "run", "--from", from, "--identity", house.identity(), "--json"];
        cli(place, &house.given(), &[&base, more].concat(), "")
    };
    let alone = [("STRONGROOM_MASTER_KEY", house.settings[0].1.as_str())];
    let is_early = async |place: &Path| {
        let server = Server::start(place, &alone);
        let client = Client::new(&server.url, place, Some(acme.clone()));
        let path = |id: &str| format!("/api/v1/conversations/acme/{id}");
        client.get(&path(&early)).await.expect(200);
        assert_eq!(client.get(&path(&late)).await.status, 404, "{}", place.display());
    };
    let all = house.outside.path().join("all");
    let said = run(&all, &["--all", "--at", &at]);
    assert_eq!(said.code, 0, "{said:?}");
    is_early(&all).await;
    let listed = cli(&all, &alone, &["tenant", "list", "--json"], "");
    assert!(!listed.out.contains("globex"), "it was made later: {listed:?}");

    let look = house.outside.path().join("look");
    let into = ["--tenant", "acme", "--into", look.to_str().unwrap()];
    let said = run(&house.outside.path().join("none"), &[&into[..], &["--at", &at]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    is_early(&look).await;

    let none = house.outside.path().join("nothing");
    let said = run(&none, &["--all", "--at", "2026-01-01 00:00"]);
    assert!(said.code != 0 && said.err.contains("2026-01-01"), "{said:?}");
    let listed = app.cli(&["restore", "list", "--tenant", "acme"], "");
    let backup = listed["items"][0]["manifest"]["id"].as_str().unwrap();
    let one = house.outside.path().join("one");
    let into = ["--tenant", "acme", "--into", one.to_str().unwrap(), "--backup", backup];
    let said = run(&none, &into);
    assert_eq!(said.code, 0, "{said:?}");
    is_early(&one).await;
}

#[tokio::test]
async fn a_moment_before_an_earlier_restore_has_a_log_that_verifies_with_all_that_was_kept_of_it() {
    let house = house();
    let app = &house.app;
    let acme = app.tenant("acme");
    let at = archived(app, &acme, "acme").await;
    write(app, &acme, "acme", "late").await;
    archived(app, &acme, "acme").await;
    let restored = house.restore("acme", &["--at", &at]);
    let restored: Value = serde_json::from_str(&restored.out).unwrap();
    app.cli(&["restore", "confirm", restored["id"].as_str().unwrap()], "");
    house.back_up();
    let kept = past(&app.cli(&["audit", "verify"], ""));
    let from = house.target.to_str().unwrap();
    let alone = [("STRONGROOM_MASTER_KEY", house.settings[0].1.as_str())];
    for into in ["--all", "--tenant"] {
        let place = house.outside.path().join(into);
        let mut args =
            vec!["restore", "run", "--from", from, "--identity", house.identity(), "--at", &at];
        match into {
            "--all" => args.push(into),
            _ => args.extend([into, "acme", "--into", place.to_str().unwrap()]),
        }
        args.push("--json");
        let said = cli(&place, &house.given(), &args, "");
        assert_eq!(said.code, 0, "{said:?}");
        let verified = cli(&place, &alone, &["audit", "verify", "--json"], "");
        assert_eq!(verified.code, 0, "{into}: {verified:?}");
        // What was written after that moment is in the log that is followed.
        assert_eq!(past(&serde_json::from_str(&verified.out).unwrap()), kept, "{into}");
    }
}

/// Id and size of the log that the tenant's follows.
fn past(verified: &Value) -> (Value, Value) {
    let logs = verified["logs"].as_array().unwrap();
    let acme = logs.iter().find(|log| log["tenant"] == "acme").unwrap();
    let [past] = acme["past"].as_array().unwrap().as_slice() else { panic!("{acme}") };
    (past["logId"].clone(), past["size"].clone())
}

/// Segments of the tenant's only chain, in order.
fn segments(place: &Path) -> Vec<PathBuf> {
    let (mut waiting, mut found) = (vec![place.to_owned()], Vec::new());
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(&path).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() {
                waiting.push(entry.path());
            } else if name.ends_with(".age") && !name.starts_with("base-") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn segments_that_are_cut_off_exchanged_moved_or_missing_are_named_and_change_nothing() {
    let house = house();
    let app = &house.app;
    let acme = app.tenant("acme");
    house.back_up();
    let listed = app.cli(&["tenant", "list"], "");
    let id = listed["items"][0]["id"].as_str().unwrap();
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap();
    let chains = installation.path().join("changes").join(id);
    // What comes before the first base copy is in no segment.
    for n in 0..20 {
        write(app, &acme, "acme", &format!("number {n}")).await;
        archived(app, &acme, "acme").await;
        if chains.is_dir() && segments(&chains).len() >= 3 {
            break;
        }
    }
    // As a copy that nobody writes to meanwhile.
    let copy = house.outside.path().join("copy");
    let copied = std::process::Command::new("cp").arg("-a").arg(&house.target).arg(&copy).status();
    assert!(copied.unwrap().success());
    let late = write(app, &acme, "acme", "late").await;
    let installation = std::fs::read_dir(&copy).unwrap().next().unwrap().unwrap().path();
    let all = segments(&installation.join("changes").join(id));
    assert!(all.len() >= 3, "{all:?}");
    let (first, second) = (&all[all.len() - 3], &all[all.len() - 2]);
    let own = [first, second].map(|path| std::fs::read(path).unwrap());
    let refused = |why: &str, named: &Path| {
        let said = house.restore("acme", &["--from", copy.to_str().unwrap()]);
        let name = named.file_name().unwrap().to_str().unwrap();
        assert!(said.code != 0 && said.err.contains(name), "{why}: {name}: {said:?}");
        std::fs::write(first, &own[0]).unwrap();
        std::fs::write(second, &own[1]).unwrap();
    };
    std::fs::write(second, &own[1][..own[1].len() - 1]).unwrap();
    refused("cut off", second);
    let mut changed = own[1].clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(second, &changed).unwrap();
    refused("a bit turned", second);
    std::fs::write(first, &own[1]).unwrap();
    std::fs::write(second, &own[0]).unwrap();
    refused("exchanged", first);
    std::fs::write(second, &own[0]).unwrap();
    refused("one twice", second);
    std::fs::remove_file(second).unwrap();
    // Named after what is missing, up to the end of the chain.
    let name = second.file_name().unwrap().to_str().unwrap();
    refused("missing", Path::new(name.split_once('-').unwrap().0));
    assert_eq!(status(app, &acme, "acme", &late).await, 200);
    let said = house.restore("acme", &["--from", copy.to_str().unwrap()]);
    assert_eq!(said.code, 0, "as it was written it is fine: {said:?}");
}

#[tokio::test]
async fn after_a_fire_the_ledger_that_reaches_furthest_counts_and_several_installations_are_told_apart()
 {
    let house = House::with(|outside| {
        let url = |name: &str| format!("file://{}", outside.join(name).display());
        vec![("STRONGROOM_BACKUP__TARGETS", format!("{},{}", url("target"), url("second")))]
    });
    let app = &house.app;
    let acme = app.tenant("acme");
    let bert = write(app, &acme, "acme", "bert").await;
    house.back_up();
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap();
    // This one was away when somebody was erased.
    let ledger = installation.path().join("ledger");
    let had: Vec<_> = std::fs::read_dir(&ledger).into_iter().flatten().flatten().collect();
    let had: Vec<_> = had.iter().map(std::fs::DirEntry::file_name).collect();
    let who = ["erase", "--tenant", "acme", "--reference", "bert", "--confirm", "bert"];
    app.cli(&[&who[..], &["--reason", "asked for it"]].concat(), "");
    for entry in std::fs::read_dir(&ledger).into_iter().flatten().flatten() {
        if !had.contains(&entry.file_name()) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let name = installation.file_name().into_string().unwrap();
    let (_, id) = name.split_once('-').unwrap();
    let other = house.target.join("strongroom-ffffffff-ffff-7fff-bfff-ffffffffffff");
    std::fs::create_dir(&other).unwrap();

    let second = house.outside.path().join("second");
    let root = [("STRONGROOM_MASTER_KEY", house.settings[0].1.as_str())];
    let fire = |new: &Path, more: &[&str]| {
        let from = house.target.to_str().unwrap();
        let args = ["restore", "run", "--all", "--from", from, "--identity", house.identity()];
        cli(new, &root, &[&args[..], more, &["--json"]].concat(), "")
    };
    let new = house.outside.path().join("new");
    let asked = fire(&new, &[]);
    assert!(asked.code != 0 && asked.err.contains("--installation"), "{asked:?}");
    let more = ["--installation", id, "--ledger-from", second.to_str().unwrap()];
    let said = fire(&new, &more);
    assert_eq!(said.code, 0, "{said:?}");
    let rebuilt: Value = serde_json::from_str(&said.out).unwrap();
    assert!(rebuilt["ledger"].as_u64().unwrap() >= 1, "{rebuilt}");
    assert_eq!(rebuilt["ledgerTargets"].as_array().unwrap().len(), 2, "{rebuilt}");
    let again = fire(&new, &more);
    assert!(again.code != 0 && again.err.contains("not empty"), "{again:?}");
    let server = Server::start(&new, &root);
    let client = Client::new(&server.url, &new, Some(acme));
    let gone = client.get(&format!("/api/v1/conversations/acme/{bert}")).await;
    assert!(!gone.body.contains("bert"), "{}", gone.body);
    assert_ne!(json!(rebuilt["ledgerUntil"]), Value::Null);
}
