//! From what a browser brings to a text, within bounds.

use std::borrow::Cow;
use std::io::Read;

use data_encoding::BASE64;
use flate2::read::DeflateDecoder;

use super::Carried;
use crate::authn::sso::Refusal;
use crate::kernel::limits::SSO_MESSAGE_BYTES;

/// The only one that saml-bindings (3.4.4.1) knows.
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// A message as text, and how it came.
pub(super) struct Decoded<'a> {
    pub text: String,
    pub query: Option<Query<'a>>,
}

/// Parts of a query as they came, still percent-encoded: a signature is over these octets.
#[derive(Clone, Copy, Default)]
pub(super) struct Query<'a> {
    pub request: Option<&'a str>,
    pub response: Option<&'a str>,
    pub relay_state: Option<&'a str>,
    pub algorithm: Option<&'a str>,
    pub signature: Option<&'a str>,
    encoding: Option<&'a str>,
}

pub(super) fn decode(message: Carried<'_>) -> Result<Decoded<'_>, Refusal> {
    match message {
        Carried::Post(value) => Ok(Decoded { text: text(base64(value)?)?, query: None }),
        Carried::Redirect(query) => {
            let query = Query::read(query)?;
            let text = text(inflate(&base64(&query.message()?)?)?)?;
            Ok(Decoded { text, query: Some(query) })
        }
    }
}

/// Base64 with white space anywhere, as forms have it.
pub(super) fn base64(value: &str) -> Result<Vec<u8>, Refusal> {
    // Four characters are three bytes; white space is for the bound of the request's body.
    let dense: Vec<u8> = value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if dense.len() / 4 * 3 > SSO_MESSAGE_BYTES + 3 {
        return Err(Refusal::TooLarge);
    }
    BASE64.decode(&dense).map_err(|_| Refusal::Malformed)
}

/// The bound holds while it is inflated: a bomb never has the memory that it wants.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut inflated = Vec::new();
    let bound = SSO_MESSAGE_BYTES as u64 + 1;
    let read = DeflateDecoder::new(bytes).take(bound).read_to_end(&mut inflated);
    read.map_err(|_| Refusal::Malformed)?;
    if inflated.len() > SSO_MESSAGE_BYTES { Err(Refusal::TooLarge) } else { Ok(inflated) }
}

fn text(bytes: Vec<u8>) -> Result<String, Refusal> {
    if bytes.len() > SSO_MESSAGE_BYTES {
        return Err(Refusal::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::Malformed)
}

impl<'a> Query<'a> {
    /// Other parameters are left alone; one of these twice is refused, for nobody can know which of
    /// the two somebody else would read.
    fn read(query: &'a str) -> Result<Self, Refusal> {
        if query.len() > SSO_MESSAGE_BYTES * 2 {
            return Err(Refusal::TooLarge);
        }
        let mut found = Self::default();
        for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
            let place = match name {
                "SAMLRequest" => &mut found.request,
                "SAMLResponse" => &mut found.response,
                "RelayState" => &mut found.relay_state,
                "SigAlg" => &mut found.algorithm,
                "Signature" => &mut found.signature,
                "SAMLEncoding" => &mut found.encoding,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Refusal::Malformed);
            }
        }
        match found.encoding.map(unescape).transpose()? {
            Some(encoding) if encoding != DEFLATE => Err(Refusal::Malformed),
            _ => Ok(found),
        }
    }

    fn message(&self) -> Result<Cow<'a, str>, Refusal> {
        match (self.request, self.response) {
            (Some(value), None) | (None, Some(value)) => unescape(value).map(Cow::Owned),
            _ => Err(Refusal::Malformed),
        }
    }

    /// What the provider has signed: the octets as it wrote them, in this order (saml-bindings
    /// 3.4.4.1).
    pub fn signed_octets(&self) -> Option<String> {
        let (name, message) = match (self.request, self.response) {
            (Some(value), None) => ("SAMLRequest", value),
            (None, Some(value)) => ("SAMLResponse", value),
            _ => return None,
        };
        let state = self.relay_state.map(|value| format!("&RelayState={value}"));
        let algorithm = self.algorithm?;
        Some(format!("{name}={message}{}&SigAlg={algorithm}", state.unwrap_or_default()))
    }

    pub fn relay_state(&self) -> Result<Option<String>, Refusal> {
        self.relay_state.map(unescape).transpose()
    }
}

/// One percent-encoded value.
pub(super) fn unescape(value: &str) -> Result<String, Refusal> {
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("v={value}"));
    let pair = pairs.ok().and_then(|mut pairs| if pairs.len() == 1 { pairs.pop() } else { None });
    pair.map(|(_, value)| value).ok_or(Refusal::Malformed)
}
