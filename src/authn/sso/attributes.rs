//! What a provider says about somebody, within bounds.

use std::collections::BTreeMap;

use super::Refusal;
use crate::kernel::limits;

/// Gathers attributes. A provider's message is small; what it unfolds to need not be: a name that many
/// values share is written once there, and here for each.
#[derive(Debug, Default)]
pub struct Attributes {
    all: BTreeMap<String, Vec<String>>,
    bytes: usize,
}

impl Attributes {
    /// Passes over one whose name is too long.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] when there are too many. None is left out instead: it could be the one
    /// that says that an address is not verified.
    pub fn add(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        let more = value.len();
        if let Some(values) = self.named(name)? {
            values.push(value);
            self.bytes += more;
        }
        if self.bytes > limits::SSO_ATTRIBUTE_BYTES { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    /// The values under this name, which is there from now on if it was not.
    ///
    /// # Errors
    /// As [`Attributes::add`].
    pub fn named(&mut self, name: &str) -> Result<Option<&mut Vec<String>>, Refusal> {
        if name.len() > limits::SSO_ATTRIBUTE_NAME_BYTES {
            return Ok(None);
        }
        let is_new = !self.all.contains_key(name);
        self.bytes += if is_new { name.len() } else { 0 };
        let is_full = is_new && self.all.len() >= limits::SSO_ATTRIBUTES;
        if is_full || self.bytes > limits::SSO_ATTRIBUTE_BYTES {
            return Err(Refusal::TooLarge);
        }
        Ok(Some(self.all.entry(name.to_owned()).or_default()))
    }

    pub fn all(self) -> BTreeMap<String, Vec<String>> {
        self.all
    }
}
