//! What a proven answer has to say before anybody is signed in (saml-profiles 4.1.4.3).

use std::time::Duration;

use super::assertion::{
    Assertion, AuthnStatement, BEARER, Conditions, Confirmation, NameId, TRANSIENT,
};
use super::message::{Envelope, checked};
use super::xml::{ASSERTION, NAME};
use super::{Context, Verified, checks, decrypt};
use crate::authn::sso::{Identity, ProviderSession, Refusal, Trace};
use crate::kernel::Timestamp;

/// What the response says of itself. Signed or not, it may not contradict what is expected.
pub(super) fn envelope(
    envelope: &Envelope,
    signed: bool,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if let Some(issuer) = &envelope.issuer {
        is_issuer(issuer, context, trace)?;
    }
    let expected = &context.service.acs_url;
    destination(envelope.destination.as_deref(), expected, signed, trace)?;
    is_issued(envelope.issued, context, trace)?;
    if envelope.in_response_to.is_some() {
        in_response_to(envelope.in_response_to.as_deref(), context, trace)?;
    }
    Ok(())
}

pub(super) fn is_issuer(
    found: &str,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    same(checks::ISSUER, Refusal::IssuerWrong, Some(found), &context.settings.entity_id, trace)
}

/// What is signed has to say where it goes (saml-bindings 3.5.5.2).
pub(super) fn destination(
    found: Option<&str>,
    expected: &str,
    needed: bool,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if found.is_none() && !needed {
        return Ok(());
    }
    same(checks::DESTINATION, Refusal::DestinationWrong, found, expected, trace)
}

fn same(
    check: &str,
    why: Refusal,
    found: Option<&str>,
    expected: &str,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if found == Some(expected) && !expected.is_empty() {
        trace.passed(check, expected);
        return Ok(());
    }
    Err(trace.refused(check, why, found.map(bounded), Some(expected.to_owned())))
}

/// Not from the future.
pub(super) fn is_issued(
    at: Timestamp,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    not_before(checks::ISSUED, at, context, trace)
}

pub(super) fn skew(context: &Context<'_>) -> Duration {
    Duration::from_secs(u64::from(context.settings.clock_skew_seconds.min(300)))
}

fn not_before(
    check: &str,
    at: Timestamp,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if at <= context.now.plus(skew(context)) {
        trace.passed(check, at.to_string());
        return Ok(());
    }
    let now = Some(context.now.to_string());
    Err(trace.refused(check, Refusal::NotYetValid, Some(at.to_string()), now))
}

pub(super) fn not_after(
    check: &str,
    at: Timestamp,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    if at.plus(skew(context)) > context.now {
        trace.passed(check, at.to_string());
        return Ok(());
    }
    let now = Some(context.now.to_string());
    Err(trace.refused(check, Refusal::Expired, Some(at.to_string()), now))
}

/// The answer to the request that this browser made; or to none, where that is allowed.
fn in_response_to(
    found: Option<&str>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let why = match (context.asked, found) {
        (Some(asked), Some(found)) if asked == found => None,
        (None, None) if context.settings.allow_unsolicited => None,
        (None, None) => Some(Refusal::UnsolicitedOff),
        _ => Some(Refusal::NotAsked),
    };
    let Some(why) = why else {
        trace.passed(checks::REQUEST, found.unwrap_or_default());
        return Ok(());
    };
    let expected = context.asked.map(str::to_owned);
    Err(trace.refused(checks::REQUEST, why, found.map(bounded), expected))
}

pub(super) fn assertion(
    assertion: &Assertion<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    is_issuer(&assertion.issuer, context, trace)?;
    is_issued(assertion.issued, context, trace)?;
    bearer(assertion, context, trace)?;
    match &assertion.conditions {
        Some(found) => conditions(found, context, trace)?,
        None => conditions(&Conditions::default(), context, trace)?,
    }
    let Some(statement) = assertion.statements.first() else {
        return Err(trace.refused(checks::STATEMENT, Refusal::Malformed, None, None));
    };
    trace.passed(checks::STATEMENT, assertion.statements.len().to_string());
    authenticated(statement, &assertion.statements, context, trace)
}

/// One bearer's confirmation that holds. Of several the first one says why none does.
fn bearer(
    assertion: &Assertion<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let mut first = None;
    for one in assertion.confirmations.iter().filter(|one| one.method == BEARER) {
        let mut steps = Trace::default();
        let held = confirmation(one, context, &mut steps);
        if held.is_ok() {
            trace.steps.append(&mut steps.steps);
            return Ok(());
        }
        first.get_or_insert((held, steps));
    }
    let Some((held, mut steps)) = first else {
        let methods = assertion.confirmations.iter().map(|one| bounded(&one.method));
        let found = Some(methods.collect::<Vec<_>>().join("\n"));
        let (why, expected) = (Refusal::ConfirmationMissing, Some(BEARER.to_owned()));
        return Err(trace.refused(checks::CONFIRMATION, why, found, expected));
    };
    trace.steps.append(&mut steps.steps);
    trace.refusal = steps.refusal;
    held
}

fn confirmation(
    one: &Confirmation,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let recipient = one.recipient.as_deref();
    let expected = &context.service.acs_url;
    same(checks::RECIPIENT, Refusal::RecipientWrong, recipient, expected, trace)?;
    let why = Refusal::ConfirmationMissing;
    if let Some(at) = one.not_before {
        let found = Some(format!("NotBefore {at}"));
        return Err(trace.refused(checks::CONFIRMATION, why, found, None));
    }
    let Some(at) = one.not_after else {
        let expected = Some("NotOnOrAfter".to_owned());
        return Err(trace.refused(checks::CONFIRMATION, why, None, expected));
    };
    trace.passed(checks::CONFIRMATION, BEARER);
    not_after(checks::NOT_AFTER, at, context, trace)?;
    in_response_to(one.in_response_to.as_deref(), context, trace)
}

fn conditions(found: &Conditions, context: &Context<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    if let Some(name) = &found.unknown {
        let found = Some(bounded(name));
        return Err(trace.refused(checks::CONDITIONS, Refusal::Malformed, found, None));
    }
    if let Some(at) = found.not_before {
        not_before(checks::NOT_BEFORE, at, context, trace)?;
    }
    if let Some(at) = found.not_after {
        not_after(checks::NOT_AFTER, at, context, trace)?;
    }
    let own = &context.service.entity_id;
    let all: Vec<&str> = found.audiences.iter().flatten().map(String::as_str).collect();
    let meant = found.audiences.iter().all(|audiences| audiences.contains(own));
    if meant && !found.audiences.is_empty() {
        trace.passed(checks::AUDIENCE, own.as_str());
        return Ok(());
    }
    let seen = Some(bounded(&all.join("\n")));
    Err(trace.refused(checks::AUDIENCE, Refusal::AudienceWrong, seen, Some(own.clone())))
}

fn authenticated(
    first: &AuthnStatement,
    all: &[AuthnStatement],
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    for statement in all {
        not_before(checks::AUTHENTICATED, statement.instant, context, trace)?;
        if let Some(end) = statement.session_end {
            not_after(checks::SESSION_END, end, context, trace)?;
        }
    }
    let oldest = all.iter().map(|statement| statement.instant).min().unwrap_or(first.instant);
    if let Some(since) = context.authenticated_since
        && oldest.plus(skew(context)) < since
    {
        let (why, found) = (Refusal::TooOld, Some(oldest.to_string()));
        return Err(trace.refused(checks::AUTHENTICATED, why, found, Some(since.to_string())));
    }
    let contexts = all.iter().flat_map(|statement| statement.contexts.iter());
    trace.noted(checks::CONTEXT, contexts.cloned().collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// The NameID, in the clear or encrypted. There is none where only attributes say who it is.
fn name_id(
    assertion: &Assertion<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Option<NameId>, Refusal> {
    let Some(subject) = assertion.subject else { return Ok(None) };
    if let Some(plain) = checked(trace, || subject.child(ASSERTION, "NameID"))? {
        return checked(trace, || NameId::read(plain)).map(Some);
    }
    let Some(sealed) = checked(trace, || subject.child(ASSERTION, "EncryptedID"))? else {
        return Ok(None);
    };
    let opened = decrypt::open(sealed, context, trace)?;
    let read = opened.element(ASSERTION, "NameID").and_then(NameId::read);
    let read = read.map_err(|_| trace.refused(checks::DECRYPTED, Refusal::Encryption, None, None));
    read.map(Some)
}

/// Who it is: what is to be called the subject, and the NameID.
pub(super) fn subject(
    assertion: &Assertion<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<(String, Option<NameId>), Refusal> {
    let name = name_id(assertion, context, trace)?;
    let format = name.as_ref().and_then(|name| name.format.clone()).unwrap_or_default();
    let subject = match &context.settings.subject_attribute {
        Some(attribute) => {
            let values = assertion.attributes.get(attribute).map(Vec::as_slice);
            // Two values would be two people.
            match values.unwrap_or_default() {
                [one] if !one.is_empty() && one.len() <= NAME => Some(one.clone()),
                _ => None,
            }
        }
        // A new name at every sign-in is nobody's name.
        None if format == TRANSIENT => None,
        None => name.as_ref().map(NameId::known_as),
    };
    let Some(subject) = subject else {
        let expected = context.settings.subject_attribute.clone();
        return Err(trace.refused(
            checks::SUBJECT,
            Refusal::SubjectMissing,
            Some(format),
            expected,
        ));
    };
    trace.passed(checks::SUBJECT, subject.as_str());
    Ok((subject, name))
}

pub(super) fn verified(
    envelope: Envelope,
    assertion: Assertion<'_>,
    (subject, name): (String, Option<NameId>),
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Verified, Refusal> {
    let until = valid_until(&assertion, context);
    let names: Vec<&str> = assertion.attributes.keys().map(String::as_str).collect();
    trace.noted(checks::ATTRIBUTES, names.join("\n"));
    let statements = &assertion.statements;
    let session = ProviderSession {
        index: statements.iter().find_map(|statement| statement.session_index.clone()),
        ends: statements.iter().filter_map(|statement| statement.session_end).min(),
        name: name.as_ref().map(|name| name.value.clone()),
        name_format: name.as_ref().and_then(|name| name.format.clone()),
        name_qualifier: name.as_ref().and_then(|name| name.qualifier.clone()),
        sp_name_qualifier: name.and_then(|name| name.sp_qualifier),
        id_token: None,
    };
    let identity = Identity {
        subject,
        contexts: statements.iter().flat_map(|one| one.contexts.clone()).collect(),
        authenticated: statements.iter().map(|statement| statement.instant).min(),
        attributes: assertion.attributes,
        session,
    };
    Ok(Verified { identity, messages: vec![(envelope.id, until), (assertion.id, until)] })
}

/// When the assertion is over by itself: its ID need not be kept for longer.
fn valid_until(assertion: &Assertion<'_>, context: &Context<'_>) -> Timestamp {
    // Of several confirmations any may be the one that holds the next time.
    let confirmed = assertion.confirmations.iter().filter_map(|one| one.not_after).max();
    let conditions = assertion.conditions.as_ref().and_then(|conditions| conditions.not_after);
    let until = confirmed.into_iter().chain(conditions).min();
    until.unwrap_or(context.now).plus(skew(context))
}

pub(super) fn bounded(text: &str) -> String {
    text.chars().take(NAME).collect()
}
