//! What a key may do and from where: read from what somebody asks for, and held against what they
//! may give away.

use super::model::{ApiKeyError, NETWORKS_MOST};
use crate::authn::{AuthnError, key_rights};
use crate::authz::{Flag, Permissions, Principal, Role};
use crate::kernel::Network;
use crate::store::Sql;

/// As it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRights {
    /// Empty when there are scopes.
    pub role: String,
    /// Names, separated by blanks, in the order of the table.
    pub scopes: Option<String>,
}

impl KeyRights {
    pub fn asked(role: Option<&str>, scopes: Option<&[String]>) -> Result<Self, ApiKeyError> {
        match (role, scopes) {
            (Some(role), None) => {
                let built_in = role.parse::<Role>().map(|role| role.name().to_owned());
                Ok(Self { role: built_in.unwrap_or_else(|_| role.to_owned()), scopes: None })
            }
            (None, Some(scopes)) if !scopes.is_empty() => {
                let possible = Role::Owner.permissions();
                let flag = |name: &String| {
                    let flag = Flag::parse(name).filter(|flag| possible.has(*flag));
                    flag.ok_or_else(|| ApiKeyError::Scope(name.chars().take(64).collect()))
                };
                let chosen: Permissions = scopes.iter().map(flag).collect::<Result<_, _>>()?;
                let names: Vec<_> = chosen.iter().map(Flag::name).collect();
                Ok(Self { role: String::new(), scopes: Some(names.join(" ")) })
            }
            _ => Err(ApiKeyError::Rights),
        }
    }

    pub fn permissions(&self, tx: &impl Sql) -> Result<Permissions, ApiKeyError> {
        match key_rights(tx, &self.role, self.scopes.as_deref()) {
            Ok(rights) => Ok(rights.permissions()),
            Err(AuthnError::Door(error)) => Err(error.into()),
            Err(_) => Err(ApiKeyError::Role(self.role.chars().take(64).collect())),
        }
    }

    /// # Errors
    /// [`ApiKeyError::TooMuch`] when they permit something that the giver lacks.
    pub fn given_by(&self, tx: &impl Sql, giver: &Principal) -> Result<(), ApiKeyError> {
        let permissions = self.permissions(tx)?;
        giver.may_give(permissions).then_some(()).ok_or(ApiKeyError::TooMuch)
    }
}

/// In one form, separated by blanks, as they are stored.
pub(super) fn networks(asked: &[String]) -> Result<String, ApiKeyError> {
    if asked.len() > NETWORKS_MOST {
        return Err(ApiKeyError::Networks);
    }
    let read = |text: &String| {
        let network = Network::parse(text.trim()).map(|network| network.to_string());
        network.ok_or_else(|| ApiKeyError::Network(text.chars().take(64).collect()))
    };
    let mut networks = asked.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    networks.sort();
    networks.dedup();
    Ok(networks.join(" "))
}

pub(super) fn name(asked: &str) -> Result<String, ApiKeyError> {
    let name = asked.trim();
    let fits = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or(ApiKeyError::Name)
}
