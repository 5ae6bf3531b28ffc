//! A search sees what was written before it, whatever becomes of the index in between.

use std::time::Duration;

use super::{SearchRequest, feed, ingest, reindex, search, suggest};
use crate::audit::index::SummaryRequest;
use crate::audit::query::Field;
use crate::authz::permission::{AuditIngest, AuditRead, AuditReindex};
use crate::tenants::Tenant;
use crate::testing::TestServer;

async fn post(server: &TestServer, tenant: &Tenant, count: u64) {
    let events: Vec<_> = (0..count)
        .map(|n| {
            serde_json::json!({
                "action": "invoice.sent", "actor": { "id": format!("u{n}"), "name": "Ann Lee" },
                "customFields": { "note": format!("the word{n} is here") },
            })
        })
        .collect();
    let body = serde_json::to_vec(&events).unwrap();
    let grant = server.grant::<AuditIngest>(tenant).await;
    ingest(&server.tenants, &grant, tenant, body.into(), None).await.unwrap();
}

async fn found(server: &TestServer, tenant: &Tenant, q: &str) -> usize {
    let grant = server.grant::<AuditRead>(tenant).await;
    let request = SearchRequest { q: q.to_owned(), ..SearchRequest::default() };
    let page = search(&server.tenants, &grant, request).await.unwrap().value;
    assert_eq!(page.indexed_through, None);
    page.items.len()
}

async fn rebuilt(server: &TestServer, tenant: &Tenant) -> Vec<String> {
    let entries = server.entries(tenant).await.into_iter();
    let rebuilt = entries.filter(|entry| entry.action == "index.rebuilt");
    rebuilt.map(|entry| entry.custom_fields["cause"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_reader_sees_what_was_written_before_and_a_rebuilt_index_is_in_the_log() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    post(&server, &tenant, 3).await;
    assert_eq!(found(&server, &tenant, "word1").await, 1);
    assert_eq!(found(&server, &tenant, "\"is here\" actor:\"Ann Lee\"").await, 3);

    let grant = server.grant::<AuditReindex>(&tenant).await;
    let begun = reindex(&server.tenants, &grant).await.unwrap();
    let fed = feed(&server.tenants, &grant, Duration::from_secs(60)).await.unwrap();
    assert!(fed.indexed_through >= begun.size && fed.indexed_through == fed.size);
    assert_eq!(found(&server, &tenant, "word2").await, 1);
    assert_eq!(rebuilt(&server, &tenant).await, ["requested"]);

    // The file is cut off while nobody has it open.
    server.tenants.shut_down().await;
    let path = server.data_dir().join(format!("tenants/{}/index.db", tenant.id));
    let damaged = std::fs::read(&path).unwrap().iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
    std::fs::write(&path, damaged).unwrap();
    assert_eq!(found(&server, &tenant, "word0").await, 1);
    let causes = rebuilt(&server, &tenant).await;
    assert!(causes.len() == 2 && causes[1].contains("index.db"), "{causes:?}");
}

#[tokio::test]
async fn a_summary_counts_all_that_a_search_finds_and_suggestions_that_name_people_are_recorded() {
    let server = TestServer::start();
    let tenant = server.tenant("acme").await;
    post(&server, &tenant, 70).await;
    let grant = server.grant::<AuditRead>(&tenant).await;
    let request = SearchRequest {
        q: "action:invoice.sent".to_owned(),
        summary: Some(SummaryRequest { buckets: 10 }),
        ..SearchRequest::default()
    };
    let page = search(&server.tenants, &grant, request).await.unwrap().value;
    let summary = page.summary.unwrap();
    assert_eq!((page.items.len(), summary.total, summary.counted_from), (50, 70, 1));
    let actors = summary.facets.iter().find(|facet| facet.field == "actor").unwrap();
    assert_eq!(actors.values, [("Ann Lee".to_owned(), 70)]);
    assert_eq!(summary.histogram.iter().map(|bar| bar.count).sum::<u64>(), 70);

    let before = server.entries(&tenant).await.len();
    let (tenants, limit) = (&server.tenants, 5);
    let actions = suggest(tenants, &grant, Field::Action, "inv", limit).await.unwrap();
    assert_eq!(actions, ["invoice.sent"]);
    assert_eq!(server.entries(&tenant).await.len(), before);
    let actors = suggest(tenants, &grant, Field::Actor, "Ann", limit).await.unwrap();
    assert_eq!(actors, ["Ann Lee"]);
    let anybody = suggest(tenants, &grant, Field::Actor, "", limit).await.unwrap();
    let id = |value: &String| uuid::Uuid::try_parse(value).is_ok();
    assert!(anybody.is_sorted_by_key(id), "names come before ids: {anybody:?}");
    assert_eq!(server.entries(&tenant).await.len(), before + 2);
}
