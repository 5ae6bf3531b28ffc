//! What a provider says about a person, and what becomes of it here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ScimError;
use super::shape::{self, USER};
use crate::users::check_email;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserAttributes {
    pub user_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NameParts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Address>,
    /// Absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NameParts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

impl UserAttributes {
    /// # Errors
    /// [`ScimError::Value`] says what is missing or wrong.
    pub fn read(given: &Value) -> Result<Self, ScimError> {
        let one_form = shape::resource(USER, given)?;
        let read: Self = serde_json::from_value(one_form)
            .map_err(|_| ScimError::value("the attributes do not fit the schema"))?;
        if read.user_name.is_empty() {
            return Err(ScimError::value("userName is required"));
        }
        if read.emails.iter().filter(|email| email.primary == Some(true)).count() > 1 {
            return Err(ScimError::value("only one address can be the primary one"));
        }
        check_email(read.address()).map_err(|_| {
            ScimError::value("no e-mail address: send emails, or a userName that is an address")
        })?;
        Ok(read)
    }

    /// The canonical form, which is also what [`super::patch::apply`] changes.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The member's e-mail address.
    pub fn address(&self) -> &str {
        let with = |wanted: fn(&Address) -> bool| {
            self.emails.iter().find(|email| wanted(email)).and_then(|email| email.value.as_deref())
        };
        let primary = with(|email| email.primary == Some(true) && email.value.is_some());
        let work = || with(|email| email.kind.as_deref() == Some("work") && email.value.is_some());
        let first = || with(|email| email.value.is_some());
        primary.or_else(work).or_else(first).unwrap_or(&self.user_name)
    }

    /// The member's name.
    pub fn full_name(&self) -> String {
        let name = self.name.clone().unwrap_or_default();
        let parts = [name.given_name.as_deref(), name.family_name.as_deref()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let together = (!parts.is_empty()).then(|| parts.join(" "));
        let own = self.display_name.clone().or(name.formatted).or(together);
        own.unwrap_or_else(|| self.user_name.clone()).chars().take(120).collect()
    }

    pub fn is_active(&self) -> bool {
        self.active.unwrap_or(true)
    }

    /// Every address that it names.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().filter_map(|email| email.value.as_deref())
    }
}
