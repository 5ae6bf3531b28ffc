//! Checking an ID token (OpenID Connect Core, 3.1.3.7).

use std::time::Duration;

use super::jws::{self, Claims, Jws};
use super::keys::{KeyError, Keys};
use super::{OidcSettings, checks, mask};
use crate::authn::sso::{Refusal, Trace};
use crate::crypto::mac;
use crate::kernel::{Timestamp, limits};

/// What an ID token is held against.
pub struct Expectation<'a> {
    pub settings: &'a OidcSettings,
    pub nonce: &'a str,
    pub code: &'a str,
    /// That came along with it.
    pub access_token: Option<&'a str>,
    /// When the person was sent to prove who they are, if they had to do so anew.
    pub anew_since: Option<Timestamp>,
    pub now: Timestamp,
}

/// # Errors
/// Why it is not believed.
pub fn id_token(
    text: &str,
    keys: &Keys,
    expected: &Expectation<'_>,
    trace: &mut Trace,
) -> Result<Claims, Refusal> {
    let token = read(text, trace)?;
    trace.document(checks::ID_TOKEN_DOCUMENT, token.display());
    signed(&token, keys, trace)?;
    let Expectation { settings, now, .. } = *expected;
    issued_by_and_for(&token.claims, settings, trace)?;
    in_time(&token.claims, settings, now, trace)?;
    nonce(&token.claims, expected.nonce, trace)?;
    hashes(&token, expected, trace)?;
    anew(&token.claims, expected, trace)?;
    subject(&token.claims, trace)?;
    Ok(token.claims)
}

pub(super) fn read<'a>(text: &'a str, trace: &mut Trace) -> Result<Jws<'a>, Refusal> {
    if let Some(token) = Jws::parse(text) {
        return Ok(token);
    }
    // An encrypted one has five.
    let found = Some(format!("{} parts", text.split('.').count()));
    Err(trace.refused(checks::TOKEN_FORM, Refusal::TokenWrong, found, Some("3 parts".to_owned())))
}

pub(super) fn signed(token: &Jws<'_>, keys: &Keys, trace: &mut Trace) -> Result<(), Refusal> {
    let key = token.key_id().map(mask::said);
    let (name, why, found) = match keys.verify(token) {
        Ok(()) => {
            trace.passed(checks::ALGORITHM, token.algorithm_name());
            trace.passed(checks::SIGNATURE, key.unwrap_or_default());
            return Ok(());
        }
        Err(KeyError::Algorithm) => {
            let found = Some(mask::said(token.algorithm_name()));
            (checks::ALGORITHM, Refusal::TokenWrong, found)
        }
        Err(KeyError::Unknown | KeyError::Signature) => {
            (checks::SIGNATURE, Refusal::SignatureWrong, key)
        }
    };
    Err(trace.refused(name, why, found, None))
}

pub(super) fn issued_by_and_for(
    claims: &Claims,
    settings: &OidcSettings,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let issuer = jws::text(claims, "iss");
    if issuer != Some(settings.issuer.as_str()) {
        let (found, expected) = (issuer.map(mask::said), Some(settings.issuer.clone()));
        return Err(trace.refused(checks::ISSUER, Refusal::IssuerWrong, found, expected));
    }
    trace.passed(checks::ISSUER, &settings.issuer);
    let (audience, own) = (jws::texts(claims, "aud"), settings.client_id.as_str());
    let found = mask::said(&audience.join(", "));
    if !audience.contains(&own) {
        let (why, expected) = (Refusal::AudienceWrong, Some(own.to_owned()));
        return Err(trace.refused(checks::AUDIENCE, why, Some(found), expected));
    }
    trace.passed(checks::AUDIENCE, found);
    match jws::text(claims, "azp") {
        Some(party) if party == own => trace.passed(checks::AUTHORIZED_PARTY, party),
        None if audience.len() == 1 && !claims.contains_key("azp") => {}
        other => {
            let (name, why) = (checks::AUTHORIZED_PARTY, Refusal::AudienceWrong);
            let (found, expected) = (other.map(mask::said), Some(own.to_owned()));
            return Err(trace.refused(name, why, found, expected));
        }
    }
    Ok(())
}

pub(super) fn in_time(
    claims: &Claims,
    settings: &OidcSettings,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let skew = skew(settings);
    let display = |time: Option<Timestamp>| time.map(Timestamp::display);
    let (expires, issued) = (jws::time(claims, "exp"), jws::time(claims, "iat"));
    if expires.is_none_or(|expires| expires.plus(skew) <= now) {
        let (found, expected) = (display(expires), Some(format!("> {}", now.display())));
        return Err(trace.refused(checks::EXPIRY, Refusal::Expired, found, expected));
    }
    trace.passed(checks::EXPIRY, display(expires).unwrap_or_default());
    let begins = [issued, jws::time(claims, "nbf")];
    if issued.is_none() || begins.into_iter().flatten().any(|begins| begins > now.plus(skew)) {
        let found = display(begins.into_iter().flatten().max());
        let expected = Some(format!("< {}", now.display()));
        return Err(trace.refused(checks::ISSUED, Refusal::NotYetValid, found, expected));
    }
    trace.passed(checks::ISSUED, display(issued).unwrap_or_default());
    Ok(())
}

fn nonce(claims: &Claims, expected: &str, trace: &mut Trace) -> Result<(), Refusal> {
    let found = jws::text(claims, "nonce");
    if found.is_some_and(|found| mac::same(found.as_bytes(), expected.as_bytes())) {
        trace.passed(checks::NONCE, mask::secret(expected));
        return Ok(());
    }
    let (found, expected) = (found.map(mask::said), Some(mask::secret(expected)));
    Err(trace.refused(checks::NONCE, Refusal::NonceWrong, found, expected))
}

/// The access token is the one that belongs to this ID token, and so is the code. Both claims may be
/// absent (Core, 3.1.3.6); what is there has to fit.
fn hashes(token: &Jws<'_>, expected: &Expectation<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let pairs = [
        ("at_hash", checks::ACCESS_TOKEN_HASH, expected.access_token),
        ("c_hash", checks::CODE_HASH, Some(expected.code)),
    ];
    for (claim, check, whole) in pairs {
        let Some(found) = token.claims.get(claim) else {
            trace.noted(check, "—");
            continue;
        };
        let algorithm = token.algorithm();
        let right = algorithm.zip(whole).map(|(algorithm, whole)| algorithm.half_hash(whole));
        if found.as_str().is_none() || found.as_str() != right.as_deref() {
            let found = Some(mask::said(found.as_str().unwrap_or_default()));
            return Err(trace.refused(check, Refusal::HashWrong, found, right));
        }
        trace.passed(check, right.unwrap_or_default());
    }
    Ok(())
}

fn anew(claims: &Claims, expected: &Expectation<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let found = jws::time(claims, "auth_time");
    let display = found.map_or_else(|| "—".to_owned(), Timestamp::display);
    let Some(since) = expected.anew_since else {
        trace.noted(checks::AUTHENTICATED, display);
        return Ok(());
    };
    // A second of rounding, beside the clocks.
    let earliest = since.minus(skew(expected.settings)).minus(Duration::from_secs(1));
    if found.is_none_or(|found| found < earliest) {
        let expected = Some(format!("> {}", since.display()));
        let (name, why) = (checks::AUTHENTICATED, Refusal::TooOld);
        return Err(trace.refused(name, why, Some(display), expected));
    }
    trace.passed(checks::AUTHENTICATED, display);
    Ok(())
}

fn subject(claims: &Claims, trace: &mut Trace) -> Result<(), Refusal> {
    let found = jws::text(claims, "sub").unwrap_or_default();
    if found.is_empty() || found.len() > limits::SSO_SUBJECT_BYTES {
        let found = Some(mask::said(found));
        return Err(trace.refused(checks::SUBJECT, Refusal::SubjectMissing, found, None));
    }
    trace.passed(checks::SUBJECT, found);
    Ok(())
}

/// By how much the provider's clock may be wrong.
pub(super) fn skew(settings: &OidcSettings) -> Duration {
    Duration::from_secs(settings.clock_skew_seconds.min(300).into())
}
