//! SAML 2.0, as a service provider (OASIS saml-core, saml-bindings, saml-profiles, saml-metadata).
//!
//! How a message is read: `decode` (bounds) → `xml` (no markup that hides anything) → `signature`,
//! `decrypt` (what the provider has signed, and nothing else) → `assertion`, `message` (what it says)
//! → `profile` (whether that is meant for this service, now). `response` and `logout` put it together.

mod algorithms;
mod assertion;
mod certificate;
pub mod checks;
mod context;
mod decode;
mod decrypt;
mod logout;
mod logout_write;
mod message;
pub mod metadata;
mod outgoing;
#[cfg(test)]
mod outgoing_tests;
mod private_key;
mod profile;
mod request;
mod response;
mod service_key;
mod settings;
mod show;
mod signature;
mod xml;

pub use certificate::{Certificate, CertificateError};
pub use context::{Carried, Context, LogoutRequest, LogoutResponse, ServiceNames, Verified};
pub use logout::{logout_request, logout_response, unverified_issuer};
pub use logout_write::{LogoutAnswer, NewLogout};
pub use outgoing::{Header, Sent, Way};
pub use private_key::{KeyError, PrivateKey};
pub use request::AuthnRequest;
pub use response::response;
pub use service_key::ServiceKey;
pub use settings::{Binding, NameIdFormat, SamlSettings};
