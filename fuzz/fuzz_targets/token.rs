//! Whatever a provider, or somebody in its name, sends: tokens are read, and none is believed that
//! nobody signed; claims become an identity.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::authn::oidc::{
    AuthorizationResponse, Keys, OidcSettings, identity, logout_addresses, logout_token, tokens,
};
use strongroom::authn::sso::Trace;
use strongroom::kernel::Timestamp;

/// The public key of RFC 8037, appendix A.2: nobody signs tokens with it.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const SETTINGS: &str = r#"{"issuer":"https://idp.example","clientId":"us"}"#;

fuzz_target!(|bytes: &[u8]| {
    let (keys, settings) = (Keys::parse(KEYS.as_bytes()), serde_json::from_str(SETTINGS));
    let (Some(keys), Ok(settings)): (_, Result<OidcSettings, _>) = (keys, settings) else {
        panic!("the key set or the settings are none")
    };
    let _ = (Keys::parse(bytes), tokens(bytes));
    if let Ok(claims) = serde_json::from_slice(bytes) {
        let _ = identity("token", claims, None);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = (AuthorizationResponse::parse(text), logout_addresses(text));
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    assert!(logout_token(text, &keys, &settings, now, &mut Trace::default()).is_err());
});
