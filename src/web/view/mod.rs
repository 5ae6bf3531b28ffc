//! Pages as typed structs: plain data with public fields, filled by handlers and rendered by the
//! template named on each struct. A page holds a [`Chrome`] (what surrounds it) and its own data;
//! it knows no database, no request and no permission check: what a person may not do or see is
//! simply absent from the data (`None`, `false`, an empty list).

pub mod about;
pub mod account;
pub mod admins;
pub mod approvals;
pub mod audit;
pub mod audit_entry;
pub mod audit_facets;
pub mod audit_rows;
pub mod audit_search;
pub mod audit_settings;
pub mod audit_timeline;
pub mod audit_verify;
pub mod backups;
pub mod chrome;
pub mod closing;
pub mod configuration;
pub mod conversations;
pub mod docs;
pub mod doctor;
pub mod erasures;
pub mod exports;
pub mod form;
pub mod general;
pub mod help;
pub mod holds;
pub mod home;
pub mod identity_providers;
pub mod incident;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod members;
pub mod passkeys;
pub mod performance;
pub mod permissions;
pub mod platform;
pub mod platform_settings;
pub mod public;
pub mod public_sso;
pub mod query;
pub mod retention;
pub mod roles;
pub mod scim;
pub mod second_factor;
pub mod sessions;
pub mod setup;
pub mod sign_in_settings;
pub mod single_sign_on;
pub mod sso;
pub mod state;
pub mod step_up;
pub mod streams;
pub mod witnesses;

pub use chrome::{ChainPill, Chrome, Flash, NavItem, PersonBadge, Scope, Section};
pub use form::{Choice, Field, FieldError};
pub use query::Pager;
pub use state::{
    ApprovalState, AuthorType, ClosingState, ConversationState, ErasureState, ExportState,
    HoldState, JobResult, KeyState, MemberState, Notice, Outcome, RetentionRunState,
    SecondFactorState, StreamHealth, TenantState, Tone, WitnessState,
};

/// Who did or asked for something; `name` is absent where it is not known or not to be seen.
pub struct Someone {
    /// Code of an actor's type.
    pub kind: String,
    pub id: String,
    pub name: Option<String>,
}
