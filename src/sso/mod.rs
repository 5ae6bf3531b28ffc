//! A tenant's identity providers: set up, asked, believed as far as their settings say.

mod error;
mod model;
pub mod requests;
pub mod watch;

pub use error::SsoError;
pub use model::{
    Mapping, Preset, Protocol, Provider, ProviderSettings, ProviderState, Provisioning, RoleRule,
    Trust,
};
pub use requests::{Expected, NewRequest, Pending, Purpose};
