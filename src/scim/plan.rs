//! What decides, within one transaction, whom provisioning reaches and what they get.

use std::collections::{BTreeSet, HashMap};

use super::{ScimError, ScimSettings, repo};
use crate::approvals;
use crate::authn::SignInPolicy;
use crate::authz::{Flag, Rights, Role};
use crate::kernel::id::{GroupId, UserId};
use crate::roles::{self, RoleError};
use crate::store::Sql;
use crate::tenants::RealmTx;
use crate::users::Member;

pub struct Plan {
    pub settings: ScimSettings,
    policy: SignInPolicy,
    /// The groups that rules name, as far as they are there, in the order of the rules.
    rules: Vec<(GroupId, String)>,
    rights: HashMap<String, Option<Rights>>,
}

impl Plan {
    pub fn read(tx: &impl RealmTx) -> Result<Self, ScimError> {
        let settings = repo::settings(tx)?;
        let mut rules = Vec::new();
        for rule in &settings.rules {
            if let Some(group) = repo::group_by_name(tx, &rule.group)? {
                rules.push((group, rule.role.clone()));
            }
        }
        let policy = SignInPolicy::read(tx)?;
        Ok(Self { settings, policy, rules, rights: HashMap::new() })
    }

    /// What a role permits; nothing when it is gone.
    pub fn rights(&mut self, tx: &impl Sql, role: &str) -> Result<Option<Rights>, ScimError> {
        if let Some(known) = self.rights.get(role) {
            return Ok(known.clone());
        }
        let found = match roles::resolve(tx, role) {
            Ok(rights) => Some(rights),
            Err(RoleError::Door(error)) => return Err(error.into()),
            Err(_) => None,
        };
        self.rights.insert(role.to_owned(), found.clone());
        Ok(found)
    }

    /// The role that the rules give somebody now.
    pub fn role(&mut self, tx: &impl Sql, user: UserId) -> Result<Option<Rights>, ScimError> {
        let groups: BTreeSet<GroupId> = repo::groups_of(tx, user)?.into_iter().collect();
        let fitting = self.rules.iter().filter(|(group, _)| groups.contains(group));
        let mut roles: Vec<String> = fitting.map(|(_, role)| role.clone()).collect();
        roles.extend(self.settings.default_role.clone());
        for role in roles {
            if let Some(rights) = self.rights(tx, &role)? {
                return Ok(Some(rights));
            }
        }
        Ok(None)
    }

    /// Whether a second person would have to agree to this.
    pub fn takes_two(&mut self, tx: &impl Sql, from: &str, to: &Rights) -> Result<bool, ScimError> {
        let before = self.rights(tx, from)?.map(|rights| rights.permissions());
        let gains = approvals::gains(before.unwrap_or_default(), to.permissions());
        Ok(self.policy.four_eyes && (gains || to.role() == Role::Owner.name()))
    }

    /// Whether somebody with this role counts as a second person. Whoever has their address has their
    /// voice, so only people change that.
    pub fn approves(&mut self, tx: &impl Sql, role: &str) -> Result<bool, ScimError> {
        let rights = self.rights(tx, role)?.map(|rights| rights.permissions());
        Ok(self.policy.four_eyes && rights.is_some_and(|rights| rights.has(Flag::ApprovalDecide)))
    }

    /// Why provisioning must not touch a member. `given` is the role that it last gave them.
    pub fn out_of_reach(&self, member: &Member, given: Option<&str>) -> Option<&'static str> {
        if self.policy.is_break_glass(*member.id.bytes()) {
            return Some("the emergency account is not provisioned");
        }
        let role = member.role.as_str();
        let is_ours = self.settings.roles().any(|own| own == role) || given == Some(role);
        (!is_ours).then_some(
            "this member's role was not given by provisioning, and no rule could give it: a person has to change them",
        )
    }

    /// Whether people of this address may be provisioned.
    pub fn check_address(&self, tx: &impl Sql, email: &str) -> Result<(), ScimError> {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        let domain = domain.unwrap_or_default();
        if self.settings.domains.contains(&domain) || repo::is_provider_domain(tx, &domain)? {
            return Ok(());
        }
        Err(ScimError::value(format!(
            "addresses of {domain} are not provisioned here: an owner adds the domain to an identity provider or to the settings of provisioning"
        )))
    }
}
