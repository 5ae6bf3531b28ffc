//! A provider says that somebody's session is over (OpenID Connect Back-Channel Logout 1.0, 2.6).

use super::jws::{self, Claims, Jws};
use super::keys::Keys;
use super::{OidcSettings, checks, id_token, mask};
use crate::authn::sso::{Refusal, Trace};
use crate::kernel::{Timestamp, limits};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whose sessions end. One of both is there: without `session` all of `subject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub subject: Option<String>,
    pub session: Option<String>,
    /// The token's own id, which works once, and until when it would work again.
    pub message: (String, Timestamp),
}

/// Who a logout token says that it is from and for. Nothing of it is believed yet.
pub fn logout_addresses(text: &str) -> Option<(String, Vec<String>)> {
    let claims = Jws::parse(text)?.claims;
    let audience = jws::texts(&claims, "aud").into_iter().take(limits::OIDC_AUDIENCES);
    Some((jws::text(&claims, "iss")?.to_owned(), audience.map(str::to_owned).collect()))
}

/// # Errors
/// Why it is not believed.
pub fn logout_token(
    text: &str,
    keys: &Keys,
    settings: &OidcSettings,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<Ended, Refusal> {
    let token = id_token::read(text, trace)?;
    trace.document(checks::LOGOUT_DOCUMENT, token.display());
    // An ID token is none, whatever else it says; one that does not say what it is may be (2.4).
    if token.media_type().is_some_and(|media_type| !is_logout(media_type)) {
        let (found, expected) = (token.media_type().map(mask::said), Some("logout+jwt".to_owned()));
        return Err(trace.refused(checks::TYPE, Refusal::TokenWrong, found, expected));
    }
    id_token::signed(&token, keys, trace)?;
    id_token::issued_by_and_for(&token.claims, settings, trace)?;
    id_token::in_time(&token.claims, settings, now, trace)?;
    event(&token.claims, trace)?;
    let text = |name: &str| {
        let found = jws::text(&token.claims, name).filter(|text| !text.is_empty());
        found.filter(|text| text.len() <= limits::SSO_SUBJECT_BYTES).map(str::to_owned)
    };
    let Some(id) = text("jti") else {
        let expected = Some("jti".to_owned());
        return Err(trace.refused(checks::LOGOUT_ID, Refusal::TokenWrong, None, expected));
    };
    let (subject, session) = (text("sub"), text("sid"));
    if subject.is_none() && session.is_none() {
        let expected = Some("sub, sid".to_owned());
        return Err(trace.refused(checks::SUBJECT, Refusal::SubjectMissing, None, expected));
    }
    let expires = jws::time(&token.claims, "exp").unwrap_or(now);
    let until = expires.plus(id_token::skew(settings));
    Ok(Ended { subject, session, message: (id, until) })
}

fn is_logout(media_type: &str) -> bool {
    let bare = media_type.to_ascii_lowercase();
    // Some call every token just that.
    matches!(bare.strip_prefix("application/").unwrap_or(&bare), "logout+jwt" | "jwt")
}

/// It is about a logout, and no ID token that somebody sends here: those have a nonce (2.4).
fn event(claims: &Claims, trace: &mut Trace) -> Result<(), Refusal> {
    let said = claims.get("events").and_then(|events| events.get(EVENT));
    if !said.is_some_and(serde_json::Value::is_object) || claims.contains_key("nonce") {
        let (name, why) = (checks::LOGOUT_EVENT, Refusal::TokenWrong);
        return Err(trace.refused(name, why, None, Some(EVENT.to_owned())));
    }
    trace.passed(checks::LOGOUT_EVENT, EVENT);
    Ok(())
}
