//! What a provider says about itself (OpenID Connect Discovery 1.0).

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::Url;
use openidconnect::{AdditionalProviderMetadata, ProviderMetadata};
use serde::{Deserialize, Serialize};

use super::OidcSettings;
use super::checks;
use crate::authn::sso::{Refusal, Trace};

/// What the library does not know of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    end_session_endpoint: Option<String>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

pub type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A discovery document of the provider that it should be of, with addresses over TLS alone.
#[derive(Clone, Debug)]
pub struct Description(Metadata);

impl Description {
    /// Where an issuer's document is.
    pub fn address(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// # Errors
    /// [`Refusal::DiscoveryWrong`] for a document of another issuer, or that cannot be used.
    pub fn read(json: &[u8], settings: &OidcSettings, trace: &mut Trace) -> Result<Self, Refusal> {
        let wrong = Refusal::DiscoveryWrong;
        let metadata: Metadata = serde_json::from_slice(json).map_err(|error| {
            trace.refused(checks::DISCOVERY, wrong, Some(error.to_string()), None)
        })?;
        let issuer = metadata.issuer().as_str();
        // To the letter (Discovery, 4.3): what decides whose tokens are believed is not normalised.
        if issuer != settings.issuer {
            let (found, expected) = (Some(issuer.to_owned()), Some(settings.issuer.clone()));
            return Err(trace.refused(checks::DISCOVERY, wrong, found, expected));
        }
        trace.passed(checks::DISCOVERY, issuer);
        let this = Self(metadata);
        for (name, address) in this.addresses() {
            if !is_safe(address) {
                let found = Some(format!("{name}: {address}"));
                let expected = Some("https://…".to_owned());
                return Err(trace.refused(checks::ENDPOINTS, wrong, found, expected));
            }
        }
        if this.token_endpoint().is_none() {
            let expected = Some("token_endpoint".to_owned());
            return Err(trace.refused(checks::ENDPOINTS, wrong, None, expected));
        }
        trace.passed(checks::ENDPOINTS, this.authorization_endpoint());
        Ok(this)
    }

    pub fn metadata(&self) -> &Metadata {
        &self.0
    }

    pub fn authorization_endpoint(&self) -> &str {
        self.0.authorization_endpoint().as_str()
    }

    pub fn token_endpoint(&self) -> Option<&str> {
        self.0.token_endpoint().map(|url| url.as_str())
    }

    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.0.userinfo_endpoint().map(|url| url.as_str())
    }

    pub fn keys_address(&self) -> &str {
        self.0.jwks_uri().as_str()
    }

    pub fn end_session_endpoint(&self) -> Option<&str> {
        self.0.additional_metadata().end_session_endpoint.as_deref()
    }

    /// Whether its answers say who they are from.
    pub fn names_itself(&self) -> bool {
        self.0.additional_metadata().authorization_response_iss_parameter_supported
    }

    fn addresses(&self) -> Vec<(&'static str, &str)> {
        let optional = [
            ("token_endpoint", self.token_endpoint()),
            ("userinfo_endpoint", self.userinfo_endpoint()),
            ("end_session_endpoint", self.end_session_endpoint()),
        ];
        let needed = [
            ("issuer", self.0.issuer().as_str()),
            ("authorization_endpoint", self.authorization_endpoint()),
            ("jwks_uri", self.keys_address()),
        ];
        let optional = optional.into_iter().filter_map(|(name, url)| Some((name, url?)));
        needed.into_iter().chain(optional).collect()
    }
}

/// Over TLS, without a password in it or a place in the page.
fn is_safe(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    })
}
