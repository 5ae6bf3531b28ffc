//! Metadata of a provider is read or refused, and what was read has all that a sign-in needs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::authn::saml::{Certificate, metadata};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = metadata::read(bytes) {
        assert!(!read.entity_id.is_empty() && !read.certificates.is_empty());
        assert!(read.sign_in_url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")));
        for certificate in &read.certificates {
            assert_eq!(Certificate::parse(certificate).unwrap().pem(), *certificate);
        }
    }
});
