//! What a log said is gone, that it was said is not, and an interruption anywhere changes nothing.

use super::*;
use crate::audit::note::Note;
use crate::audit::view::EntryView;
use crate::authz::Realm;
use crate::authz::permission::{AuditIngest, AuditRead};
use crate::store::Sql;
use crate::tenants::StateChange;
use crate::testing::TestServer;
use crate::trail::{self, SearchRequest};

async fn ingest(server: &TestServer, tenant: &Tenant, action: &str) -> u64 {
    let grant = server.grant::<AuditIngest>(tenant).await;
    let body = format!(r#"{{"action":"{action}","actor":{{"id":"u1","name":"Ann Lee"}}}}"#);
    let done = trail::ingest(&server.tenants, &grant, tenant, body.into_bytes().into(), None);
    done.await.unwrap().last_seq
}

async fn destroy(server: &TestServer, tenant: &Tenant) -> Result<Certificate, TrailError> {
    let grant = server.grant::<AuditShred>(tenant).await;
    shred(&server.tenants, &grant, tenant, tenant.slug.as_str()).await
}

async fn search(server: &TestServer, tenant: &Tenant, q: &str) -> Vec<EntryView> {
    let grant = server.grant::<AuditRead>(tenant).await;
    let request = SearchRequest { q: q.into(), ..SearchRequest::default() };
    trail::search(&server.tenants, &grant, request).await.unwrap().value.items
}

fn actions(entries: &[EntryView]) -> Vec<&str> {
    entries.iter().map(|entry| entry.action.as_str()).collect()
}

/// Certificates in the tenant's file and in the platform's.
async fn recorded(server: &TestServer, realm: Realm) -> Vec<Option<String>> {
    let read = server.tenants.credentials(realm, |tx| {
        let sql = "SELECT certificate FROM log_shreds ORDER BY begun";
        Ok::<_, DoorError>(tx.query(sql, &[], |row| row.get::<String>(0))?)
    });
    let found = read.await.unwrap();
    found.into_iter().map(|text| Some(text).filter(|text| !text.is_empty())).collect()
}

#[tokio::test]
async fn what_was_said_is_gone_and_that_it_was_said_is_proven() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let last = ingest(&server, &tenant, "made.up").await;
    assert_eq!(actions(&search(&server, &tenant, "action:made.up").await), ["made.up"]);

    let certificate = destroy(&server, &tenant).await.unwrap();
    let after = ingest(&server, &tenant, "made.later").await;
    let entries = server.entries(&tenant).await;
    assert!(entries[..last as usize].iter().all(|entry| entry.action == "entry.destroyed"));
    assert!(entries[..last as usize].iter().all(|entry| entry.erased && entry.actor.is_none()));
    let found = search(&server, &tenant, "action:audit.shredded").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].custom_fields["certificate"], certificate.certificate.as_str());
    assert_eq!(entries[after as usize - 1].action, "made.later");
    assert!(search(&server, &tenant, "action:made.up").await.is_empty());
    assert_eq!(actions(&search(&server, &tenant, "action:made.later").await), ["made.later"]);
    let verified = server.verify(&tenant).await;
    assert!(verified.ok, "{verified:?}");
}

#[tokio::test]
async fn the_certificate_is_signed_and_in_both_logs() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let keys = server.tenants.audit_keys(Realm::Tenant(tenant.id)).await.unwrap();
    let certificate = destroy(&server, &tenant).await.unwrap();
    assert_eq!(certificate.keys, keys);
    let note = Note::parse(&certificate.certificate).unwrap();
    note.verify(&server.tenants.notary().verifier()).unwrap();
    assert!(note.text().contains(&format!("tenant {} acme\n", tenant.id)), "{}", note.text());
    assert!(keys.iter().all(|key| note.text().contains(&format!("key {key}\n"))));
    assert!(note.text().parse::<crate::audit::note::Checkpoint>().is_err());
    let platform = server.entries_of(Realm::Platform).await;
    let last = platform.last().unwrap();
    assert_eq!(last.action, "audit.shredded");
    assert_eq!(last.custom_fields["certificate"], certificate.certificate.as_str());
    let began = platform.iter().any(|entry| entry.action == "audit.shred_begun");
    assert!(began && !format!("{platform:?}").contains("Ann Lee"));
    let ledger = std::fs::read_to_string(server.data_dir().join("erasures.log")).unwrap();
    assert!(keys.iter().all(|key| ledger.contains(&key.to_string())), "{ledger}");
}

#[tokio::test]
async fn it_wants_the_short_name_typed_and_a_tenant_that_is_not_frozen() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let grant = server.grant::<AuditShred>(&tenant).await;
    let wrong = shred(&server.tenants, &grant, &tenant, "globex").await;
    assert!(matches!(wrong, Err(TrailError::Confirmation)));
    server.change_state(&tenant, StateChange::Freeze).await;
    let frozen = shred(&server.tenants, &grant, &tenant, "acme").await;
    assert!(matches!(frozen, Err(TrailError::Door(DoorError::Denied(Denied::Frozen)))));
    server.change_state(&tenant, StateChange::Unfreeze).await;
    let entries = server.entries(&tenant).await;
    assert!(entries.iter().all(|entry| entry.action != "entry.destroyed"));
    assert!(recorded(&server, Realm::Platform).await.is_empty());
}

#[tokio::test]
async fn nothing_is_begun_while_no_key_may_be_destroyed() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    let last = ingest(&server, &tenant, "made.up").await;
    server.tenants.keep_keys();
    let refused = destroy(&server, &tenant).await;
    assert!(matches!(refused, Err(TrailError::Door(DoorError::Recovery))));
    let realm = Realm::Tenant(tenant.id);
    let keys = server.tenants.audit_keys(realm).await.unwrap();
    let refused = server.tenants.destroy_audit_keys(realm, keys.clone(), CAUSE).await;
    assert!(matches!(refused, Err(DoorError::Recovery)));
    assert_eq!(server.tenants.audit_keys(realm).await.unwrap(), keys);
    assert!(recorded(&server, Realm::Platform).await.is_empty());
    assert_eq!(server.entries(&tenant).await[last as usize - 1].action, "made.up");
}

/// Takes the first `done` of the steps, as a process does that is killed after them.
async fn interrupted_after(server: &TestServer, tenant: &Tenant, done: u32) {
    let grant = server.grant::<AuditShred>(tenant).await;
    let steps = Steps::new(&server.tenants, &grant, tenant).await.unwrap();
    let shred = steps.begin().await.unwrap();
    if done > 1 {
        steps.destroy(&shred).await.unwrap();
    }
    if done > 2 {
        steps.record(shred).await.unwrap();
    }
}

#[tokio::test]
async fn one_that_was_interrupted_is_completed_by_the_next() {
    for done in 1..=3 {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        ingest(&server, &tenant, "made.before").await;
        interrupted_after(&server, &tenant, done).await;
        let last = ingest(&server, &tenant, "made.between").await;
        destroy(&server, &tenant).await.unwrap();
        let entries = server.entries(&tenant).await;
        let gone = entries[..last as usize].iter();
        assert!(gone.clone().all(|entry| entry.action == "entry.destroyed"), "after step {done}");
        for realm in [Realm::Platform, Realm::Tenant(tenant.id)] {
            let recorded = recorded(&server, realm).await;
            assert_eq!(recorded.len(), if done == 1 { 1 } else { 2 }, "after step {done}");
            assert!(recorded.iter().all(Option::is_some), "after step {done}");
        }
        let verified = server.verify(&tenant).await;
        assert!(verified.ok, "{verified:?}");
        let platform = server.entries_of(Realm::Platform).await;
        let done = platform.iter().filter(|entry| entry.action == "audit.shredded").count();
        assert_eq!(done, recorded(&server, Realm::Platform).await.len());
    }
}

#[tokio::test]
async fn another_tenants_log_is_left_as_it_is() {
    let server = TestServer::start();
    let (acme, globex) = (server.tenant("acme").await, server.tenant("globex").await);
    ingest(&server, &globex, "made.up").await;
    destroy(&server, &acme).await.unwrap();
    let entries = server.entries(&globex).await;
    assert!(entries.iter().all(|entry| entry.action != "entry.destroyed"));
}

#[tokio::test]
async fn somebody_who_reads_meanwhile_sees_an_entry_or_that_it_is_destroyed() {
    let server = std::sync::Arc::new(TestServer::start());
    let tenant = server.tenant("acme").await;
    for _ in 0..50 {
        ingest(&server, &tenant, "made.up").await;
    }
    let reader = tokio::spawn({
        let (server, tenant) = (server.clone(), tenant.clone());
        async move {
            loop {
                let found = search(&server, &tenant, "").await;
                let strange = found.iter().find(|entry| entry.action == "entry.unreadable");
                assert!(strange.is_none(), "{strange:?}");
                if found.iter().any(|entry| entry.action == "audit.shredded") {
                    return found;
                }
            }
        }
    });
    let fed = search(&server, &tenant, "actor:u1").await;
    assert_eq!(fed.len(), 50);
    destroy(&server, &tenant).await.unwrap();
    let last = reader.await.unwrap();
    assert!(last.iter().all(|entry| entry.action != "made.up"), "{last:?}");
    assert!(search(&server, &tenant, "actor:u1").await.is_empty());
}
