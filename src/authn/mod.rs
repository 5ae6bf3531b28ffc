//! Proving who somebody is. Reads credential tables only, and yields a
//! [`Principal`](crate::authz::Principal).

mod admission;
mod agent;
mod api_key;
mod authenticator;
pub mod device;
mod emergency;
mod enrolment;
mod hasher;
mod known;
pub(crate) mod links;
mod maker;
mod notice;
pub mod oidc;
mod own_factors;
pub mod passkey;
mod person;
mod policy;
mod recovery;
mod rights;
pub mod saml;
mod second_factor;
mod session;
mod sign_in;
mod single_factor;
pub mod sso;
mod standing;
mod step_up;
mod throttle;
mod ticket;
pub mod token;

pub use admission::{Admission, Client, Factor, Factors, Proof, Spend, Wanted, admit};
pub use agent::Agent;
pub use api_key::{ApiKeys, flush_use};
pub use authenticator::{AppSecret, code as authenticator_code};
pub use emergency::{end_with_provider, end_without_provider, last_emergency, without_provider};
pub use enrolment::{enrol, show_enrolment};
pub use hasher::Hasher;
pub use known::known_of;
pub use links::{
    Ask, AskFor, LinkFor, Opened, Way, ask_for_address, ask_for_link, confirm_address,
    consume as consume_link, create as create_link, look as look_at_link, look_at_address_link,
    look_at_reset_link, look_at_sign_in_link, reset_password, sign_in_by_link,
};
pub use maker::maker;
pub use notice::tell;
pub use own_factors::{
    OwnAccount, OwnAccountRead, OwnFactors, are_own_recovery_codes, confirm_authenticator,
    new_authenticator, new_recovery_codes, own_factors, remove_authenticator, reset_factors,
};
pub use person::{Needs, Person, tables};
pub use policy::{SETTING as SIGN_IN_SETTING, SignInPolicy};
pub use recovery::RecoveryCodes;
pub use rights::{SCOPED, key_rights, rights};
pub use second_factor::{SecondFactor, check_code, second_factor, spend_code};
pub use session::{
    Authenticated, SessionPolicy, SignedIn, end_all, end_session, form_binding, holder,
    principal_of, session, session_holder, session_of,
};
pub use sign_in::{Credentials, sign_in, sign_in_nowhere, sign_in_platform};
pub use single_factor::{count_without_second, end_single_factor};
pub use standing::{renew, renew_with_session, rights_of};
pub use step_up::{
    Again, Asked, Confirmed, confirm_by_provider, step_up, step_up_asks, step_up_question,
};
pub use throttle::{
    Account, Attempt, Step, begin as begin_attempt, forget_failures, is_known_to_anybody,
};
pub use ticket::{Ticket, expire_sign_ins, look_at_ticket, spend_ticket, ticket_hash};

use crate::authz::Principal;
use crate::crypto::password::PasswordError;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum AuthnError {
    /// One answer for every credential that opens nothing.
    #[error(
        "no valid credential: send an API key or an access token as \"Authorization: Bearer …\""
    )]
    Unauthenticated,
    /// One answer for a wrong password and an unknown account.
    #[error("e-mail address or password is wrong")]
    WrongPassword,
    /// Somebody is guessing, or the person has mistyped too often; said alike of every address.
    #[error("too many attempts: try again in {0} s")]
    TryLater(u64),
    #[error("this does not confirm that it is you: try again")]
    NotConfirmed,
    #[error("only a person who is signed in can confirm that it is them; a key has no need to")]
    NoPerson,
    #[error("this tenant is suspended; ask the platform's administrator")]
    Suspended,
    #[error(
        "this link has been used or is older than 30 minutes; make a new one with: strongroom admin setup-link"
    )]
    SetupLink,
    /// A key from where it may not be used: told as if there were no such key.
    #[error("{}", Self::Unauthenticated)]
    WrongNetwork(Box<Principal>),
    #[error("this refresh token is not valid, or not any more: sign in again")]
    RefreshToken,
    #[error("this refresh token was used before, so its session was ended: sign in again")]
    RefreshTokenReused,
    #[error("no key is there to sign access tokens with: try again shortly")]
    NoTokenKey,
    /// Used, too old, or ended by what happened since.
    #[error("this sign-in took too long or was used already: sign in again")]
    Ticket,
    #[error("this code is wrong or was used already: wait for the next one")]
    WrongCode,
    /// Of who one is, before a change to one's own sign-in.
    #[error("this is not your current code or password")]
    Proof,
    #[error("too many wrong codes: try again in 15 minutes")]
    TooManyCodes,
    #[error("you must have a second factor: replace it instead of turning it off")]
    Obligatory,
    #[error("this link was used before or its time is over: ask for a new one")]
    Link,
    #[error(transparent)]
    Password(PasswordError),
    #[error("this passkey was used elsewhere or removed meanwhile: try again")]
    Passkey,
    #[error("only single sign-on lets people in here: sign in with your organisation's account")]
    SingleSignOn,
    #[error("a passkey alone is not enough here: sign in with your password first")]
    PasskeyNotAlone,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AuthnError);

impl Fault for AuthnError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthenticated
            | Self::WrongNetwork(_)
            | Self::WrongPassword
            | Self::RefreshToken
            | Self::RefreshTokenReused
            | Self::Ticket
            | Self::Passkey
            | Self::PasskeyNotAlone
            | Self::WrongCode => ErrorKind::Unauthenticated,
            Self::Proof => ErrorKind::Invalid,
            Self::NoTokenKey => ErrorKind::Unavailable,
            Self::TooManyCodes => ErrorKind::Throttled,
            Self::Obligatory => ErrorKind::Conflict,
            Self::TryLater(_) => ErrorKind::Throttled,
            Self::NotConfirmed | Self::NoPerson => ErrorKind::Invalid,
            Self::Suspended | Self::SingleSignOn => ErrorKind::Denied,
            Self::SetupLink | Self::Link => ErrorKind::NotFound,
            Self::Password(_) => ErrorKind::Invalid,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::WrongNetwork(_) => "unauthenticated",
            Self::WrongPassword => "wrong-password",
            Self::TryLater(_) => "too-many-requests",
            Self::NotConfirmed => "not-confirmed",
            Self::NoPerson => "not-a-person",
            Self::Link => "link-over",
            Self::Password(error) => error.code(),
            Self::Suspended => "tenant-suspended",
            Self::SingleSignOn => "single-sign-on-only",
            Self::SetupLink => "setup-link",
            Self::RefreshToken => "refresh-token-invalid",
            Self::RefreshTokenReused => "refresh-token-reused",
            Self::NoTokenKey => "unavailable",
            Self::Ticket => "sign-in-ended",
            Self::WrongCode => "wrong-code",
            Self::Proof => "proof-wrong",
            Self::TooManyCodes => "too-many-codes",
            Self::Obligatory => "second-factor-obligatory",
            Self::Passkey => "passkey-refused",
            Self::PasskeyNotAlone => "passkey-not-alone",
            Self::Door(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TryLater(seconds) => Some(*seconds),
            _ => None,
        }
    }
}
