//! The names of the steps that reading a message writes down. The console's words for each are
//! `sso-check-` and the name.

macro_rules! checks {
    ($($constant:ident $name:literal;)+) => {
        $(pub const $constant: &str = $name;)+

        /// All of them, for whoever has words for each.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

checks! {
    // The message itself.
    DECODED "saml-decoded";
    READABLE "saml-readable";
    KIND "saml-kind";
    STATUS "saml-status";
    ONE_ASSERTION "saml-one-assertion";
    // What proves that it is the provider's.
    RESPONSE_SIGNATURE "saml-response-signature";
    ASSERTION_SIGNATURE "saml-assertion-signature";
    MESSAGE_SIGNATURE "saml-message-signature";
    SIGNATURE_FORM "saml-signature-form";
    SIGNATURE_ALGORITHM "saml-signature-algorithm";
    SIGNED "saml-signed";
    DECRYPTED "saml-decrypted";
    // What it says.
    ISSUER "saml-issuer";
    DESTINATION "saml-destination";
    ISSUED "saml-issued";
    REQUEST "saml-in-response-to";
    CONFIRMATION "saml-confirmation";
    RECIPIENT "saml-recipient";
    NOT_BEFORE "saml-not-before";
    NOT_AFTER "saml-not-on-or-after";
    AUDIENCE "saml-audience";
    CONDITIONS "saml-conditions";
    STATEMENT "saml-authn-statement";
    AUTHENTICATED "saml-authn-instant";
    CONTEXT "saml-authn-context";
    SESSION_END "saml-session-end";
    SUBJECT "saml-subject";
    ATTRIBUTES "saml-attributes";
    SESSIONS "saml-session-index";
}
