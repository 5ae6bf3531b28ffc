//! A release on a stick: the verifier answers, and believes nothing that nobody signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::ops::release::verify;

/// The public key of RFC 8032, section 7.1, test 1: nobody signs releases with it.
const KEY: &str = "strongroom/fuzz+493b15d8+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = KEY.parse() else { panic!("the key is none") };
    assert!(verify(bytes, &key).is_err());
});
