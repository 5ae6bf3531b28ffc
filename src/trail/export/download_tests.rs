//! Exports that go on leaving the house, and when they stop.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::authz::Grant;
use crate::authz::permission::{AuditExport, AuditShred};
use crate::tenants::{Tenant, Tenants};
use crate::testing::TestServer;
use crate::trail;

struct Desk {
    server: TestServer,
    tenant: Tenant,
    exports: Arc<Exports>,
    grant: Grant<AuditExport>,
}

impl Desk {
    async fn new() -> Self {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        // Somebody on the machine, whose right nothing takes away.
        let granted = server.tenants.authorize(&server.operator(), "acme", "test").await;
        let grant = granted.unwrap().0;
        Self { server, tenant, exports: Arc::default(), grant }
    }

    fn tenants(&self) -> &Tenants {
        &self.server.tenants
    }

    /// An export that is ready, and its first piece not yet fetched.
    async fn fetching(&self) -> Download<AuditExport> {
        let request = ExportRequest {
            format: ExportFormat::Jsonl,
            q: String::new(),
            from: None,
            to: None,
            log: None,
        };
        let begun = start(&self.exports, self.tenants(), &self.grant, request).await.unwrap();
        for _ in 0..500 {
            match download(&self.exports, self.tenants(), &self.grant, begun.id).await {
                Err(ExportError::NotReady(_)) => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
                other => return other.unwrap(),
            }
        }
        panic!("it is never ready");
    }
}

#[tokio::test]
async fn what_is_thrown_away_while_it_is_fetched_is_not_sent_any_further() {
    let desk = Desk::new().await;
    let mut whole = desk.fetching().await;
    assert!(whole.next().await.unwrap().is_some() && whole.next().await.unwrap().is_none());
    let mut cut = desk.fetching().await;
    cancel(&desk.exports, desk.tenants(), &desk.grant, cut.export.id).await.unwrap();
    assert!(matches!(cut.next().await, Err(ExportError::NotReady("cancelled"))));
}

#[tokio::test]
async fn contents_that_are_destroyed_do_not_go_on_leaving_the_house() {
    let desk = Desk::new().await;
    let mut fetched = desk.fetching().await;
    let grant = desk.server.grant::<AuditShred>(&desk.tenant).await;
    trail::shred(desk.tenants(), &grant, &desk.tenant, "acme").await.unwrap();
    assert!(matches!(fetched.next().await, Err(ExportError::NotReady("cancelled"))));
}
