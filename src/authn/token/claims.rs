//! What an access token says, and whether that was said by us.

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use serde::{Deserialize, Serialize};

use crate::authn::{AuthnError, Factor, Factors};
use crate::kernel::id::{SessionId, TenantId, UserId};

/// The media type of access tokens (RFC 9068), so that nothing else that is signed passes for one.
const TYPE: &str = "at+jwt";

/// Claims (RFC 7519); times in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub iss: String,
    pub aud: String,
    /// The person.
    pub sub: UserId,
    pub tid: TenantId,
    /// The session.
    pub sid: SessionId,
    /// Of this one token.
    pub jti: uuid::Uuid,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    /// How the person proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// When they did last.
    pub auth_time: i64,
}

impl Claims {
    pub fn sign(&self, kid: &str, key: &EncodingKey) -> Result<String, AuthnError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid.to_owned());
        encode(&header, self, key).map_err(|_| AuthnError::NoTokenKey)
    }

    /// What a token says, when `key` signed it and it is meant for `audience` at `now`.
    pub fn read(
        token: &str,
        key: &DecodingKey,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Option<Self> {
        let mut wanted = Validation::new(Algorithm::EdDSA);
        wanted.set_issuer(&[issuer]);
        wanted.set_audience(&[audience]);
        wanted.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // By our own clock, below.
        (wanted.validate_exp, wanted.validate_nbf) = (false, false);
        let claims = decode::<Self>(token, key, &wanted).ok()?.claims;
        (claims.nbf <= now && now < claims.exp).then_some(claims)
    }
}

/// The key that a token says it was signed with. Believed for looking it up, no more.
pub(super) fn kid(token: &str) -> Option<String> {
    let header = decode_header(token).ok()?;
    let ours = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(TYPE);
    header.kid.filter(|_| ours && header.crit.is_none())
}

/// RFC 8176, where it has a name; `mfa` when it was more than one thing.
pub(super) fn amr(factors: &Factors) -> Vec<String> {
    let name = |factor| match factor {
        Factor::Password => "pwd",
        Factor::Link => "link",
        Factor::Passkey => "user",
        Factor::SecurityKey => "pop",
        Factor::Authenticator | Factor::RecoveryCode => "otp",
        // RFC 8176 has no name for it.
        Factor::Provider | Factor::ProviderMfa => "sso",
    };
    let mut names: Vec<_> = factors.iter().map(|factor| name(factor).to_owned()).collect();
    if factors.iter().any(|factor| factor == Factor::Passkey) {
        names.push("pop".to_owned());
    }
    if names.len() > 1 || factors.iter().any(|factor| factor == Factor::ProviderMfa) {
        names.push("mfa".to_owned());
    }
    names
}
