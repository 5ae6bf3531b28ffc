//! Who somebody is, as a provider says.

use std::collections::BTreeMap;

use super::vouched::ProviderSession;
use crate::kernel::Timestamp;

/// What a provider has said about somebody, after all of it was checked. Nothing in here comes from
/// outside of what the provider has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the provider always calls this person: `sub`, the NameID with its format
    /// ([`known_as`](super::known_as)), or an attribute.
    pub subject: String,
    /// Attributes or claims by name, as texts; of several values each is one.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// How the person has proven who they are: `acr` and `amr`, or AuthnContextClassRef.
    pub contexts: Vec<String>,
    /// When they have: `auth_time`, AuthnInstant.
    pub authenticated: Option<Timestamp>,
    pub session: ProviderSession,
}

impl Identity {
    /// The first value of the first of these attributes that is there and not blank.
    pub fn first<'a>(&'a self, names: &[String]) -> Option<&'a str> {
        let values = names.iter().filter_map(|name| self.attributes.get(name)).flatten();
        values.map(|value| value.trim()).find(|value| !value.is_empty())
    }
}
