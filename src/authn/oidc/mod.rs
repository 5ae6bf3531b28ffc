//! OpenID Connect, as a relying party (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout
//! 1.0, Back-Channel Logout 1.0; RFC 6749, 7636, 9207).

mod settings;

pub use settings::{ClientAuthentication, Discovery, OidcSettings};
