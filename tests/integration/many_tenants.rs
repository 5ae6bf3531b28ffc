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
