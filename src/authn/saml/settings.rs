//! What a tenant says about a SAML identity provider.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::Timestamp;

/// How a message travels (saml-bindings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    #[default]
    Redirect,
    Post,
}

/// What the provider is asked to call people (saml-core, 8.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NameIdFormat {
    /// A name that never changes and says nothing: what to wish for.
    #[default]
    Persistent,
    Email,
    Unspecified,
    /// A new name at every sign-in. The attribute `subjectAttribute` says who it is.
    Transient,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SamlSettings {
    /// What the provider calls itself.
    pub entity_id: String,
    /// Where people are sent to sign in.
    pub sign_in_url: String,
    pub sign_in_binding: Binding,
    /// Where people, and answers, are sent to sign out; there is no single logout without.
    pub sign_out_url: Option<String>,
    /// Where answers to the provider's own logouts go, when not there.
    pub sign_out_response_url: Option<String>,
    pub sign_out_binding: Binding,
    /// Certificates (PEM) of the keys with which the provider signs: two while it replaces one.
    /// Nothing but these keys is believed; the certificates' dates only warn.
    pub certificates: Vec<String>,
    /// Where the provider's metadata is fetched from, daily. Without it, it was given as a file.
    pub metadata_url: Option<String>,
    /// `validUntil` of the metadata.
    pub metadata_expires: Option<Timestamp>,
    pub name_id_format: NameIdFormat,
    /// The attribute that says who somebody is, instead of the NameID.
    pub subject_attribute: Option<String>,
    /// Requests are signed.
    #[serde(default = "yes")]
    pub sign_requests: bool,
    /// Assertions that are not encrypted are refused.
    pub require_encryption: bool,
    /// The provider may send somebody without being asked (IdP-initiated).
    pub allow_unsolicited: bool,
    /// Signatures with SHA-1 are taken; it is broken.
    pub allow_sha1: bool,
    /// Assertions encrypted with AES-CBC are taken; what they say may have been tampered with.
    pub allow_cbc: bool,
    /// Seconds by which the provider's clock may be wrong; at most 300.
    #[serde(default = "skew")]
    pub clock_skew_seconds: u32,
    /// People sign in at the provider anew each time.
    pub force_authn: bool,
    /// AuthnContextClassRefs that the provider is asked for; any is fine when there is none.
    pub requested_contexts: Vec<String>,
}

const fn yes() -> bool {
    true
}

const fn skew() -> u32 {
    60
}
