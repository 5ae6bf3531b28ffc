//! SAML 2.0, as a service provider (OASIS saml-core, saml-bindings, saml-profiles, saml-metadata).

mod settings;

pub use settings::{Binding, NameIdFormat, SamlSettings};
