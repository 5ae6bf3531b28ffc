//! Whatever is sent as a filter: it is refused, or holds or not, and its negation the other way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::scim::try_filter;

fuzz_target!(|text: &str| {
    let person = serde_json::json!({
        "userName": "kim@example.org", "active": true, "name": { "familyName": "Ruiz" },
        "emails": [{ "type": "work", "value": "kim@example.org" }]
    });
    if let Some(holds) = try_filter(text, &person) {
        assert_ne!(try_filter(&format!("not ({text})"), &person), Some(holds));
    }
});
