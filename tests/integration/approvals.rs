//! Four eyes: what destroys, takes everything out or makes somebody able to approve waits for a
//! second person, whatever way it is tried.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client, Session};

const SIGN_IN: &str = "/t/acme/admin/sign-in";
const SETTINGS: &str = "/t/acme/admin/audit/settings";
const DESTROY: &str = "/t/acme/admin/audit/settings/destroy";
const PAGE: &str = "/t/acme/admin/approvals";
const SECOND: &str = "second@example.org";

/// A tenant with two owners that goes by four eyes.
struct Pair {
    app: TestApp,
    /// An owner's key: it sees everything.
    key: Client,
    first: Session,
    second: Session,
}

impl Pair {
    async fn start() -> Self {
        let (app, _) = TestApp::with_tenant();
        let key = app.client(app.key("acme", "owner"));
        member(&app, SECOND, "owner");
        let first = app.session("acme", OWNER, PASSWORD).await;
        let second = app.session("acme", SECOND, PASSWORD).await;
        let on = settings(&first, &[("four_eyes", "on")]).await;
        assert_eq!(on.status, 303, "{}", on.body);
        Self { app, key, first, second }
    }

    /// Asks to destroy what the log says, as the first owner; answers with the request's id.
    async fn ask(&self) -> String {
        let fields = [("confirm", "acme"), ("reason", "The customer left")];
        let asked = self.first.submit(SETTINGS, DESTROY, &fields).await;
        assert_eq!(asked.status, 303, "{}", asked.body);
        self.waiting().await
    }

    async fn all(&self) -> Vec<Value> {
        let list = self.key.get("/api/v1/approvals/acme").await.expect(200);
        list["items"].as_array().unwrap().clone()
    }

    async fn waiting(&self) -> String {
        let all = self.all().await;
        let found = all.iter().find(|one| one["state"] == "waiting").expect("nothing waits");
        found["id"].as_str().unwrap().to_owned()
    }

    async fn state(&self, id: &str) -> String {
        let one = self.key.get(&format!("/api/v1/approvals/acme/{id}")).await.expect(200);
        one["state"].as_str().unwrap().to_owned()
    }

    async fn count(&self, action: &str) -> usize {
        let path = format!("/api/v1/audit/acme/events?q=action:{action}");
        self.key.list(&path).await.len()
    }
}

fn member(app: &TestApp, email: &str, role: &str) {
    let new = ["user", "create", "--tenant", "acme", email, "--role", role, "--password-stdin"];
    app.cli(&new, PASSWORD);
}

/// The sign-in settings with only these boxes ticked.
async fn settings(session: &Session, more: &[(&str, &str)]) -> Answer {
    let fields = [&[("access_token_minutes", "15"), ("magic_links", "on")], more].concat();
    session.submit(SIGN_IN, SIGN_IN, &fields).await
}

async fn decide(session: &Session, id: &str, how: &str, fields: &[(&str, &str)]) -> Answer {
    session.submit("/t/acme/account", &format!("{PAGE}/{id}/{how}"), fields).await
}

#[tokio::test]
async fn it_takes_two_people_to_turn_it_on_and_two_to_turn_it_off() {
    let (app, _) = TestApp::with_tenant();
    let key = app.client(app.key("acme", "owner"));
    let first = app.session("acme", OWNER, PASSWORD).await;
    let alone = settings(&first, &[("four_eyes", "on")]).await;
    assert_eq!(alone.status, 422, "{}", alone.body);
    assert!(alone.body.contains("make another owner first"), "{}", alone.body);
    member(&app, SECOND, "owner");
    assert_eq!(settings(&first, &[("four_eyes", "on")]).await.status, 303);

    let off = settings(&first, &[]).await;
    assert_eq!(off.status, 409, "{}", off.body);
    assert!(off.body.contains("A second person has to approve this"), "{}", off.body);
    let asked = settings(&first, &[("reason", "Too slow")]).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let policy = async || key.get("/api/v1/settings/acme/sign-in").await.expect(200);
    assert_eq!(policy().await["fourEyes"], true);
    let list = key.get("/api/v1/approvals/acme").await.expect(200);
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let second = app.session("acme", SECOND, PASSWORD).await;
    assert_eq!(decide(&second, &id, "approve", &[]).await.status, 303);
    assert_eq!(policy().await["fourEyes"], false);
    let log = key.list("/api/v1/audit/acme/events?q=action:settings.changed").await;
    let last = log.iter().max_by_key(|entry| entry["seq"].as_u64()).unwrap();
    assert_eq!(last["changes"]["fourEyes"], json!({ "old": true, "new": false }), "{last}");
    assert_eq!(last["customFields"]["approval"], id.as_str(), "{last}");
    let granted = key.list("/api/v1/audit/acme/events?q=action:approval.granted").await;
    assert_eq!(granted.len(), 1, "{granted:?}");
    assert_eq!(granted[0]["resource"]["id"], id.as_str(), "{granted:?}");
}

#[tokio::test]
async fn an_act_waits_and_the_second_person_performs_it() {
    let pair = Pair::start().await;
    let tried = pair.first.submit(SETTINGS, DESTROY, &[("confirm", "acme")]).await;
    assert_eq!(tried.status, 409, "{}", tried.body);
    assert!(tried.body.contains("name=\"confirm\" value=\"acme\""), "{}", tried.body);
    let id = pair.ask().await;
    assert_eq!(pair.count("audit.shredded").await, 0);

    let page = pair.second.get(PAGE).await;
    for shown in ["Destroy what the audit log says", "The customer left", OWNER] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let own = decide(&pair.first, &id, "approve", &[]).await;
    assert_eq!(own.status, 409, "{}", own.body);
    assert!(!pair.first.get(PAGE).await.body.contains(&format!("{id}/approve")));

    let approved = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(approved.status, 303, "{}", approved.body);
    assert_eq!(pair.state(&id).await, "approved");
    let done = pair.key.list("/api/v1/audit/acme/events?q=action:audit.shredded").await;
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(done[0]["customFields"]["approval"], id.as_str(), "{done:?}");
    let (actor, asked) = (&done[0]["actor"]["id"], &done[0]["customFields"]["requestedBy"]["id"]);
    assert!(actor.is_string() && asked.is_string() && actor != asked, "{done:?}");

    let again = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(pair.count("audit.shredded").await, 1);
}

#[tokio::test]
async fn of_two_who_approve_at_once_one_does() {
    let pair = Pair::start().await;
    let id = pair.ask().await;
    let other = pair.app.session("acme", SECOND, PASSWORD).await;
    let (one, two) = tokio::join!(
        decide(&pair.second, &id, "approve", &[]),
        decide(&other, &id, "approve", &[])
    );
    let mut answers = [one.status, two.status];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409], "{} {}", one.body, two.body);
    // The entry of the approval itself was destroyed with the rest; this one names both.
    assert_eq!(pair.count("audit.shredded").await, 1);
}

#[tokio::test]
async fn who_lost_the_right_neither_asks_nor_approves() {
    let pair = Pair::start().await;
    let id = pair.ask().await;
    pair.app.tenant("globex");
    let foreign = pair.app.session("globex", OWNER, PASSWORD).await;
    let path = format!("/t/globex/admin/approvals/{id}/approve");
    let foreign = foreign.submit("/t/globex/account", &path, &[]).await;
    assert_eq!(foreign.status, 404, "{}", foreign.body);

    pair.app.cli(&["user", "disable", "--tenant", "acme", OWNER], "");
    let void = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(void.status, 409, "{}", void.body);
    pair.app.cli(&["user", "enable", "--tenant", "acme", OWNER], "");
    let role = ["user", "role", "--tenant", "acme", SECOND, "auditor"];
    pair.app.cli(&role, "");
    let demoted = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(demoted.status, 403, "{}", demoted.body);
    assert_eq!(
        (pair.state(&id).await.as_str(), pair.count("audit.shredded").await),
        ("waiting", 0)
    );
}

#[tokio::test]
async fn nobody_becomes_able_to_approve_without_it() {
    let pair = Pair::start().await;
    member(&pair.app, "vera@example.org", "viewer");
    let list = pair.key.get("/api/v1/users/acme?q=vera@example.org").await.expect(200);
    let vera = list["items"][0]["id"].as_str().unwrap().to_owned();
    let (page, path) = (format!("/t/acme/members/{vera}"), format!("/t/acme/members/{vera}/role"));
    for role in ["owner", "admin"] {
        let tried = pair.first.submit(&page, &path, &[("role", role)]).await;
        assert_eq!(tried.status, 409, "{role}: {}", tried.body);
    }
    let harmless = pair.first.submit(&page, &path, &[("role", "operator")]).await;
    assert_eq!(harmless.status, 303, "{}", harmless.body);

    let asked = pair.first.submit(&page, &path, &[("role", "owner"), ("reason", "Successor")]);
    assert_eq!(asked.await.status, 303);
    let id = pair.waiting().await;
    // The world changes: what would be approved is not what was asked for.
    assert_eq!(pair.first.submit(&page, &path, &[("role", "viewer")]).await.status, 303);
    let changed = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(changed.status, 409, "{}", changed.body);
    assert!(changed.body.contains("has changed meanwhile"), "{}", changed.body);
    let refused = decide(&pair.second, &id, "refuse", &[("reason", "Not any more")]).await;
    assert_eq!((refused.status, pair.state(&id).await.as_str()), (303, "refused"));

    let asked = pair.first.submit(&page, &path, &[("role", "owner"), ("reason", "Successor")]);
    assert_eq!(asked.await.status, 303);
    let id = pair.waiting().await;
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    let role = pair.key.get(&format!("/api/v1/users/acme/{vera}")).await.expect(200);
    assert_eq!(role["role"], "owner");

    let new = ["user", "create", "--tenant", "acme", "x@example.org", "--role", "owner"];
    let shell = pair.app.try_cli(&new, "");
    assert_eq!(shell.code, 1, "{shell:?}");
    let put = pair.key.request(reqwest::Method::PUT, &format!("/api/v1/users/acme/{vera}/role"));
    let put = Answer::to(put.body(json!({ "role": "admin" }).to_string())).await;
    assert_eq!(put.status, 200, "an approver may become a lesser one: {}", put.body);
}

#[tokio::test]
async fn the_whole_log_leaves_only_with_two_however_the_search_is_worded() {
    let pair = Pair::start().await;
    let export = |q: &str| format!("/api/v1/audit/acme/export?format=csv&q={q}");
    for everything in ["", "-action:no.such.action"] {
        pair.key.get(&export(everything)).await.problem(409, "approval-needed");
    }
    assert_eq!(pair.key.get(&export("action:user.created")).await.status, 200);
    let exports = "/api/v1/audit/acme/exports";
    pair.key.post(exports, &json!({ "format": "csv" })).await.problem(409, "approval-needed");
    // Whoever made a key could approve what it asks for.
    let asked = pair.key.post(exports, &json!({ "format": "csv", "reason": "Audit" })).await;
    asked.problem(422, "not-a-person");

    let (form, path) = ("/t/acme/admin/audit/exports/new", "/t/acme/admin/audit/exports");
    let fields = [("format", "jsonl"), ("reason", "Yearly audit")];
    assert_eq!(pair.first.submit(form, path, &fields).await.status, 303);
    let id = pair.waiting().await;
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    let made = pair.key.get(exports).await.expect(200)["items"][0].clone();
    let one = format!("{exports}/{}", made["id"].as_str().unwrap());
    while pair.key.get(&one).await.expect(200)["state"] != "ready" {}
    assert_eq!(pair.key.get(&format!("{one}/download")).await.status, 200);
}

#[tokio::test]
async fn whoever_asked_takes_it_back_and_nobody_else_does() {
    let pair = Pair::start().await;
    let id = pair.ask().await;
    let other = decide(&pair.second, &id, "withdraw", &[]).await;
    assert_eq!(other.status, 409, "{}", other.body);
    assert_eq!(decide(&pair.first, &id, "withdraw", &[]).await.status, 303);
    assert_eq!(pair.state(&id).await, "withdrawn");
    let late = decide(&pair.second, &id, "approve", &[]).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert_eq!(pair.count("approval.withdrawn").await, 1);
}

#[tokio::test]
async fn a_shell_asks_as_well_and_has_a_way_out_that_both_logs_record() {
    let pair = Pair::start().await;
    let shred = ["tenant", "shred-audit", "acme", "--confirm", "acme"];
    let tried = pair.app.try_cli(&shred, "");
    assert_eq!(tried.code, 1, "{tried:?}");
    assert!(tried.err.contains("--reason"), "{tried:?}");
    let asked = pair.app.cli(&[&shred[..], &["--reason", "Court order"]].concat(), "");
    assert_eq!(asked["state"], "waiting", "{asked}");
    let id = asked["approval"].as_str().unwrap();
    assert_eq!(pair.count("audit.shredded").await, 0);

    let set = ["tenant", "sign-in", "acme", "--set", "fourEyes=false"];
    assert_eq!(pair.app.try_cli(&set, "").code, 1);
    let off = pair.app.cli(&["tenant", "four-eyes", "off", "acme"], "");
    assert_eq!(off["fourEyes"], false, "{off}");
    let log = pair.key.list("/api/v1/audit/acme/events?q=action:settings.changed").await;
    let last = log.iter().max_by_key(|entry| entry["seq"].as_u64()).unwrap();
    assert_eq!(last["actor"]["type"], "local_operator", "{last}");
    assert!(last["customFields"]["fourEyes"].as_str().unwrap().contains("without a second"));
    let entries = pair.count("settings.changed").await;
    let again = pair.app.cli(&["tenant", "four-eyes", "off", "acme"], "");
    assert_eq!((&off["changed"], &again["changed"]), (&true.into(), &false.into()), "{again}");
    assert_eq!(pair.count("settings.changed").await, entries);
    // What was asked for still takes somebody who approves it.
    assert_eq!(pair.state(id).await, "waiting");
    assert_eq!(decide(&pair.second, id, "approve", &[]).await.status, 303);
    assert_eq!(pair.count("audit.shredded").await, 1);
}

#[tokio::test]
async fn keeping_data_for_a_shorter_time_waits_and_keeping_it_longer_does_not() {
    let pair = Pair::start().await;
    let all = "/api/v1/retention/acme";
    let set = async |policies: Value| {
        let body = json!({ "policies": policies }).to_string();
        Answer::to(pair.key.request(Method::PATCH, all).body(body)).await
    };
    let days = async || {
        let items = pair.key.get(all).await.expect(200)["items"].clone();
        let of = |class: &str| {
            let found = items.as_array().unwrap().iter().find(|item| item["class"] == class);
            found.unwrap()["days"].clone()
        };
        (of("closed-conversations"), of("messages"), of("audit-log"))
    };
    set(json!({ "closed-conversations": 800 })).await.expect(200);
    // With a longer time in the same call, too; and from "off" to any number.
    let both = json!({ "closed-conversations": 900, "messages": 400 });
    set(both).await.problem(409, "approval-needed");
    assert_eq!(days().await, (json!(800), json!(null), json!(2557)));

    let page = "/t/acme/admin/privacy/retention";
    let wanted =
        "{\"policies\":{\"closed-conversations\":30,\"messages\":null,\"sign-in-records\":180}}";
    let fields = [("closed-conversations", "30"), ("messages", ""), ("sign-in-records", "180")];
    let fields = [&fields[..], &[("confirm", wanted), ("reason", "The contract says so")]].concat();
    let asked = pair.first.submit(page, page, &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let id = pair.waiting().await;
    let shown = pair.second.get(PAGE).await;
    for words in ["Keep data for a shorter time", "Closed conversations", "800 days", "30 days"] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    assert_eq!(days().await.0, 30);
    let log = pair.key.list("/api/v1/audit/acme/events?q=action:retention.changed").await;
    let last = log.iter().max_by_key(|entry| entry["seq"].as_u64()).unwrap();
    assert_eq!(last["customFields"]["approval"], id.as_str(), "{last}");

    let audit = "/api/v1/audit/acme/retention";
    let put = async |days: u32| {
        let body = json!({ "days": days }).to_string();
        Answer::to(pair.key.request(Method::PUT, audit).body(body)).await
    };
    put(3000).await.expect(200);
    put(2999).await.problem(409, "approval-needed");
    let shell = ["audit", "retention", "--tenant", "acme", "--days", "800"];
    assert_eq!(pair.app.try_cli(&shell, "").code, 1);
    let asked = pair.app.cli(&[&shell[..], &["--reason", "Less space"]].concat(), "");
    assert_eq!(asked["state"], "waiting", "{asked}");
    assert_eq!(days().await.2, 3000);
    let id = pair.waiting().await;
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    assert_eq!(days().await.2, 800);
}

#[tokio::test]
async fn ending_a_legal_hold_waits_in_whatever_way_and_its_reason_stays_out_of_the_log() {
    let pair = Pair::start().await;
    let all = "/api/v1/holds/acme";
    let new = json!({ "scope": "tenant", "reason": "Case 7" });
    let hold = pair.key.post(all, &new).await.expect(201);
    let one = format!("{all}/{}", hold["id"].as_str().unwrap());
    let patch = async |changes: Value| {
        Answer::to(pair.key.request(Method::PATCH, &one).body(changes.to_string())).await
    };
    patch(json!({ "reviewAt": "2096-01-01T00:00:00Z" })).await.expect(200);
    // An end lifts it as surely as lifting does.
    let end = json!({ "endsAt": "2095-01-01T00:00:00Z" });
    patch(end.clone()).await.problem(409, "approval-needed");
    let lift = json!({ "reason": "Marker-Reason" });
    pair.key.post(&format!("{one}/lift"), &lift).await.problem(422, "not-a-person");
    let page = format!("/t/acme/admin/privacy/holds/{}", hold["id"].as_str().unwrap());
    let dates = [("ends", "2095-01-01"), ("review", "2096-01-01"), ("reason", "A date is set")];
    let asked = pair.first.submit(&page, &page, &dates).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let id = pair.waiting().await;
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    let found = pair.key.get(&one).await.expect(200);
    assert_eq!(found["endsAt"], "2095-01-01T00:00:00Z", "{found}");
    patch(json!({ "endsAt": "2095-06-01T00:00:00Z" })).await.expect(200);
    patch(end).await.problem(409, "approval-needed");

    let lifting = [("reason", "Marker-Reason")];
    let asked = pair.first.submit(&page, &format!("{page}/lift"), &lifting).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    assert_eq!(pair.key.get(&one).await.expect(200)["state"], "in-force");
    let id = pair.waiting().await;
    assert!(pair.second.get(PAGE).await.body.contains("Lift a legal hold"));
    assert_eq!(decide(&pair.second, &id, "approve", &[]).await.status, 303);
    let found = pair.key.get(&one).await.expect(200);
    assert_eq!(
        (&found["state"], &found["liftReason"]),
        (&json!("lifted"), &json!("Marker-Reason"))
    );
    let entries = json!(pair.key.entries("acme").await).to_string();
    assert!(entries.contains("hold.lifted") && !entries.contains("Marker-Reason"));

    let again = pair.key.post(all, &new).await.expect(201);
    let id = again["id"].as_str().unwrap();
    let shell = ["hold", "lift", id, "--tenant", "acme", "--reason", "over"];
    assert_eq!(pair.app.cli(&shell, "")["state"], "waiting");
}
