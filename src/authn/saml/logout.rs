//! Providers that sign somebody out, and their answers when we do (saml-profiles 4.4). A signature is
//! never optional.

use super::assertion::{NameId, time};
use super::decode::{Decoded, base64, unescape};
use super::message::{self, Envelope, checked};
use super::signature::Keys;
use super::xml::{ASSERTION, NAME, Node, PROTOCOL, SIGNATURE, Xml};
use super::{Carried, Context, LogoutRequest, LogoutResponse, checks, decrypt, profile};
use crate::authn::sso::{Refusal, Trace};
use crate::kernel::Timestamp;
use crate::kernel::limits::SSO_LOGOUT_LIFE;

/// Sessions that one request names.
const SESSIONS: usize = 100;

/// A logout that the provider began.
pub fn logout_request(
    message: Carried<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<LogoutRequest, Refusal> {
    let proven = proven(message, "LogoutRequest", context, trace)?;
    let root = proven.xml.root()?;
    let envelope = checked(trace, || Envelope::read(root))?;
    let until = meant_for_us(&envelope, root, context, trace)?;
    let name = name(root, context, trace)?;
    let indexes = root.all(PROTOCOL, "SessionIndex").into_iter();
    let sessions: Vec<String> =
        checked(trace, || indexes.map(|index| index.text()).collect::<Result<_, _>>())?;
    if sessions.len() > SESSIONS || sessions.iter().any(|index| index.len() > NAME) {
        return Err(trace.refused(checks::SESSIONS, Refusal::Malformed, None, None));
    }
    trace.noted(checks::SESSIONS, sessions.join("\n"));
    Ok(LogoutRequest {
        messages: vec![(envelope.id.clone(), until)],
        id: envelope.id,
        subject: name.known_as(),
        sessions,
        relay_state: proven.relay_state,
    })
}

/// The provider's answer to a logout of ours; `context.asked` is the ID of that.
pub fn logout_response(
    message: Carried<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<LogoutResponse, Refusal> {
    let proven = proven(message, "LogoutResponse", context, trace)?;
    let root = proven.xml.root()?;
    let envelope = checked(trace, || Envelope::read(root))?;
    let until = meant_for_us(&envelope, root, context, trace)?;
    let found = envelope.in_response_to.filter(|id| context.asked == Some(id.as_str()));
    let Some(in_response_to) = found else {
        let expected = context.asked.map(str::to_owned);
        return Err(trace.refused(checks::REQUEST, Refusal::NotAsked, None, expected));
    };
    trace.passed(checks::REQUEST, in_response_to.as_str());
    let status = checked(trace, || message::status(root))?;
    trace.noted(checks::STATUS, status.join("\n"));
    Ok(LogoutResponse {
        in_response_to,
        complete: message::is_success(&status),
        relay_state: proven.relay_state,
        messages: vec![(envelope.id, until)],
    })
}

/// Who says to have sent a message, to find the provider whose keys are then held against it. Nothing
/// of the message has been checked: use it for that alone.
pub fn unverified_issuer(message: Carried<'_>) -> Result<String, Refusal> {
    message::unverified_issuer(message)
}

/// A message of which every byte is the provider's.
struct Proven {
    xml: Xml,
    relay_state: Option<String>,
}

fn proven(
    message: Carried<'_>,
    kind: &str,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Proven, Refusal> {
    let title = if kind == "LogoutRequest" { "logout-request" } else { "logout-response" };
    let decoded = message::decoded(message, title, trace)?;
    let came = message::read(&decoded.text, &[kind], trace)?;
    let keys = Keys::of(context.settings);
    if decoded.query.is_some() {
        return detached(decoded, came, &keys, trace);
    }
    let root = came.root()?;
    let all = came.elements().filter(|node| node.is(SIGNATURE, "Signature"));
    let all: Vec<Node<'_>> = all.collect();
    let signature = match all.as_slice() {
        [] => return Err(trace.refused(checks::SIGNED, Refusal::Unsigned, None, None)),
        [one] if one.parent().is_some_and(|parent| parent.id == root.id) => *one,
        _ => {
            let check = checks::SIGNATURE_FORM;
            return Err(trace.refused(check, Refusal::SignatureForm, None, Some(kind.to_owned())));
        }
    };
    let text = keys.covered(&came, root, signature, checks::MESSAGE_SIGNATURE, trace)?;
    Ok(Proven { xml: message::read(&text, &[kind], &mut Trace::default())?, relay_state: None })
}

/// The signature beside the message, over the query as it came (saml-bindings 3.4.4.1).
fn detached(
    decoded: Decoded<'_>,
    came: Xml,
    keys: &Keys,
    trace: &mut Trace,
) -> Result<Proven, Refusal> {
    let query = decoded.query.unwrap_or_default();
    let parts = (query.signed_octets(), query.algorithm, query.signature);
    let (Some(octets), Some(algorithm), Some(signature)) = parts else {
        return Err(trace.refused(checks::SIGNED, Refusal::Unsigned, None, None));
    };
    let algorithm = checked(trace, || unescape(algorithm))?;
    let signature = checked(trace, || unescape(signature).and_then(|text| base64(&text)))?;
    keys.have_signed(octets.as_bytes(), &algorithm, &signature, trace)?;
    Ok(Proven { xml: came, relay_state: checked(trace, || query.relay_state())? })
}

/// Issuer, destination and time of a logout's messages; until when they are good.
fn meant_for_us(
    envelope: &Envelope,
    root: Node<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Timestamp, Refusal> {
    profile::is_issuer(envelope.issuer.as_deref().unwrap_or_default(), context, trace)?;
    let own = &context.service.logout_url;
    profile::destination(envelope.destination.as_deref(), own, true, trace)?;
    profile::is_issued(envelope.issued, context, trace)?;
    let said = checked(trace, || time(root, "NotOnOrAfter"))?;
    let until = said.unwrap_or(envelope.issued.plus(SSO_LOGOUT_LIFE));
    profile::not_after(checks::NOT_AFTER, until, context, trace)?;
    Ok(until.plus(profile::skew(context)))
}

fn name(root: Node<'_>, context: &Context<'_>, trace: &mut Trace) -> Result<NameId, Refusal> {
    let missing = |trace: &mut Trace, why| trace.refused(checks::SUBJECT, why, None, None);
    let plain = checked(trace, || root.child(ASSERTION, "NameID"))?;
    let read = match plain {
        Some(plain) => NameId::read(plain),
        None => {
            let sealed = checked(trace, || root.child(ASSERTION, "EncryptedID"))?;
            let sealed = sealed.ok_or_else(|| missing(trace, Refusal::SubjectMissing))?;
            let opened = decrypt::open(sealed, context, trace)?;
            let read = opened.element(ASSERTION, "NameID").and_then(NameId::read);
            read.map_err(|_| Refusal::Encryption)
        }
    };
    let name = read.map_err(|why| missing(trace, why))?;
    trace.passed(checks::SUBJECT, name.known_as());
    Ok(name)
}
