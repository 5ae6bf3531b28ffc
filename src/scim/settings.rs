//! Which groups mean which role, and whose addresses a provider may name: the row `scim` of
//! `settings`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Plan, ScimError, limits, repo, settle};
use crate::approvals;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{SsoManage, SsoRead};
use crate::authz::{Grant, Permission, Role};
use crate::kernel::Timestamp;
use crate::kernel::limits::LINE_BYTES;
use crate::roles;
use crate::tenants::{AuditEvents, Tenants};

/// The row of `settings`.
pub const SETTING: &str = "scim";

/// Whoever is in this group gets this role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupRule {
    /// The group's name; capitals and small letters are the same.
    pub group: String,
    /// The code of a role.
    pub role: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ScimSettings {
    /// The first that fits counts.
    pub rules: Vec<GroupRule>,
    /// For whom none fits; without one they cannot sign in.
    pub default_role: Option<String>,
    /// Domains of e-mail addresses that people may have, beside those of the identity providers.
    pub domains: Vec<String>,
}

impl ScimSettings {
    /// The roles that provisioning can give.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.role.as_str()).chain(self.default_role.as_deref())
    }
}

/// The settings, and what provisioning has done so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimOverview {
    #[serde(flatten)]
    pub settings: ScimSettings,
    /// Domains that people may have because an identity provider has them.
    pub provider_domains: Vec<String>,
    /// Members that provisioning keeps.
    pub users: u64,
    pub groups: u64,
    /// Names of the groups, for rules; the first 200.
    pub group_names: Vec<String>,
    /// When provisioning last changed something.
    pub changed_at: Option<Timestamp>,
}

/// As it is now.
pub async fn overview(
    tenants: &Tenants,
    grant: &Grant<SsoRead>,
) -> Result<ScimOverview, ScimError> {
    look(tenants, grant).await
}

async fn look<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<ScimOverview, ScimError> {
    let read = tenants.read(grant, |tx| {
        Ok(ScimOverview {
            settings: repo::settings(tx)?,
            provider_domains: repo::provider_domains(tx)?,
            users: repo::count_users(tx)?,
            groups: repo::count_groups(tx)?,
            group_names: repo::group_names(tx, limits::RULES)?,
            changed_at: repo::last_change(tx)?,
        })
    });
    read.await
}

/// Changes them as a whole. The roles of those whom provisioning keeps change at once.
///
/// # Errors
/// [`ScimError::NotAnOwner`]; what is wrong; [`ScimError::Role`] for a role that is not there or has rights that the caller
/// lacks, and for one that can approve where two people must agree on that.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    to: ScimSettings,
) -> Result<ScimOverview, ScimError> {
    let principal = grant.caller().principal.clone();
    if !principal.may_give(Role::Owner.permissions()) {
        return Err(ScimError::NotAnOwner);
    }
    let to = checked(to)?;
    let written = tenants.write(grant, move |tx| {
        let before = repo::settings(tx)?;
        for role in to.roles() {
            let rights = roles::give(tx, &principal, role)?;
            approvals::pass_role(tx, rights.permissions()).map_err(|error| ScimError::Setting {
                field: "rules",
                message: error.to_string(),
            })?;
        }
        if before == to {
            return Ok(((), AuditEvents::none()));
        }
        repo::set_settings(tx, &to)?;
        let mut plan = Plan::read(tx)?;
        let mut events: AuditEvents = changed(&before, &to).into();
        for id in repo::all_users(tx)? {
            events = events.then(settle::settle(tx, &mut plan, id)?);
        }
        Ok::<_, ScimError>(((), events))
    });
    written.await?;
    look(tenants, grant).await
}

fn checked(mut settings: ScimSettings) -> Result<ScimSettings, ScimError> {
    let wrong = |field, message: &str| ScimError::Setting { field, message: message.to_owned() };
    if settings.rules.len() > limits::RULES || settings.domains.len() > limits::RULES {
        return Err(wrong("rules", "at most 200 rules and 200 domains"));
    }
    let mut seen = BTreeSet::new();
    for rule in &mut settings.rules {
        rule.group = rule.group.trim().to_owned();
        rule.role = rule.role.trim().to_owned();
        let clean = !rule.group.chars().any(char::is_control);
        if rule.group.is_empty() || rule.group.len() > LINE_BYTES || !clean {
            return Err(wrong("rules", "a rule names a group, in up to 512 bytes on one line"));
        }
        if !seen.insert(rule.group.to_lowercase()) {
            return Err(wrong("rules", "there are two rules for one group: the first would count"));
        }
    }
    settings.default_role =
        settings.default_role.map(|role| role.trim().to_owned()).filter(|role| !role.is_empty());
    for domain in &mut settings.domains {
        *domain = domain.trim().trim_start_matches('@').to_lowercase();
    }
    settings.domains.retain(|domain| !domain.is_empty());
    settings.domains.sort();
    settings.domains.dedup();
    match settings.domains.iter().all(|domain| is_domain(domain)) {
        true => Ok(settings),
        false => {
            Err(wrong("domains", "write the domains of e-mail addresses, such as example.org"))
        }
    }
}

/// Two labels at least (RFC 1035, 2.3.1; with the digits of RFC 1123).
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

fn changed(before: &ScimSettings, after: &ScimSettings) -> Event {
    let mut event = Event::new(catalogue::SETTINGS_CHANGED);
    event.resource = Some(Resource::new("setting", SETTING));
    let fields = |settings| serde_json::to_value(settings).unwrap_or_default();
    let (old, new) = (fields(before), fields(after));
    for name in ["rules", "defaultRole", "domains"] {
        if old[name] != new[name] {
            let change = Change { old: Some(old[name].clone()), new: Some(new[name].clone()) };
            event.changes.insert(name.to_owned(), change);
        }
    }
    event
}
