//! What a provider's message is held against, and what comes of it.

use super::{PrivateKey, SamlSettings};
use crate::authn::sso::Identity;
use crate::kernel::Timestamp;

/// What this service is called, and where it is: what a message has to be meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceNames {
    pub entity_id: String,
    pub acs_url: String,
    pub logout_url: String,
}

/// Everything that a check of a message looks at but the message.
pub struct Context<'a> {
    pub settings: &'a SamlSettings,
    pub service: &'a ServiceNames,
    /// Those with which a provider may have encrypted: the current one, the next, and the former.
    pub keys: &'a [PrivateKey],
    /// The ID of the request that is answered; none when the provider was not asked.
    pub asked: Option<&'a str>,
    /// The person has to have proven who they are since: for a confirmation, and with `ForceAuthn`
    /// (when the request was made).
    pub authenticated_since: Option<Timestamp>,
    pub now: Timestamp,
}

/// Somebody for whom a provider vouches, after everything about it was checked but whether it comes
/// for the second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub identity: Identity,
    /// IDs of the response and the assertion. They work once: until these times, after which both are
    /// over anyway.
    pub messages: Vec<(String, Timestamp)>,
}

/// How a message came (saml-bindings 3.4, 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    /// The value of the form's field `SAMLRequest` or `SAMLResponse`.
    Post(&'a str),
    /// The query of the address exactly as it came, without its question mark: its octets are signed.
    Redirect(&'a str),
}

/// Whoever a provider signs out (saml-core 3.7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    /// What the answer names in `InResponseTo`.
    pub id: String,
    /// What the provider calls the person: the NameID with its format.
    pub subject: String,
    /// Which of their sessions; all when there is none.
    pub sessions: Vec<String>,
    /// Goes back as it came.
    pub relay_state: Option<String>,
    /// Works once, until then.
    pub messages: Vec<(String, Timestamp)>,
}

/// What a provider says to our own logout (saml-core 3.7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResponse {
    pub in_response_to: String,
    /// False when it could not sign the person out everywhere.
    pub complete: bool,
    pub relay_state: Option<String>,
    pub messages: Vec<(String, Timestamp)>,
}
