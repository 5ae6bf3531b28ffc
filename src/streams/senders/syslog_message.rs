//! One syslog message (RFC 5424) in its frame (RFC 6587, 3.4.1).

use crate::audit::event::Outcome;
use crate::audit::view::EntryView;
use crate::kernel::Timestamp;

/// What all messages of one stream have alike.
#[derive(Clone, Debug)]
pub struct Header {
    /// 0 to 23.
    pub facility: u8,
    pub host: String,
    /// `strongroom@32473`
    pub element: String,
    pub log: String,
    /// Short name of the tenant, or `platform`.
    pub tenant: String,
}

impl Header {
    pub fn new(facility: u8, host: &str, enterprise: u32, log: String, tenant: String) -> Self {
        let host = printable(host, 255);
        Self { facility, host, element: format!("strongroom@{enterprise}"), log, tenant }
    }

    /// `123 <110>1 …`, with the entry's text in its format as the message.
    pub fn frame(&self, entry: &EntryView, text: &str) -> Vec<u8> {
        let priority = u16::from(self.facility) * 8 + u16::from(severity(entry.outcome));
        let (time, host, id) = (time(entry.time), &self.host, printable(&entry.action, 32));
        // No byte order mark before the text: receivers hand it on to JSON parsers, which choke.
        let message = format!(
            "<{priority}>1 {time} {host} strongroom - {id} \
             [{} logId=\"{}\" seq=\"{}\" tenant=\"{}\" action=\"{}\" outcome=\"{}\"] {text}",
            self.element,
            value(&self.log),
            entry.seq,
            value(&self.tenant),
            value(&entry.action),
            entry.outcome.name(),
        );
        let mut frame = format!("{} ", message.len()).into_bytes();
        frame.extend_from_slice(message.as_bytes());
        frame
    }
}

/// RFC 5424, 6.2.1: informational, warning for what was refused or failed, error for what broke.
fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success => 6,
        Outcome::Failure | Outcome::Denied => 4,
        Outcome::Error => 3,
    }
}

/// RFC 3339 with the six digits that RFC 5424 allows.
fn time(time: Timestamp) -> String {
    let micros = time.as_micros().rem_euclid(1_000_000);
    format!("{}.{micros:06}Z", time.display().replace(' ', "T"))
}

/// Header fields: of printable ASCII, letters, digits and what stands in names; `-` for nothing.
fn printable(text: &str, most: usize) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || ".-_:".contains(*letter);
    let kept: String = text.chars().filter(plain).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// Parameter values: `"`, `\` and `]` are escaped (RFC 5424, 6.3.3). What is not printable is left
/// out: many receivers split lines there.
fn value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, catalogue};

    fn header() -> Header {
        Header::new(13, "vault 1.example", 32473, "L".to_owned(), "acme".to_owned())
    }

    #[test]
    fn a_message_is_what_the_standard_shows() {
        let time = Timestamp::parse("2026-11-22T05:06:07.000123Z").unwrap();
        let mut entry = EntryView::new(7, time, Event::new(catalogue::LOGIN_FAILED));
        entry.outcome = Outcome::Failure;
        let frame = String::from_utf8(header().frame(&entry, "{}")).unwrap();
        let message = "<108>1 2026-11-22T05:06:07.000123Z vault1.example strongroom - \
            login.failed [strongroom@32473 logId=\"L\" seq=\"7\" tenant=\"acme\" \
            action=\"login.failed\" outcome=\"failure\"] {}";
        assert_eq!(frame, format!("{} {message}", message.len()));
    }

    proptest::proptest! {
        #[test]
        fn no_entry_breaks_out_of_its_frame_or_its_parameter(action in ".{0,60}", seq: u64) {
            let mut entry =
                EntryView::new(seq, Timestamp::from_micros(0), Event::new(catalogue::LOGIN_FAILED));
            entry.action = action;
            let frame = String::from_utf8(header().frame(&entry, "text")).unwrap();
            let (length, message) = frame.split_once(' ').unwrap();
            proptest::prop_assert_eq!(length.parse::<usize>().unwrap(), message.len());
            proptest::prop_assert!(!message.contains(char::is_control));
            // Without what is escaped, quotes stand around five values and one bracket closes.
            let bare = message.replace("\\\\", "").replace("\\\"", "").replace("\\]", "");
            proptest::prop_assert_eq!(bare.matches('"').count(), 10);
            proptest::prop_assert_eq!(bare.matches(']').count(), 1);
        }
    }
}
