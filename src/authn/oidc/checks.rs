//! What is looked at in a sign-in, in this order. The console's words for a check are `sso-check-`
//! and its name.

macro_rules! names {
    ($(#[$about:meta])* $all:ident: $($name:ident $text:literal;)+) => {
        $(pub const $name: &str = $text;)+
        $(#[$about])*
        pub const $all: &[&str] = &[$($name),+];
    };
}

names! {
    /// Every check.
    CHECKS:
    DISCOVERY "oidc-discovery";
    ENDPOINTS "oidc-endpoints";
    KEYS "oidc-keys";
    RESPONSE_ADDRESS "oidc-response-address";
    RESPONSE_FORM "oidc-response-form";
    RESPONSE_ISSUER "oidc-response-issuer";
    RESPONSE "oidc-response";
    CODE "oidc-code";
    TOKEN_FORM "oidc-token-form";
    ALGORITHM "oidc-algorithm";
    SIGNATURE "oidc-signature";
    TYPE "oidc-type";
    ISSUER "oidc-issuer";
    AUDIENCE "oidc-audience";
    AUTHORIZED_PARTY "oidc-authorized-party";
    EXPIRY "oidc-expiry";
    ISSUED "oidc-issued";
    NONCE "oidc-nonce";
    ACCESS_TOKEN_HASH "oidc-access-token-hash";
    CODE_HASH "oidc-code-hash";
    AUTHENTICATED "oidc-authenticated";
    SUBJECT "oidc-subject";
    USERINFO "oidc-userinfo";
    USERINFO_SUBJECT "oidc-userinfo-subject";
    CLAIMS "oidc-claims";
    LOGOUT_EVENT "oidc-logout-event";
    LOGOUT_ID "oidc-logout-id";
}

names! {
    /// Every document. The console's words for one are `sso-document-` and its name.
    DOCUMENTS:
    DISCOVERY_DOCUMENT "oidc-discovery";
    RESPONSE_DOCUMENT "oidc-response";
    TOKENS_DOCUMENT "oidc-tokens";
    ID_TOKEN_DOCUMENT "oidc-id-token";
    USERINFO_DOCUMENT "oidc-userinfo";
    LOGOUT_DOCUMENT "oidc-logout-token";
}
