use std::sync::Arc;

use super::*;
use crate::authz::Principal;
use crate::authz::permission::{AuditRead, AuditVerify, ConversationRead};
use crate::authz::{Caller, RequestContext};
use crate::conversations;
use crate::trail::{self, SearchRequest};

#[tokio::test]
async fn the_demo_shows_what_the_product_is_about() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.store.data_dir = directory.path().join("data");
    let runtime = Runtime::system();
    let sign_ins = prepare(&settings, &runtime).await.unwrap();
    assert_eq!(sign_ins.people.len(), 13);
    let boot = Boot::open(&settings, &runtime).unwrap();
    let app = App::new(&boot, &settings, &runtime).unwrap();
    let mut entries = 0;
    for application in &sign_ins.applications {
        let tenant = app.tenants.tenant(application.tenant).unwrap();
        let principal = Principal::ApiKey {
            tenant: tenant.id,
            id: runtime.id(),
            name: "test".into(),
            rights: crate::authz::Role::Owner.into(),
        };
        let request = RequestContext::local(runtime.id());
        let caller = Arc::new(Caller { principal, request });
        let slug = application.tenant;
        let (grant, _) = app.tenants.authorize::<AuditVerify>(&caller, slug, "").await.unwrap();
        let verification = trail::verify(&app.tenants, &grant).await.unwrap();
        assert!(verification.ok);
        entries += verification.size;
        let (grant, _) = app.tenants.authorize::<AuditRead>(&caller, slug, "").await.unwrap();
        for q in [
            "action:login.failed",
            "outcome:denied",
            "action:role.changed",
            "action:invoice.exported",
        ] {
            let request = SearchRequest { q: q.into(), ..SearchRequest::default() };
            let page = trail::search(&app.tenants, &grant, request).await.unwrap().value;
            assert!(!page.items.is_empty(), "{q}");
        }
        let (grant, _) =
            app.tenants.authorize::<ConversationRead>(&caller, slug, "").await.unwrap();
        let counts = conversations::counts(&app.tenants, &grant).await.unwrap();
        assert!(counts.open > 20 && counts.closed > 150 && counts.messages > 1_000, "{counts:?}");
    }
    assert!(entries > 8_000, "{entries}");
}
