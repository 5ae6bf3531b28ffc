//! Asking a provider who somebody is (saml-core 3.4.1).

use super::outgoing::{Header, Kind, Sent, Way, element};
use super::{KeyError, NameIdFormat};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// An AuthnRequest.
#[derive(Clone, Copy, Debug)]
pub struct AuthnRequest<'a> {
    /// Where the answer has to come.
    pub acs_url: &'a str,
    pub name_id_format: NameIdFormat,
    /// The person has to prove anew who they are, whatever session they have there.
    pub force: bool,
    /// AuthnContextClassRefs, of which one has to do; any when there is none.
    pub contexts: &'a [String],
}

impl NameIdFormat {
    /// As SAML calls it (saml-core 8.3).
    pub const fn urn(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Email => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        }
    }
}

impl AuthnRequest<'_> {
    pub fn send(&self, header: Header<'_>, way: &Way<'_>) -> Result<Sent, KeyError> {
        let mut attributes =
            vec![("ProtocolBinding", POST), ("AssertionConsumerServiceURL", self.acs_url)];
        if self.force {
            attributes.push(("ForceAuthn", "true"));
        }
        way.send(Kind::Request, "samlp:AuthnRequest", header, &attributes, |xml| {
            let format = ("Format", self.name_id_format.urn());
            xml.empty_element("samlp:NameIDPolicy", &[format, ("AllowCreate", "true")]);
            if self.contexts.is_empty() {
                return;
            }
            xml.start_element("samlp:RequestedAuthnContext", &[("Comparison", "exact")]);
            for context in self.contexts {
                element(xml, "saml:AuthnContextClassRef", &[], context);
            }
            xml.end_element("samlp:RequestedAuthnContext");
        })
    }
}
