//! SAML 2.0, as a service provider (OASIS saml-core, saml-bindings, saml-profiles, saml-metadata).

mod context;
mod logout;
mod private_key;
mod response;
mod settings;

pub use context::{Carried, Context, LogoutRequest, LogoutResponse, ServiceNames, Verified};
pub use logout::{logout_request, logout_response, unverified_issuer};
pub use private_key::{KeyError, PrivateKey};
pub use response::response;
pub use settings::{Binding, NameIdFormat, SamlSettings};
