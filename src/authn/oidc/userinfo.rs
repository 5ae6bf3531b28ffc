//! What the userinfo endpoint says (OpenID Connect Core, 5.3).

use super::jws::{self, Claims};
use super::keys::Keys;
use super::{OidcSettings, checks, id_token, mask};
use crate::authn::sso::{Refusal, Trace};

/// Plain JSON, or a token that the provider has signed.
///
/// # Errors
/// [`Refusal::UserinfoWrong`] when it cannot be read or is about somebody else than the ID token (Core,
/// 5.3.2), and why a signed one is not believed.
pub fn userinfo(
    content_type: &str,
    body: &[u8],
    keys: &Keys,
    settings: &OidcSettings,
    subject: &str,
    trace: &mut Trace,
) -> Result<Claims, Refusal> {
    let is_signed = content_type
        .split(';')
        .next()
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/jwt"));
    let claims = match is_signed {
        true => signed(body, keys, settings, trace)?,
        false => serde_json::from_slice::<Claims>(body).map_err(|error| {
            let found = Some(error.to_string());
            trace.refused(checks::USERINFO, Refusal::UserinfoWrong, found, None)
        })?,
    };
    trace.document(checks::USERINFO_DOCUMENT, jws::pretty(&claims.clone().into()));
    trace.passed(checks::USERINFO, mask::said(content_type));
    let found = jws::text(&claims, "sub");
    if found != Some(subject) {
        let (name, why) = (checks::USERINFO_SUBJECT, Refusal::UserinfoWrong);
        let (found, expected) = (found.map(mask::said), Some(subject.to_owned()));
        return Err(trace.refused(name, why, found, expected));
    }
    trace.passed(checks::USERINFO_SUBJECT, subject);
    Ok(claims)
}

fn signed(
    body: &[u8],
    keys: &Keys,
    settings: &OidcSettings,
    trace: &mut Trace,
) -> Result<Claims, Refusal> {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    let token = id_token::read(text, trace)?;
    id_token::signed(&token, keys, trace)?;
    id_token::issued_by_and_for(&token.claims, settings, trace)?;
    Ok(token.claims)
}
