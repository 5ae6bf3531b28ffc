//! `/docs`: the documentation, from inside the binary, for everybody who reaches the console.

use crate::app::TestApp;
use crate::client::Session;

#[tokio::test]
async fn everybody_reads_the_documentation_before_signing_in() {
    let app = TestApp::start();
    let stranger = Session::new(&app.server.url, app.data());
    let contents = stranger.get("/docs").await;
    assert_eq!(contents.status, 200, "{}", contents.body);
    let links = contents.body.split(" href=\"/docs/").skip(1);
    let pages: Vec<_> = links.filter_map(|rest| rest.split('"').next()).collect();
    assert!(pages.len() > 30, "{pages:?}");
    for page in pages {
        let answer = stranger.get(&format!("/docs/{page}")).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.body);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{page}: {policy}");
        // The policy would refuse them.
        assert!(!answer.body.contains(" style="), "{page}");
        assert!(!answer.body.contains("<script>"), "{page}");
    }
    let picture = app.anonymous().request(reqwest::Method::GET, "/docs/images/explorer.png");
    let picture = picture.send().await.unwrap();
    assert_eq!(picture.status(), 200);
    assert_eq!(picture.headers()["content-type"], "image/png");
    for nothing in ["/docs/none", "/docs/README", "/docs/runbooks/none", "/docs/images/a.svg"] {
        assert_eq!(stranger.get(nothing).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn the_search_needs_no_script_and_shows_what_was_typed_as_text() {
    let app = TestApp::start();
    let stranger = Session::new(&app.server.url, app.data());
    let found = stranger.get("/docs/search?q=legal+hold").await;
    assert_eq!(found.status, 200);
    assert!(found.body.contains("href=\"/docs/runbooks/legal-hold#"), "{}", found.body);
    assert!(found.body.contains("<mark>"), "{}", found.body);
    let typed = stranger.get("/docs/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%20x=").await;
    assert_eq!(typed.status, 200);
    assert!(!typed.body.contains("<script>alert"), "{}", typed.body);
    let long = format!("/docs/search?q={}", "key+".repeat(1000));
    assert_eq!(stranger.get(&long).await.status, 200);
    for nothing in ["/docs/search", "/docs/search?q=", "/docs/search?x=1", "/docs/search?q=%FF"] {
        assert_eq!(stranger.get(nothing).await.status, 200, "{nothing}");
    }
}
