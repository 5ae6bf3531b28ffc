//! Provisioning: what a provider needs, and which groups mean which role.

use askama::Template;

use super::{Choice, Chrome, Field};
use crate::kernel::Timestamp;

/// `GET|POST /t/{slug}/admin/scim`; each rule is sent as `rule_order`, `rule_group` and `rule_role`, and
/// one without a group is none.
#[derive(Template)]
#[template(path = "scim.html")]
pub struct ScimPage {
    pub chrome: Chrome,
    /// What a provider calls the tenant URL.
    pub url: String,
    pub users: u64,
    pub groups: u64,
    /// When provisioning last changed something.
    pub changed: Option<Timestamp>,
    /// Rules, with room for more where they may be changed.
    pub rules: Vec<RuleFields>,
    /// Names of groups that are there, to choose from.
    pub group_names: Vec<String>,
    pub default_role: Field,
    pub default_roles: Vec<Choice>,
    /// One a line.
    pub domains: Field,
    pub provider_domains: Vec<String>,
    pub may_change: bool,
    pub may_make_key: bool,
    /// Why the change was refused.
    pub problem: Option<String>,
}

pub struct RuleFields {
    /// From 1.
    pub number: u64,
    pub group: String,
    pub role: Field,
    pub roles: Vec<Choice>,
}
