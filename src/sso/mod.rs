//! A tenant's identity providers: set up, asked, believed as far as their settings say.
//!
//! A sign-in goes from [`begin`] to the provider and back to [`finish`]. In between the protocols
//! (`saml`, `oidc`) turn what comes back into an identity or a refusal; who that is here, and what
//! becomes of it, is decided in [`decide`] by the provider's settings and nothing else.

mod activity;
mod begin;
mod check;
mod confirm;
mod decide;
mod describe;
mod ended;
mod error;
mod find;
mod finish;
pub mod keys;
mod links;
pub mod logout;
mod manage;
mod metadata;
mod model;
pub mod oidc;
mod presets;
mod provision;
mod repo;
mod reports;
pub mod requests;
pub mod saml;
mod send;
#[cfg(test)]
mod tests;
pub mod watch;

pub use activity::{Activity, activity};
pub use begin::{Begun, Start, begin};
pub use confirm::{Confirming, confirming};
pub use describe::in_words;
pub use ended::{EndedThere, end_by_provider, record_refused};
pub use error::SsoError;
pub use find::{Found, Offered, find, find_oidc, find_saml, for_address, offered};
pub use finish::{Answer, Finished, finish};
pub use links::{Linked, links, unlink};
pub use manage::{
    NewProvider, ProviderChange, TrustedProvider, change, create, delete, get, list, trust_approved,
};
pub use metadata::fetch_metadata;
pub use model::{
    Mapping, Preset, Protocol, Provider, ProviderSettings, ProviderState, Provisioning, RoleRule,
    Trust,
};
pub use presets::{Suggestion, suggestion};
pub use reports::{Arrived, Report, ReportKind, ReportSummary, report, reports};
pub use requests::{Expected, NewRequest, Pending, Purpose};
pub use send::SendAway;
