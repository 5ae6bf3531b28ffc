//! The explorer: what it offers narrows what it shows, for who may see it.

use std::time::Duration;

use serde_json::json;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Client, Session};
use crate::setup::{ADMIN, set_up};

const EXPLORER: &str = "/t/acme/admin/audit";

async fn ingest(log: &Client, action: &str, actor: &str, outcome: &str) {
    let event = json!({
        "action": action, "outcome": outcome, "actor": { "id": actor, "type": "user" },
        "changes": { "state": { "old": "open", "new": "closed" } },
    });
    log.post("/api/v1/audit/acme/events", &event).await.expect(201);
}

async fn with_entries() -> (TestApp, Session) {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    for (action, actor, outcome) in [
        ("invoice.sent", "ann", "success"),
        ("invoice.sent", "bob <b>", "success"),
        ("invoice.paid", "ann", "denied"),
    ] {
        ingest(&log, action, actor, outcome).await;
    }
    let owner = app.session("acme", OWNER, PASSWORD).await;
    (app, owner)
}

/// Links of a page whose markup holds all of these, as a browser follows them.
fn links(page: &str, holding: &[&str]) -> Vec<String> {
    let links = page.split("<a ").skip(1).map(|link| link.split("</a>").next().unwrap());
    let fits = |link: &&str| holding.iter().all(|part| link.contains(part));
    let href = |link: &str| {
        let href = link.split_once("href=\"").unwrap().1.split('"').next().unwrap();
        href.replace("&amp;", "&").replace("&#38;", "&")
    };
    links.filter(fits).map(href).collect()
}

fn rows(page: &str) -> usize {
    page.matches("class=\"title\" href=").count()
}

#[tokio::test]
async fn facets_narrow_and_leave_out_and_chips_take_it_back() {
    let (_app, owner) = with_entries().await;
    let page = owner.get(&format!("{EXPLORER}?q=action%3Ainvoice.*")).await.body;
    assert_eq!(rows(&page), 3);
    assert!(page.contains("3 entries"), "{page}");
    assert!(page.contains("<del>open</del><ins>closed</ins>"), "what changed is not said: {page}");

    let only_ann = links(&page, &["facet-value", "title=\"ann\""]);
    let narrowed = owner.get(&only_ann[0]).await.body;
    assert_eq!(rows(&narrowed), 2);
    let without = links(&page, &["facet-not", "Leave out bob"]);
    assert_eq!(rows(&owner.get(&without[0]).await.body), 2);
    let chips = links(&narrowed, &["class=\"chip\"", "actor:ann"]);
    assert_eq!(rows(&owner.get(&chips[0]).await.body), 3);
}

#[tokio::test]
async fn a_name_with_markup_and_blanks_is_text_and_still_narrows() {
    let (_app, owner) = with_entries().await;
    let page = owner.get(&format!("{EXPLORER}?q=action%3Ainvoice.*")).await.body;
    assert!(!page.contains("bob <b>"), "markup went through");
    let bob = links(&page, &["facet-value", "title=\"bob "]);
    assert_eq!(rows(&owner.get(&bob[0]).await.body), 1);
}

#[tokio::test]
async fn a_bar_of_the_timeline_leads_to_its_time_alone() {
    let (_app, owner) = with_entries().await;
    // A minute has to pass between two bars; a log this young has one, and then none is drawn.
    let page = owner.get(EXPLORER).await.body;
    for bar in links(&page, &["class=\"bar\""]) {
        let narrowed = owner.get(&bar).await;
        assert_eq!(narrowed.status, 200);
        assert!(rows(&narrowed.body) > 0, "a bar leads to nothing: {bar}");
    }
    for (range, found) in [("range=1h", true), ("to=2020-01-01T00:00:00", false)] {
        let page = owner.get(&format!("{EXPLORER}?{range}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(rows(&page.body) > 0, found, "{range}");
    }
    assert_eq!(owner.get(&format!("{EXPLORER}?range=99y")).await.status, 422);
    assert_eq!(owner.get(&format!("{EXPLORER}?from=yesterday")).await.status, 422);
}

#[tokio::test]
async fn pages_lead_to_older_and_newer_entries_and_to_one_by_its_number() {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    let events: Vec<_> = (0..120).map(|n| json!({ "action": "parcel.sent", "resource": { "type": "parcel", "id": format!("P{n}") } })).collect();
    log.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let first = owner.get(&format!("{EXPLORER}?q=action%3Aparcel.sent")).await.body;
    assert_eq!(rows(&first), 50);
    let older = links(&first, &["rel=\"next\""]).remove(0);
    let second = owner.get(&older).await.body;
    assert!(second.contains(">P69<") && second.contains(">P20<"), "{second}");
    let newer = links(&second, &["rel=\"prev\""]).remove(0);
    let back = owner.get(&newer).await.body;
    assert!(back.contains(">P119<") && back.contains(">P70<") && !back.contains(">P69<"));
    assert!(back.find(">P119<") < back.find(">P70<"), "newest first on every page");
    let jump = owner.get(&format!("{EXPLORER}?seq=3")).await.body;
    assert_eq!(rows(&jump), 3);
    assert!(owner.get(&format!("{EXPLORER}?seq=x")).await.status == 422);
}

#[tokio::test]
async fn a_search_that_one_person_saves_others_find_and_who_may_not_delete_it_cannot() {
    let (app, owner) = with_entries().await;
    let save = format!("{EXPLORER}/searches");
    let here = format!("{EXPLORER}?q=outcome%3Adenied&range=7d");
    let page = owner.get(&here).await.body;
    assert!(page.contains("value=\"after:-7d outcome:denied\""), "{page}");
    let nameless = [("name", ""), ("q", "outcome:denied")];
    let refused = owner.submit(&here, &save, &nameless).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("aria-invalid"), "{}", refused.body);
    let named = [("name", "What was refused"), ("q", "after:-7d outcome:denied")];
    assert_eq!(owner.submit(&here, &save, &named).await.status, 303);
    assert_eq!(owner.submit(&here, &save, &named).await.status, 422, "two of one name");

    let create = ["user", "create", "--tenant", "acme", "--role", "privacy-officer"];
    app.cli(&[&create[..], &["--password-stdin", "jo@example.org"]].concat(), PASSWORD);
    let officer = app.session("acme", "jo@example.org", PASSWORD).await;
    let page = officer.get(EXPLORER).await.body;
    let found = links(&page, &["What was refused"]).remove(0);
    let page = officer.get(&found).await.body;
    assert_eq!(rows(&page), 1);
    app.tenant("globex");
    let stranger = app.session("globex", OWNER, PASSWORD).await;
    assert!(!stranger.get("/t/globex/admin/audit").await.body.contains("What was refused"));
    assert_eq!(stranger.get(EXPLORER).await.status, 403);
    let delete = page.split("action=\"").find(|part| part.contains("/delete\"")).unwrap();
    let delete = delete.split('"').next().unwrap().to_owned();
    assert_eq!(stranger.submit("/t/globex/admin/audit", &delete, &[]).await.status, 403);
    assert_eq!(officer.submit(EXPLORER, &delete, &[]).await.status, 303);
    assert!(!owner.get(EXPLORER).await.body.contains("What was refused"));
}

#[tokio::test]
async fn completion_knows_fields_event_types_and_who_is_in_the_log() {
    let (app, owner) = with_entries().await;
    assert_eq!(owner.get(EXPLORER).await.status, 200);
    let ask = async |q: &str, at: usize| {
        let path = format!("{EXPLORER}/suggest?q={}&at={at}", crate::client::escape(q));
        owner.get(&path).await.expect(200)
    };
    let texts = |answer: &serde_json::Value| {
        let items = answer["items"].as_array().unwrap().iter();
        items.map(|item| item["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let fields = ask("out", 3).await;
    assert_eq!((&fields["from"], &fields["to"]), (&json!(0), &json!(3)));
    assert!(texts(&fields).contains(&"outcome:".to_owned()), "{fields}");
    // Suggestions do not wait for an index that is behind; the next keystroke asks again.
    let mut asked = 0;
    while !texts(&ask("action:invoice.", 15).await).contains(&"invoice.paid".to_owned()) {
        asked += 1;
        assert!(asked < 50, "it never knows what is in the log");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let people = ask("é😀 actor:bo", 12).await;
    assert_eq!(texts(&people), ["\"bob <b>\""]);
    assert_eq!((&people["from"], &people["to"]), (&json!(10), &json!(12)));
    app.tenant("globex");
    let stranger = app.session("globex", OWNER, PASSWORD).await;
    assert_eq!(stranger.get(&format!("{EXPLORER}/suggest?q=a")).await.status, 403);
}

#[tokio::test]
async fn an_entry_says_what_changed_and_proves_itself_to_who_computes_it_again() {
    let (_app, owner) = with_entries().await;
    let page = owner.get(&format!("{EXPLORER}?q=action%3Ainvoice.paid")).await.body;
    let entry = links(&page, &["class=\"title\""]).remove(0);
    let page = owner.get(&entry).await.body;
    assert!(page.contains("invoice.paid") && page.contains("It was refused."), "{page}");
    assert!(page.contains("<del>open</del>") && page.contains("<ins>closed</ins>"), "{page}");
    assert!(page.contains("Proof that it is in the log"), "{page}");
    for (holding, least) in [
        ("Everything by this actor", 2),
        ("All of this kind", 1),
        ("Everything in this request", 1),
    ] {
        let there = links(&page, &[holding]).remove(0);
        assert!(rows(&owner.get(&there).await.body) >= least, "{holding}: {there}");
    }
    let around = links(&page, &["In the log"]).remove(0);
    assert!(owner.get(&around).await.body.contains(&entry));
    assert_eq!(owner.get(&format!("{EXPLORER}/999999")).await.status, 404);
}

#[tokio::test]
async fn the_live_page_reloads_by_itself_where_there_is_no_script() {
    let (_app, owner) = with_entries().await;
    let page = owner.get(&format!("{EXPLORER}?live=1&q=action%3Ainvoice.*")).await.body;
    let refresh = "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>";
    assert!(page.contains(refresh), "{page}");
    assert!(page.contains("data-live=\"/t/acme/admin/audit/tail?q=action"), "{page}");
    let older = owner.get(&format!("{EXPLORER}?live=1&before=3")).await.body;
    assert!(!older.contains("http-equiv"), "an old page has nothing to wait for");
}

#[tokio::test]
async fn the_platforms_log_has_the_same_explorer_and_verification() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let page = admin.get("/platform/audit").await.body;
    let only = links(&page, &["facet-value", "title=\"setup.completed\""]).remove(0);
    assert_eq!(rows(&admin.get(&only).await.body), 1);
    let verify = "/platform/audit/verify";
    assert_eq!(admin.submit(verify, verify, &[]).await.status, 303);
    let mut page = admin.get(verify).await.body;
    while page.contains("http-equiv=\"refresh\"") {
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = admin.get(verify).await.body;
    }
    assert!(page.contains("The log is whole"), "{page}");
    assert_eq!(app.anonymous().get("/platform/audit/suggest").await.status, 303);
}
