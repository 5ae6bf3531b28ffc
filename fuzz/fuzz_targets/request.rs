//! A request to a witness that is read prints as the very text that was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::audit::witness::Request;

fuzz_target!(|text: &str| {
    if let Ok(request) = text.parse::<Request>() {
        assert_eq!(request.to_string(), text);
    }
});
