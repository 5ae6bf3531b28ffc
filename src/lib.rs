//! Strongroom keeps customers' conversations encrypted, tenant by tenant, and proves who touched
//! them. `ARCHITECTURE.md` walks through the rooms.

pub mod admins;
pub mod api_keys;
pub mod audit;
pub mod authn;
pub mod authz;
pub mod config;
pub mod conversations;
pub mod crypto;
pub mod http;
pub mod kernel;
pub mod ops;
pub mod provision;
pub mod store;
pub mod tenants;
#[cfg(test)]
pub mod testing;
pub mod trail;
pub mod users;
pub mod web;
