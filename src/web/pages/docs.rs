//! `/docs`: the documentation, for everybody who reaches the console. Whoever installs, has lost
//! their second factor or verifies from outside is not signed in.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Deserialize;

use crate::http::call::OpenCall;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::web::docs;
use crate::web::messages::Messages;
use crate::web::respond;
use crate::web::view::chrome::Chrome;
use crate::web::view::docs::{DocsContents, DocsPage, DocsSearch};

const QUIET: Audit = Audit::Nothing("nobody's data is touched");
const WHY: &str = "the documentation, the same for everybody";
/// Letters of a search.
const SEARCH_LETTERS: usize = 200;

pub fn routes() -> Vec<Route> {
    let page = Surface::Console;
    vec![
        Route::open(Method::Get, "/docs", page, WHY, QUIET, contents).says("Documentation"),
        // Before the pages: they take any name.
        Route::open(Method::Get, "/docs/search", page, WHY, QUIET, search)
            .says("Search the documentation"),
        Route::open(Method::Get, "/docs/{page}", page, WHY, QUIET, one)
            .says("A page of the documentation"),
        Route::open(Method::Get, "/docs/runbooks/{page}", page, WHY, QUIET, runbook)
            .says("What to do when something has happened"),
        Route::open(Method::Get, "/docs/images/{file}", Surface::Operations, WHY, QUIET, image)
            .says("A picture of the documentation"),
    ]
}

async fn contents(_: OpenCall) -> Answer {
    respond::page(&DocsContents::new(Chrome::public(Messages::english(), "docs-title")))
}

async fn one(call: OpenCall) -> Answer {
    show(call.input.path("page").to_owned())
}

async fn runbook(call: OpenCall) -> Answer {
    show(format!("runbooks/{}", call.input.path("page")))
}

fn show(path: String) -> Answer {
    let page = docs::library().page(&path).ok_or_else(Failure::not_found)?;
    let mut chrome = Chrome::public(Messages::english(), "docs-title");
    chrome.title.clone_from(&page.title);
    respond::page(&DocsPage { chrome, page, path })
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    q: String,
}

async fn search(call: OpenCall) -> Answer {
    let query = serde_urlencoded::from_str(call.input.request.query_string());
    let Query { q } = query.unwrap_or(Query { q: String::new() });
    let q: String = q.chars().take(SEARCH_LETTERS).collect();
    let found = docs::library().search(&q);
    let chrome = Chrome::public(Messages::english(), "docs-search-title");
    respond::page(&DocsSearch { chrome, q, found })
}

async fn image(call: OpenCall) -> Answer {
    let bytes = docs::image(call.input.path("file")).ok_or_else(Failure::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("image/png")
        .body(bytes.into_owned()))
}
