//! Strongroom keeps customers' conversations encrypted, tenant by tenant, and proves who touched
//! them. `ARCHITECTURE.md` walks through the rooms.

pub mod audit;
pub mod authz;
pub mod config;
pub mod conversations;
pub mod crypto;
pub mod http;
pub mod kernel;
pub mod ops;
pub mod store;
pub mod tenants;
#[cfg(test)]
pub mod testing;
