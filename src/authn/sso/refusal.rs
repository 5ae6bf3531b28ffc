//! Why a message of a provider is refused: a closed list, so that the log, the console and the
//! tests speak of the same things.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! refusals {
    ($($name:ident $code:literal $text:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Refusal {
            $(#[doc = $text] #[serde(rename = $code)] $name,)+
        }

        impl Refusal {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As the log names it. The console's words are `sso-refusal-` and this, what to change
            /// `sso-cure-` and this.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }
        }

        impl std::fmt::Display for Refusal {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$name => $text),+ })
            }
        }
    };
}

refusals! {
    TooLarge "message-too-large" "the message is larger than 256 KiB";
    Malformed "message-malformed" "the message cannot be read";
    Doctype "doctype-refused" "the message declares a document type or entities";
    DuplicateId "id-twice" "two elements of the message have the same ID";
    SeveralAssertions "several-assertions" "the message has more than one assertion";
    NoAssertion "assertion-missing" "the message has no assertion";
    ProviderSaidNo "provider-said-no" "the provider answered that it did not sign the person in";
    Unsigned "signature-missing" "neither the assertion nor the whole response is signed";
    SignatureWrong "signature-wrong" "the signature does not fit any of the provider's certificates";
    SignatureForm "signature-unusual" "the signature covers something else than the element that it stands in";
    Sha1 "sha1-refused" "the signature uses SHA-1";
    Encryption "decryption-failed" "the assertion could not be decrypted with this service's key";
    Cbc "cbc-refused" "the assertion is encrypted without protection against changes (CBC)";
    NotEncrypted "encryption-missing" "the assertion is not encrypted";
    IssuerUnknown "issuer-unknown" "no provider of this tenant calls itself that";
    IssuerWrong "issuer-wrong" "the message is of another issuer than the provider that was asked";
    DestinationWrong "destination-wrong" "the message is meant for another address";
    RecipientWrong "recipient-wrong" "the assertion is meant for another recipient";
    AudienceWrong "audience-wrong" "the assertion is meant for another audience";
    NotAsked "not-asked-for" "the message answers a request that was not made here";
    UnsolicitedOff "unsolicited-off" "the provider sent somebody without being asked, which is turned off";
    NotYetValid "not-yet-valid" "the message is not valid yet";
    Expired "expired" "the message is not valid any more";
    Replayed "replayed" "the message was used before";
    ConfirmationMissing "confirmation-missing" "the assertion does not say how its bearer is confirmed";
    SubjectMissing "subject-missing" "the message does not say who the person is";
    Markup "markup-in-value" "a value has a comment or other markup in it";
    TooOld "authenticated-too-long-ago" "the person did not prove anew who they are";
    Unreachable "provider-unreachable" "the provider could not be reached";
    DiscoveryWrong "discovery-wrong" "the provider's discovery document or keys cannot be used";
    CodeRefused "code-refused" "the provider did not exchange the code for tokens";
    TokenWrong "id-token-wrong" "the ID token is not valid";
    NonceWrong "nonce-wrong" "the ID token is not for this sign-in";
    HashWrong "token-hash-wrong" "the ID token does not fit the access token or code that came with it";
    UserinfoWrong "userinfo-wrong" "the provider's answer about the person cannot be used";
    OtherBrowser "other-browser" "the answer came to another browser than the one that asked";
    Over "sign-in-over" "the sign-in took too long, or its answer came twice";
    ProviderOff "provider-off" "the provider is turned off";
    EmailMissing "email-missing" "the provider gave no e-mail address";
    EmailUnverified "email-unverified" "the provider says that the e-mail address is not verified";
    EmailForeign "email-domain-foreign" "the provider may not vouch for addresses of this domain";
    NotLinked "not-linked" "a member has this address, and the provider may not sign them in";
    CreationOff "no-account" "the person is no member, and the provider may not make them one";
    NoRole "no-role" "no rule gives the person a role";
    RoleTooHigh "role-needs-second-person" "the role may not be given without a second person";
    Disabled "account-disabled" "the member is disabled";
    OtherPerson "other-person" "the provider signed in somebody else than the person who asked";
}

impl std::error::Error for Refusal {}
