//! Many tenants on one machine, few of them open at a time. `STRONGROOM_TEST_ROUNDS` for longer;
//! `make soak` for ten thousand and an hour.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::app::TestApp;

const TENANTS: usize = 10;
const OPEN: usize = 3;

/// What the server has open.
fn handles(app: &TestApp) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", app.server.id())).unwrap();
    // One may be closed between the list and the look.
    entries.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).collect()
}

fn open_tenants(handles: &[PathBuf], app: &TestApp) -> usize {
    let tenants = app.data().join("tenants");
    let inside = handles.iter().filter_map(|path| path.strip_prefix(&tenants).ok());
    inside.filter_map(|path| path.iter().next()).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn tenants_that_nobody_uses_give_back_their_files_and_handles_do_not_grow_with_time() {
    let rounds = std::env::var("STRONGROOM_TEST_ROUNDS").ok().and_then(|text| text.parse().ok());
    let limit = OPEN.to_string();
    let app = TestApp::with(&[("STRONGROOM_STORE__OPEN_TENANTS", limit.as_str())]);
    let tenants: Vec<_> = (0..TENANTS)
        .map(|n| {
            let slug = format!("tenant-{n}");
            let client = app.client(app.tenant(&slug));
            (slug, client)
        })
        .collect();
    let mut after = Vec::new();
    for round in 0..rounds.unwrap_or(5) {
        for (slug, client) in &tenants {
            let new = json!({ "subject": format!("round {round}") });
            client.post(&format!("/api/v1/conversations/{slug}"), &new).await.expect(201);
        }
        let mut seen = handles(&app);
        for _ in 0..300 {
            // Refused while it runs by itself, which does as well.
            app.try_cli(&["job", "run", "tenants.close-idle"], "");
            seen = handles(&app);
            if open_tenants(&seen, &app) <= OPEN {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(open_tenants(&seen, &app) <= OPEN, "{seen:?}");
        after.push(seen.len());
    }
    // Connections and jobs come and go; a leak of one for each tenant and round would be more.
    let (first, last) = (after[0], after[after.len() - 1]);
    assert!(last <= first + TENANTS, "handles after each round: {after:?}");
}

/// What the databases take after a few tenants were busy, in MiB.
async fn taken(mib: &str) -> f64 {
    let app = TestApp::with(&[("STRONGROOM_STORE__CACHE_MIB", mib)]);
    for slug in ["acme", "globex", "initech"] {
        let api = app.client(app.tenant(slug));
        let path = format!("/api/v1/audit/{slug}/events");
        // Text that cannot be packed.
        let mut at = 1_u64;
        let mut text = || -> String {
            let mut next = || {
                at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                format!("{:016x} ", at)
            };
            (0..50).map(|_| next()).collect()
        };
        for _ in 0..4 {
            let mut event = |n| json!({ "action": "invoice.exported", "customFields": { "n": n, "text": text() } });
            let many: Vec<_> = (0..2_000).map(&mut event).collect();
            api.post(&path, &json!(many)).await.expect(201);
            api.get(&format!("{path}?q=action:invoice.exported")).await.expect(200);
        }
    }
    let metrics = app.anonymous().get("/metrics").await.body;
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix("strongroom_database_memory_bytes "))
        .unwrap_or_else(|| panic!("{metrics}"));
    value.parse::<f64>().unwrap() / f64::from(1 << 20)
}

#[tokio::test]
async fn caches_of_busy_databases_stop_growing_where_the_setting_says() {
    let (little, usual) = (taken("16").await, taken("512").await);
    assert!(little < 20.0 && usual > 28.0, "{little} MiB of 16, {usual} MiB of 512");
}
