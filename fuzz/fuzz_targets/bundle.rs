//! Whatever the bytes are: the verifier answers, and calls nothing good that nobody signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::audit::bundle::{Trusted, verify};

/// The public key of RFC 8032, section 7.1, test 1: nobody signs bundles with it.
const KEY: &str = "strongroom/fuzz+493b15d8+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = KEY.parse() else { panic!("the key is none") };
    let trusted = Trusted { log, witnesses: Vec::new(), tenant: None };
    assert!(!verify(bytes, &trusted, &mut |_| {}).ok);
});
