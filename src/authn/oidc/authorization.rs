//! Sending somebody to a provider, and what they bring back (OpenID Connect Core, 3.1.2).

use std::time::Duration;

use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient};
use openidconnect::{
    AuthType, AuthenticationContextClass, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{ClientAuthentication, Description, OidcSettings, checks, jws, mask};
use crate::authn::sso::{Refusal, Trace};

pub type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// This service as the provider knows it. `callback` is where people come back to.
pub fn client(
    description: &Description,
    settings: &OidcSettings,
    secret: Option<&SecretString>,
    callback: String,
) -> Result<Client, Refusal> {
    let way = settings.client_authentication;
    let secret = secret.filter(|_| way != ClientAuthentication::None);
    let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let id = ClientId::new(settings.client_id.clone());
    let callback = RedirectUrl::new(callback).map_err(|_| Refusal::DiscoveryWrong)?;
    let way = match way {
        ClientAuthentication::Basic => AuthType::BasicAuth,
        ClientAuthentication::Post | ClientAuthentication::None => AuthType::RequestBody,
    };
    let client = CoreClient::from_provider_metadata(description.metadata().clone(), id, secret);
    Ok(client.set_redirect_uri(callback).set_auth_type(way))
}

/// What is new in every request.
pub struct Question<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    /// PKCE's code verifier (RFC 7636).
    pub verifier: &'a str,
    /// The person has to prove anew who they are.
    pub anew: bool,
}

/// Where the browser is sent.
pub fn authorization_url(client: &Client, settings: &OidcSettings, asked: &Question<'_>) -> String {
    let (state, nonce) = (asked.state.to_owned(), asked.nonce.to_owned());
    let verifier = PkceCodeVerifier::new(asked.verifier.to_owned());
    let contexts = settings.acr_values.iter().cloned().map(AuthenticationContextClass::new);
    let scopes = settings.scopes.iter().filter(|scope| *scope != "openid");
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state.clone()),
            move || Nonce::new(nonce.clone()),
        )
        .add_scopes(scopes.cloned().map(Scope::new))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    for context in contexts {
        request = request.add_auth_context_value(context);
    }
    if asked.anew {
        request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
    }
    request.url().0.into()
}

/// What the browser brings back in its address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AuthorizationResponse {
    pub state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl AuthorizationResponse {
    /// A parameter that comes twice makes it unreadable (RFC 6749, 3.1).
    pub fn parse(query: &str) -> Option<Self> {
        serde_urlencoded::from_str(query).ok()
    }

    /// The code, from the provider that was asked.
    ///
    /// # Errors
    /// [`Refusal::IssuerWrong`] when it is of another provider (RFC 9207), [`Refusal::ProviderSaidNo`],
    /// [`Refusal::Malformed`].
    pub fn code(
        &self,
        description: &Description,
        settings: &OidcSettings,
        trace: &mut Trace,
    ) -> Result<&str, Refusal> {
        trace.document(checks::RESPONSE_DOCUMENT, self.display());
        self.check_issuer(description, settings, trace)?;
        if let Some(error) = &self.error {
            let said = match &self.error_description {
                Some(more) => format!("{error}: {more}"),
                None => error.clone(),
            };
            let said = Some(mask::said(&said));
            return Err(trace.refused(checks::RESPONSE, Refusal::ProviderSaidNo, said, None));
        }
        let Some(code) = self.code.as_deref().filter(|code| !code.is_empty()) else {
            let (name, expected) = (checks::RESPONSE_FORM, Some("code".to_owned()));
            return Err(trace.refused(name, Refusal::Malformed, None, expected));
        };
        trace.passed(checks::RESPONSE, mask::secret(code));
        Ok(code)
    }

    fn check_issuer(
        &self,
        description: &Description,
        settings: &OidcSettings,
        trace: &mut Trace,
    ) -> Result<(), Refusal> {
        match &self.iss {
            Some(issuer) if *issuer == settings.issuer => {
                trace.passed(checks::RESPONSE_ISSUER, issuer);
            }
            None if !description.names_itself() => {
                trace.noted(checks::RESPONSE_ISSUER, "—");
            }
            other => {
                let (found, expected) = (other.as_deref().map(mask::said), &settings.issuer);
                let (name, why) = (checks::RESPONSE_ISSUER, Refusal::IssuerWrong);
                return Err(trace.refused(name, why, found, Some(expected.clone())));
            }
        }
        Ok(())
    }

    fn display(&self) -> String {
        let mut shown = serde_json::Map::new();
        let secret = |text: &Option<String>| text.as_deref().map(mask::secret);
        let plain = |text: &Option<String>| text.as_deref().map(mask::said);
        for (name, value) in [
            ("code", secret(&self.code)),
            ("state", secret(&self.state)),
            ("iss", plain(&self.iss)),
            ("error", plain(&self.error)),
            ("error_description", plain(&self.error_description)),
        ] {
            if let Some(value) = value {
                shown.insert(name.to_owned(), json!(value));
            }
        }
        jws::pretty(&shown.into())
    }
}
