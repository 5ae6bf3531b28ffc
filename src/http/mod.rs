//! The HTTP server: TLS, the shell around every request, and what a route is.
//!
//! A route is declared once (`api::routes`, `web::routes`), with its permission as the type of its
//! handler's argument: a handler takes a [`call::Call<P>`], which only a caller with permission `P`
//! brings about. Router, OpenAPI document, permission matrix and coverage tests come from the same
//! table.

pub mod attachment;
pub mod call;
mod cors;
pub mod csrf;
pub mod failure;
pub mod headers;
pub mod input;
pub mod limits;
pub mod redirect;
pub mod route;
pub mod server;
pub mod shell;
pub mod socket;
pub mod step_up;
pub mod table;
pub mod tls;
