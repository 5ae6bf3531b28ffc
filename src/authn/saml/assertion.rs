//! An assertion as it says (saml-core 2.3). Read strictly from a text that is proven to be the
//! provider's: what may be there once is there once, what has to be there is.

use std::collections::BTreeMap;

use super::xml::{ASSERTION, NAME, Node};
use crate::authn::sso::{Attributes, Refusal, known_as};
use crate::kernel::Timestamp;

pub(super) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
pub(super) const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

pub(super) struct Assertion<'d> {
    pub id: String,
    pub issuer: String,
    pub issued: Timestamp,
    pub subject: Option<Node<'d>>,
    pub confirmations: Vec<Confirmation>,
    pub conditions: Option<Conditions>,
    pub statements: Vec<AuthnStatement>,
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// `SubjectConfirmation` with its data.
pub(super) struct Confirmation {
    pub method: String,
    pub recipient: Option<String>,
    pub in_response_to: Option<String>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

#[derive(Default)]
pub(super) struct Conditions {
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    /// Each has to name this service.
    pub audiences: Vec<Vec<String>>,
    /// A condition that nobody here understands: the assertion is not valid then (saml-core 2.5.1).
    pub unknown: Option<String>,
}

pub(super) struct AuthnStatement {
    pub instant: Timestamp,
    pub session_index: Option<String>,
    pub session_end: Option<Timestamp>,
    pub contexts: Vec<String>,
}

#[derive(Clone)]
pub(super) struct NameId {
    pub value: String,
    pub format: Option<String>,
    pub qualifier: Option<String>,
    pub sp_qualifier: Option<String>,
}

impl<'d> Assertion<'d> {
    pub fn read(node: Node<'d>) -> Result<Self, Refusal> {
        version(node)?;
        let subject = node.child(ASSERTION, "Subject")?;
        let confirmations = subject.map(|subject| subject.all(ASSERTION, "SubjectConfirmation"));
        let confirmations = confirmations.unwrap_or_default().into_iter();
        let conditions = node.child(ASSERTION, "Conditions")?;
        let statements = node.all(ASSERTION, "AuthnStatement").into_iter();
        Ok(Self {
            id: id(node)?,
            issuer: issuer(node)?.ok_or(Refusal::Malformed)?,
            issued: time(node, "IssueInstant")?.ok_or(Refusal::Malformed)?,
            subject,
            confirmations: confirmations.map(Confirmation::read).collect::<Result<_, _>>()?,
            conditions: conditions.map(Conditions::read).transpose()?,
            statements: statements.map(AuthnStatement::read).collect::<Result<_, _>>()?,
            attributes: attributes(node)?,
        })
    }
}

/// 2.0, on everything.
pub(super) fn version(node: Node<'_>) -> Result<(), Refusal> {
    if node.attribute("Version") == Some("2.0") { Ok(()) } else { Err(Refusal::Malformed) }
}

pub(super) fn id(node: Node<'_>) -> Result<String, Refusal> {
    let id = node.attribute("ID").filter(|id| !id.is_empty() && id.len() <= NAME);
    id.map(str::to_owned).ok_or(Refusal::Malformed)
}

/// The child `Issuer`, which names an entity and nothing else.
pub(super) fn issuer(node: Node<'_>) -> Result<Option<String>, Refusal> {
    let Some(issuer) = node.child(ASSERTION, "Issuer")? else { return Ok(None) };
    if issuer.attribute("Format").is_some_and(|format| format != ENTITY) {
        return Err(Refusal::Malformed);
    }
    issuer.text().map(Some)
}

/// An attribute of type xs:dateTime: UTC, with or without saying so (saml-core 1.3.3).
pub(super) fn time(node: Node<'_>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = node.attribute(name).map(str::trim) else { return Ok(None) };
    let read = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
    read.map(Some).ok_or(Refusal::Malformed)
}

impl Confirmation {
    fn read(node: Node<'_>) -> Result<Self, Refusal> {
        let data = node.child(ASSERTION, "SubjectConfirmationData")?;
        let text = |name| data.and_then(|data| data.attribute(name)).map(str::to_owned);
        let time = |name| data.map_or(Ok(None), |data| time(data, name));
        Ok(Self {
            method: node.attribute("Method").ok_or(Refusal::Malformed)?.to_owned(),
            recipient: text("Recipient"),
            in_response_to: text("InResponseTo"),
            not_before: time("NotBefore")?,
            not_after: time("NotOnOrAfter")?,
        })
    }
}

impl Conditions {
    fn read(node: Node<'_>) -> Result<Self, Refusal> {
        let mut found = Self {
            not_before: time(node, "NotBefore")?,
            not_after: time(node, "NotOnOrAfter")?,
            ..Self::default()
        };
        for condition in node.elements() {
            if condition.is(ASSERTION, "AudienceRestriction") {
                let audiences = condition.all(ASSERTION, "Audience").into_iter();
                found.audiences.push(audiences.map(|node| node.text()).collect::<Result<_, _>>()?);
            } else if !condition.is(ASSERTION, "OneTimeUse")
                // Everything is used once; and nothing is passed on to others.
                && !condition.is(ASSERTION, "ProxyRestriction")
            {
                found.unknown = Some(condition.name().to_owned());
            }
        }
        Ok(found)
    }
}

impl AuthnStatement {
    fn read(node: Node<'_>) -> Result<Self, Refusal> {
        let context = node.needs(ASSERTION, "AuthnContext")?;
        let classes = context.all(ASSERTION, "AuthnContextClassRef").into_iter();
        Ok(Self {
            instant: time(node, "AuthnInstant")?.ok_or(Refusal::Malformed)?,
            session_index: node.attribute("SessionIndex").map(str::to_owned),
            session_end: time(node, "SessionNotOnOrAfter")?,
            contexts: classes.map(|class| class.text()).collect::<Result<_, _>>()?,
        })
    }
}

impl NameId {
    /// Name and format: the qualifiers only say who gave it.
    pub fn known_as(&self) -> String {
        known_as(&self.value, self.format.as_deref())
    }

    pub fn read(node: Node<'_>) -> Result<Self, Refusal> {
        let value = node.text()?;
        if value.is_empty() || value.len() > NAME {
            return Err(Refusal::SubjectMissing);
        }
        let text = |name| node.attribute(name).map(str::to_owned);
        // It is a URI. With blanks in it, it could be taken for a part of the name.
        let format = node.attribute("Format").unwrap_or_default();
        if format.len() > NAME || format.contains(char::is_whitespace) {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            value,
            format: text("Format").filter(|format| !format.is_empty()),
            qualifier: text("NameQualifier"),
            sp_qualifier: text("SPNameQualifier"),
        })
    }
}

/// By `Name`; and by `FriendlyName` where nothing has that for its name.
fn attributes(node: Node<'_>) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let statements = node.all(ASSERTION, "AttributeStatement").into_iter();
    let all: Vec<Node<'_>> =
        statements.flat_map(|statement| statement.all(ASSERTION, "Attribute")).collect();
    let mut named = Attributes::default();
    let mut friendly = Attributes::default();
    for attribute in all {
        let name = attribute.attribute("Name").ok_or(Refusal::Malformed)?;
        let also = attribute.attribute("FriendlyName");
        named.named(name)?;
        also.map(|also| friendly.named(also)).transpose()?;
        for value in attribute.all(ASSERTION, "AttributeValue") {
            let Some(value) = value_of(value)? else { continue };
            if let Some(also) = also {
                friendly.add(also, value.clone())?;
            }
            named.add(name, value)?;
        }
    }
    let mut named = named.all();
    for (name, values) in friendly.all() {
        named.entry(name).or_insert(values);
    }
    Ok(named)
}

/// A text, or the NameID that some attributes have for a value. Other structures mean nothing here.
fn value_of(node: Node<'_>) -> Result<Option<String>, Refusal> {
    if node.attribute_of(XSI, "nil").is_some_and(|nil| matches!(nil, "true" | "1")) {
        return Ok(None);
    }
    let inside: Vec<Node<'_>> = node.elements().collect();
    match inside.as_slice() {
        [] => node.text().map(Some),
        [name] if name.is(ASSERTION, "NameID") => name.text().map(Some),
        _ => Ok(None),
    }
}
