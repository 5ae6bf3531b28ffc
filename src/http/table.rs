//! The one table of routes.

use std::sync::LazyLock;

use super::route::Route;

/// Every route of the server.
pub fn routes() -> &'static [Route] {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut routes = crate::ops::routes();
        routes.extend(crate::api::routes());
        routes.extend(crate::web::routes());
        routes
    });
    &ROUTES
}
