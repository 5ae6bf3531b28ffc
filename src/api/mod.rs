//! The REST API, version 1: JSON in, JSON out, RFC 9457 problem details for what goes wrong.

mod access;
mod api_keys;
mod approvals;
mod audit;
mod audit_export;
mod audit_proofs;
mod audit_retention;
mod audit_searches;
mod audit_streams;
mod audit_witness;
mod auth;
mod conversations;
mod erasures;
mod holds;
mod identity_providers;
mod invitations;
pub mod openapi;
pub mod problem;
mod reply;
mod retention;
mod roles;
pub mod scim;
mod scim_settings;
mod second_factor;
mod sessions;
mod settings;
mod single_sign_on;
mod sso_keys;
mod step_up;
mod users;

use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    let mut routes = conversations::routes();
    // Before the members: an id takes any name.
    routes.extend(invitations::routes());
    routes.extend(audit::routes());
    routes.extend(audit_export::routes());
    routes.extend(audit_streams::routes());
    routes.extend(audit_searches::routes());
    routes.extend(audit_proofs::routes());
    routes.extend(audit_witness::routes());
    routes.extend(audit_retention::routes());
    routes.extend(erasures::routes());
    routes.extend(retention::routes());
    routes.extend(holds::routes());
    routes.extend(sessions::routes());
    routes.extend(access::routes());
    routes.extend(step_up::routes());
    routes.extend(approvals::routes());
    routes.extend(settings::routes());
    routes.extend(identity_providers::routes());
    routes.extend(scim_settings::routes());
    routes.extend(single_sign_on::routes());
    routes.extend(sso_keys::routes());
    routes.extend(roles::routes());
    routes.extend(users::routes());
    routes.extend(second_factor::routes());
    routes.extend(api_keys::routes());
    routes.extend(auth::routes());
    routes.extend(scim::routes());
    routes
}
