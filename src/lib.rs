//! Strongroom keeps customers' conversations encrypted, tenant by tenant, and proves who touched
//! them. `ARCHITECTURE.md` walks through the rooms.

pub mod kernel;
pub mod web;
