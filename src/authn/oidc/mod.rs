//! OpenID Connect, as a relying party (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout
//! 1.0, Back-Channel Logout 1.0; RFC 6749, 7636, 9207). Nothing in here asks anybody anything: what
//! was fetched comes in, and so does the time.
//!
//! The library makes requests and reads descriptions. Tokens are checked here, step by step, so that
//! an administrator sees each (`checks`); signatures are verified by the TLS stack's primitives.

mod algorithm;
mod authorization;
mod checks;
mod claims;
mod description;
mod id_token;
#[cfg(test)]
mod id_token_tests;
mod jws;
mod keys;
mod logout_token;
mod mask;
mod settings;
mod userinfo;

pub use authorization::{AuthorizationResponse, Client, Question, authorization_url, client};
pub use checks::*;
pub use claims::identity;
pub use description::Description;
pub use id_token::{Expectation, id_token};
pub use jws::{Claims, Jws, text};
pub use keys::{KeyError, Keys};
pub use logout_token::{Ended, logout_addresses, logout_token};
pub use mask::{said, tokens};
pub use settings::{ClientAuthentication, Discovery, OidcSettings};
pub use userinfo::userinfo;
