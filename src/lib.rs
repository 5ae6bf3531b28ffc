//! Strongroom keeps customers' conversations encrypted, tenant by tenant, and proves who touched
//! them. `ARCHITECTURE.md` walks through the rooms.

/// Here and not in `main.rs`, so that tests and benchmarks run on what is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod admins;
pub mod api;
pub mod api_keys;
pub mod app;
pub mod approvals;
pub mod audit;
pub mod authn;
pub mod authz;
pub mod backup;
pub mod cli;
pub mod closing;
pub mod config;
pub mod conversations;
pub mod crypto;
pub mod demo;
pub mod http;
pub mod incident;
pub mod jobs;
pub mod kernel;
pub mod mail;
pub mod ops;
pub mod outgoing;
pub mod privacy;
pub mod provision;
pub mod retention;
pub mod roles;
pub mod scim;
pub mod sessions;
pub mod settings;
pub mod sso;
pub mod store;
pub mod streams;
pub mod tenants;
#[cfg(test)]
pub mod testing;
pub mod trail;
pub mod users;
pub mod web;

/// The commit that this was built from; set by the build, unknown in a plain `cargo build`.
pub const BUILD: &str = match option_env!("STRONGROOM_BUILD") {
    Some(build) => build,
    None => "unknown",
};
