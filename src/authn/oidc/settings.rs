//! What a tenant says about an OpenID Connect provider. The client secret is kept apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the provider's own description comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
pub enum Discovery {
    /// `{issuer}/.well-known/openid-configuration`, and the keys that it names.
    Issuer,
    /// Pasted, for sites that do not fetch it: the discovery document, and the key set (JWKS).
    Document {
        document: String,
        /// Fetched from the document's `jwks_uri` when absent.
        keys: Option<String>,
    },
}

/// How this service proves to the provider who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// The secret in an `Authorization` header.
    #[default]
    Basic,
    /// The secret in the form.
    Post,
    /// No secret: PKCE alone.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    #[serde(default = "by_issuer")]
    pub discovery: Discovery,
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Claims are fetched from the provider's userinfo endpoint as well.
    #[serde(default)]
    pub userinfo: bool,
    /// `acr_values` that the provider is asked for.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Certificates (PEM) of private authorities that the provider's address may have its own from.
    #[serde(default)]
    pub certificate_authorities: Option<String>,
    /// Seconds by which the provider's clock may be wrong; at most 300.
    #[serde(default = "skew")]
    pub clock_skew_seconds: u32,
}

fn by_issuer() -> Discovery {
    Discovery::Issuer
}

fn usual_scopes() -> Vec<String> {
    ["email", "profile"].map(str::to_owned).to_vec()
}

const fn skew() -> u32 {
    60
}
