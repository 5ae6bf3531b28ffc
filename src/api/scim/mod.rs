//! `/scim/v2/…`: provisioning, RFC 7644. The tenant is the API key's.

mod discovery;
mod groups;
mod reply;
mod users;

pub use reply::error;

use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    let mut routes = users::routes();
    routes.extend(groups::routes());
    routes.extend(discovery::routes());
    routes
}
