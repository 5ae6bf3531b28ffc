//! Our side of single logout (saml-core 3.7).

use super::KeyError;
use super::outgoing::{Header, Kind, Sent, Way, element};
use crate::authn::sso::ProviderSession;

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// Tells a provider that somebody has signed out.
#[derive(Clone, Copy, Debug)]
pub struct NewLogout<'a> {
    /// The NameID as the provider gave it.
    pub name: &'a str,
    pub session: &'a ProviderSession,
}

impl NewLogout<'_> {
    pub fn send(&self, header: Header<'_>, way: &Way<'_>) -> Result<Sent, KeyError> {
        let reason = ("Reason", "urn:oasis:names:tc:SAML:2.0:logout:user");
        let session = self.session;
        let mut qualifiers = Vec::new();
        let mut qualify = |name, value| {
            if let Some(value) = value {
                qualifiers.push((name, value));
            }
        };
        qualify("Format", session.name_format.as_deref());
        qualify("NameQualifier", session.name_qualifier.as_deref());
        qualify("SPNameQualifier", session.sp_name_qualifier.as_deref());
        way.send(Kind::Request, "samlp:LogoutRequest", header, &[reason], |xml| {
            element(xml, "saml:NameID", &qualifiers, self.name);
            if let Some(index) = &session.index {
                element(xml, "samlp:SessionIndex", &[], index);
            }
        })
    }
}

/// Answers a provider that has signed somebody out.
#[derive(Clone, Copy, Debug)]
pub struct LogoutAnswer<'a> {
    /// The ID of the provider's request.
    pub request: &'a str,
    pub done: bool,
}

impl LogoutAnswer<'_> {
    pub fn send(&self, header: Header<'_>, way: &Way<'_>) -> Result<Sent, KeyError> {
        let asked = ("InResponseTo", self.request);
        let status = if self.done { "Success" } else { "Responder" };
        way.send(Kind::Response, "samlp:LogoutResponse", header, &[asked], |xml| {
            xml.start_element("samlp:Status", &[]);
            xml.empty_element("samlp:StatusCode", &[("Value", &format!("{STATUS}{status}"))]);
            xml.end_element("samlp:Status");
        })
    }
}
