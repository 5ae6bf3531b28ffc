//! A provider's answer to "who is this?" (saml-profiles 4.1.4).

use super::assertion::{self, Assertion};
use super::decrypt::{self, Opened};
use super::message::{self, Envelope};
use super::profile;
use super::show::shown;
use super::signature::Keys;
use super::xml::{ASSERTION, Node, SIGNATURE, Xml};
use super::{Carried, Context, Verified, checks};
use crate::authn::sso::{Refusal, Trace};

/// Who somebody is, from the form field `SAMLResponse`. Whether the messages that it names were here
/// before is for the caller.
pub fn response(
    encoded: &str,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Verified, Refusal> {
    let decoded = message::decoded(Carried::Post(encoded), "response", trace)?;
    let came = message::read(&decoded.text, &["Response"], trace)?;
    message::succeeded(came.root()?, trace)?;
    one_assertion(&came, trace)?;
    signatures_in_place(&came, came.root()?, trace)?;

    let proof = Proof { context, keys: Keys::of(context.settings) };
    let signed = proof.response(&came, trace)?;
    // Where the whole is signed, what is signed is read, and not what came.
    let envelope = signed.as_ref().unwrap_or(&came).root()?;
    let inner = proof.assertion(&came, envelope, signed.is_some(), trace)?;
    let node = inner.node(envelope)?;

    let envelope = message::checked(trace, || Envelope::read(envelope))?;
    let assertion = message::checked(trace, || Assertion::read(node))?;
    profile::envelope(&envelope, signed.is_some(), context, trace)?;
    profile::assertion(&assertion, context, trace)?;
    let name = profile::subject(&assertion, context, trace)?;
    profile::verified(envelope, assertion, name, context, trace)
}

/// One in the whole message, and where it belongs: wherever a second one hides, there is a second one.
fn one_assertion(xml: &Xml, trace: &mut Trace) -> Result<(), Refusal> {
    let is_one = |node: &Node<'_>| {
        node.is(ASSERTION, "Assertion") || node.is(ASSERTION, "EncryptedAssertion")
    };
    let all: Vec<Node<'_>> = xml.elements().filter(is_one).collect();
    let root = xml.root()?;
    let why = match all.as_slice() {
        [one] if one.parent().is_some_and(|parent| parent.id == root.id) => None,
        [] | [_] => Some(Refusal::NoAssertion),
        _ => Some(Refusal::SeveralAssertions),
    };
    let found = all.len().to_string();
    let Some(why) = why else {
        trace.passed(checks::ONE_ASSERTION, found);
        return Ok(());
    };
    Err(trace.refused(checks::ONE_ASSERTION, why, Some(found), Some("1".to_owned())))
}

/// Signatures are children of the message and of its assertion, one of each at the most.
fn signatures_in_place(xml: &Xml, root: Node<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let mut owners = Vec::new();
    for signature in xml.elements().filter(|node| node.is(SIGNATURE, "Signature")) {
        let owner = signature.parent();
        let place = owner.filter(|owner| owner.id == root.id || owner.is(ASSERTION, "Assertion"));
        match place {
            Some(owner) if !owners.contains(&owner.id) => owners.push(owner.id),
            _ => {
                let found = owner.map(|owner| owner.name().to_owned());
                let expected = Some("Response\nAssertion".to_owned());
                let check = checks::SIGNATURE_FORM;
                return Err(trace.refused(check, Refusal::SignatureForm, found, expected));
            }
        }
    }
    Ok(())
}

struct Proof<'c> {
    context: &'c Context<'c>,
    keys: Keys,
}

/// Where the assertion is that has been proven to be the provider's.
enum Proven {
    /// In the signed response.
    InResponse,
    /// The text that its own signature covers.
    Itself(Xml),
    /// It was encrypted in a signed response, and is not signed itself.
    Decrypted(Opened),
}

impl Proven {
    fn node<'d>(&'d self, envelope: Node<'d>) -> Result<Node<'d>, Refusal> {
        match self {
            Self::InResponse => envelope.needs(ASSERTION, "Assertion"),
            Self::Itself(xml) => xml.root(),
            Self::Decrypted(opened) => opened.element(ASSERTION, "Assertion"),
        }
    }
}

impl Proof<'_> {
    /// The response as it is signed; none when it is not.
    fn response(&self, came: &Xml, trace: &mut Trace) -> Result<Option<Xml>, Refusal> {
        let root = came.root()?;
        let Some(signature) = root.child(SIGNATURE, "Signature")? else { return Ok(None) };
        let text = self.keys.covered(came, root, signature, checks::RESPONSE_SIGNATURE, trace)?;
        Ok(Some(message::read(&text, &["Response"], &mut Trace::default())?))
    }

    /// The one assertion of the message, proven by its own signature, by that of the response, or by
    /// both: a signature that is there has to be right.
    fn assertion(
        &self,
        came: &Xml,
        envelope: Node<'_>,
        signed: bool,
        trace: &mut Trace,
    ) -> Result<Proven, Refusal> {
        // Its signature may need namespaces that are declared around it, so it is looked at where it
        // came; nothing but the text that the signature covers is read on.
        if let Some(plain) = came.root()?.child(ASSERTION, "Assertion")? {
            if self.context.settings.require_encryption {
                return Err(trace.refused(checks::DECRYPTED, Refusal::NotEncrypted, None, None));
            }
            return match self.own_signature(came, plain, trace)? {
                Some(text) => Ok(Proven::Itself(text)),
                None if signed => Ok(Proven::InResponse),
                None => Err(unsigned(trace)),
            };
        }
        let opened =
            decrypt::open(envelope.needs(ASSERTION, "EncryptedAssertion")?, self.context, trace)?;
        if opened.authentic || signed {
            trace.document("assertion", shown(&opened.text));
            return self.decrypted(came, opened, signed, trace);
        }
        // Anybody may have changed a text in CBC, and would learn from the answer how far it was
        // understood: until a signature over it is right, all is one refusal.
        let mut unseen = Trace::default();
        unseen.document("assertion", shown(&opened.text));
        match self.decrypted(came, opened, signed, &mut unseen) {
            Ok(proven) => {
                trace.steps.append(&mut unseen.steps);
                trace.documents.append(&mut unseen.documents);
                Ok(proven)
            }
            Err(_) => Err(trace.refused(checks::DECRYPTED, Refusal::Encryption, None, None)),
        }
    }

    fn decrypted(
        &self,
        came: &Xml,
        opened: Opened,
        signed: bool,
        trace: &mut Trace,
    ) -> Result<Proven, Refusal> {
        let plain = message::checked(trace, || opened.element(ASSERTION, "Assertion"))?;
        message::checked(trace, || only_one(came, &opened.xml, plain))?;
        signatures_in_place(&opened.xml, plain, trace)?;
        match self.own_signature(&opened.xml, plain, trace)? {
            Some(text) => Ok(Proven::Itself(text)),
            None if signed => Ok(Proven::Decrypted(opened)),
            None => Err(unsigned(trace)),
        }
    }

    fn own_signature(
        &self,
        xml: &Xml,
        plain: Node<'_>,
        trace: &mut Trace,
    ) -> Result<Option<Xml>, Refusal> {
        let Some(signature) = plain.child(SIGNATURE, "Signature")? else { return Ok(None) };
        let text = self.keys.covered(xml, plain, signature, checks::ASSERTION_SIGNATURE, trace)?;
        Ok(Some(Xml::read(&text)?))
    }
}

fn unsigned(trace: &mut Trace) -> Refusal {
    trace.refused(checks::SIGNED, Refusal::Unsigned, None, None)
}

/// No other assertion came along in what was encrypted, and no ID of the outside.
fn only_one(came: &Xml, opened: &Xml, plain: Node<'_>) -> Result<(), Refusal> {
    let other = |node: Node<'_>| {
        let named = node.is(ASSERTION, "Assertion") || node.is(ASSERTION, "EncryptedAssertion");
        named && node.id != plain.id
    };
    if opened.elements().any(other) {
        return Err(Refusal::SeveralAssertions);
    }
    let id = assertion::id(plain)?;
    let twice = came.elements().any(|node| {
        ["ID", "Id", "id"].iter().any(|name| node.attribute(name) == Some(id.as_str()))
    });
    if twice { Err(Refusal::DuplicateId) } else { Ok(()) }
}
