//! `/platform/performance`: how long requests took.

use serde::Deserialize;

use crate::authz::permission::PlatformDoctorRun;
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::ops::performance::Span;
use crate::web::view::chrome::Section;
use crate::web::view::performance::PerformancePage;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("numbers of requests by route, which say nothing about anybody");
    vec![
        Route::platform(Method::Get, "/platform/performance", quiet, look)
            .says("How long requests took, by route")
            .parameters(&[("range", "`15m` or `24h`")]),
    ]
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    range: String,
}

async fn look(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    let span = match call.input.query::<Query>()?.range.as_str() {
        "24h" => Span::Day,
        _ => Span::Quarter,
    };
    let app = &call.app;
    let (all, lines) = app.performance.figures(span, app.runtime.clock.monotonic());
    respond::page(&PerformancePage {
        span,
        since: app.started,
        all,
        lines,
        chrome: frame::platform(&call, "performance-title", Section::Jobs).await?,
    })
}
