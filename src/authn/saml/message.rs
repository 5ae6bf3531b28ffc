//! What all messages have in common.

use super::assertion::{id, issuer, time, version};
use super::decode::{Decoded, decode};
use super::show::shown;
use super::xml::{ASSERTION, Node, PROTOCOL, Xml};
use super::{Carried, checks};
use crate::authn::sso::{Refusal, Trace};
use crate::kernel::Timestamp;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What a provider says about why it did not do something, as much as fits a line.
const SAID: usize = 500;

/// The outermost element (saml-core 3.2).
pub(super) struct Envelope {
    pub id: String,
    pub issued: Timestamp,
    pub issuer: Option<String>,
    pub destination: Option<String>,
    pub in_response_to: Option<String>,
}

impl Envelope {
    pub fn read(node: Node<'_>) -> Result<Self, Refusal> {
        version(node)?;
        Ok(Self {
            id: id(node)?,
            issued: time(node, "IssueInstant")?.ok_or(Refusal::Malformed)?,
            issuer: issuer(node)?,
            destination: node.attribute("Destination").map(str::to_owned),
            in_response_to: node.attribute("InResponseTo").map(str::to_owned),
        })
    }
}

/// The message as text. It is shown as it came, whatever becomes of it.
pub(super) fn decoded<'a>(
    message: Carried<'a>,
    title: &str,
    trace: &mut Trace,
) -> Result<Decoded<'a>, Refusal> {
    match decode(message) {
        Ok(decoded) => {
            trace.document(title, shown(&decoded.text));
            trace.passed(checks::DECODED, decoded.text.len().to_string());
            Ok(decoded)
        }
        Err(why) => Err(trace.refused(checks::DECODED, why, None, None)),
    }
}

/// The message as a document, if it is of one of these kinds.
pub(super) fn read(text: &str, kinds: &[&str], trace: &mut Trace) -> Result<Xml, Refusal> {
    let xml = Xml::read(text).map_err(|why| trace.refused(checks::READABLE, why, None, None))?;
    trace.passed(checks::READABLE, "");
    let root = xml.root()?;
    if !kinds.iter().any(|kind| root.is(PROTOCOL, kind)) {
        let found = Some(root.name().chars().take(100).collect());
        let expected = Some(kinds.join("\n"));
        return Err(trace.refused(checks::KIND, Refusal::Malformed, found, expected));
    }
    trace.passed(checks::KIND, root.name());
    Ok(xml)
}

/// What cannot be read is written down as that.
pub(super) fn checked<T>(
    trace: &mut Trace,
    read: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    read().map_err(|why| trace.refused(checks::READABLE, why, None, None))
}

/// `Status` (saml-core 3.2.2). An error is believed without a signature: it opens nothing.
pub(super) fn succeeded(root: Node<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let status = checked(trace, || status(root))?;
    if status.first().is_some_and(|code| code == SUCCESS) {
        trace.passed(checks::STATUS, status.join("\n"));
        return Ok(());
    }
    let expected = Some(SUCCESS.to_owned());
    Err(trace.refused(checks::STATUS, Refusal::ProviderSaidNo, Some(status.join("\n")), expected))
}

/// The codes, the outer one first, and the provider's words.
pub(super) fn status(root: Node<'_>) -> Result<Vec<String>, Refusal> {
    let status = root.needs(PROTOCOL, "Status")?;
    let mut found = Vec::new();
    let mut next = Some(status.needs(PROTOCOL, "StatusCode")?);
    while let Some(code) = next {
        let value = code.attribute("Value").ok_or(Refusal::Malformed)?;
        found.push(value.chars().take(SAID).collect());
        next = code.child(PROTOCOL, "StatusCode")?;
    }
    if let Some(words) = status.child(PROTOCOL, "StatusMessage")? {
        found.push(words.text()?.chars().take(SAID).collect());
    }
    Ok(found)
}

/// All codes but the words: whether a logout was incomplete is said in the second.
pub(super) fn is_success(status: &[String]) -> bool {
    status.first().is_some_and(|code| code == SUCCESS)
        && !status.iter().any(|code| code.ends_with(":status:PartialLogout"))
}

/// Who says to have sent it. Not checked in any way.
pub(super) fn unverified_issuer(message: Carried<'_>) -> Result<String, Refusal> {
    let decoded = decode(message)?;
    let xml = Xml::read(&decoded.text)?;
    let root = xml.root()?;
    let known = ["Response", "LogoutRequest", "LogoutResponse"];
    if !known.iter().any(|kind| root.is(PROTOCOL, kind)) {
        return Err(Refusal::Malformed);
    }
    let inner = match issuer(root)? {
        Some(issuer) => return Ok(issuer),
        None => root.child(ASSERTION, "Assertion")?,
    };
    inner.map(issuer).transpose()?.flatten().ok_or(Refusal::IssuerUnknown)
}
