//! When something has happened: what is taken away, read-only mode, runbooks.

use askama::Template;

use super::{Chrome, Field};
use crate::incident::{Access, Counted, Revoked};
use crate::tenants::ReadOnly;

/// `GET /platform/incident`. Forms send `confirm`, `reason`; `reason`, `until`; `tenant`.
#[derive(Template)]
#[template(path = "incident/platform.html")]
pub struct IncidentPage {
    pub chrome: Chrome,
    pub counted: Counted,
    pub confirm: Field,
    pub reason: Field,
    /// Who stopped all changes.
    pub read_only: Option<ReadOnly>,
    /// For who may turn it on and off.
    pub may_switch: bool,
    /// For who may replace keys.
    pub may_replace: bool,
    pub why: Field,
    pub until: Field,
    /// A tenant's short name.
    pub tenant: Field,
}

/// `GET /platform/incident/tenants/{name}`; sends `confirm`, `reason`.
#[derive(Template)]
#[template(path = "incident/tenant.html")]
pub struct IncidentTenantPage {
    pub chrome: Chrome,
    pub name: String,
    pub slug: String,
    pub access: Access,
    pub confirm: Field,
    pub reason: Field,
}

/// `GET /t/{slug}/admin/access`; sends `user` or `confirm`, and `reason`.
#[derive(Template)]
#[template(path = "incident/access.html")]
pub struct AccessPage {
    pub chrome: Chrome,
    pub slug: String,
    /// Of everybody.
    pub all: Access,
    /// The member who was asked for, and what there is of theirs.
    pub user: Field,
    pub of_user: Option<Access>,
    pub confirm: Field,
    pub reason: Field,
}

/// What was taken away.
#[derive(Template)]
#[template(path = "incident/done.html")]
pub struct RevokedPage {
    pub chrome: Chrome,
    pub done: Revoked,
    /// The page that it was done on.
    pub back: String,
}
