//! Whatever a browser brings: it is answered, and nobody is believed to be anybody, for no key has
//! signed it.
#![no_main]

use data_encoding::BASE64;
use libfuzzer_sys::fuzz_target;
use strongroom::authn::saml::{
    Carried, Context, SamlSettings, ServiceNames, logout_request, logout_response, response,
    unverified_issuer,
};
use strongroom::authn::sso::Trace;
use strongroom::kernel::Timestamp;

fuzz_target!(|text: &str| {
    let settings = SamlSettings { allow_cbc: true, allow_sha1: true, ..SamlSettings::default() };
    let service = ServiceNames {
        entity_id: "https://strongroom.example/t/acme/saml".to_owned(),
        acs_url: "https://strongroom.example/t/acme/saml/acs".to_owned(),
        logout_url: "https://strongroom.example/t/acme/saml/logout".to_owned(),
    };
    let context = Context {
        settings: &settings,
        service: &service,
        keys: &[],
        asked: Some("_1"),
        authenticated_since: None,
        now: Timestamp::from_micros(0),
    };
    let encoded = BASE64.encode(text.as_bytes());
    assert!(response(&encoded, &context, &mut Trace::default()).is_err());
    for message in [Carried::Post(&encoded), Carried::Redirect(text)] {
        let _ = unverified_issuer(message);
        assert!(logout_request(message, &context, &mut Trace::default()).is_err());
        assert!(logout_response(message, &context, &mut Trace::default()).is_err());
    }
});
