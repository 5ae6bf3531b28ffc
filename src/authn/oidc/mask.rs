//! What of a message may be shown to an administrator.

use serde_json::Value;

/// What others say, cut to what fits a line.
const SAID: usize = 500;

/// That there is one, and how long.
pub fn secret(text: &str) -> String {
    format!("({} characters, hidden)", text.chars().count())
}

/// Text of somebody else's, without control characters and not longer than a paragraph.
pub fn said(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(SAID).collect()
}

/// A token endpoint's answer without what it is worth: every member that is not known to be harmless
/// is hidden.
pub fn tokens(answer: &[u8]) -> String {
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(answer) else {
        return secret(&String::from_utf8_lossy(answer));
    };
    let harmless = ["token_type", "expires_in", "scope", "error", "error_description"];
    for (name, value) in &mut answer {
        match value {
            Value::String(text) if harmless.contains(&name.as_str()) => *text = said(text),
            Value::Number(_) if harmless.contains(&name.as_str()) => {}
            Value::String(text) => *text = secret(text),
            other => *other = Value::String("(hidden)".to_owned()),
        }
    }
    super::jws::pretty(&answer.into())
}
