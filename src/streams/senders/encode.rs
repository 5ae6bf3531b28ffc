//! From entries to the bytes that a receiver takes.

use serde_json::{Value, json};

use super::syslog_message::Header;
use crate::audit::export::Source;
use crate::audit::view::EntryView;
use crate::streams::format::Writer;
use crate::streams::{Body, Destination, Format, SplunkTarget};

pub struct Encoder {
    writer: Writer,
    envelope: Envelope,
}

/// What a receiver wants around an entry.
enum Envelope {
    Syslog(Header),
    Splunk(SplunkTarget),
    Json(Body),
}

impl Encoder {
    pub fn new(destination: &Destination, format: Format, source: Source, enterprise: u32) -> Self {
        let writer = Writer::new(format, source);
        let envelope = match destination {
            Destination::Syslog(target) => {
                let (source, tenant) = (writer.source(), writer.tenant().to_owned());
                let log = source.log.to_string();
                let header = Header::new(target.facility, &source.host, enterprise, log, tenant);
                Envelope::Syslog(header)
            }
            Destination::Splunk(target) => Envelope::Splunk(target.clone()),
            Destination::Http(target) => Envelope::Json(target.body),
        };
        Self { writer, envelope }
    }

    /// Adds one entry.
    pub fn add(&self, entry: &EntryView, body: &mut Vec<u8>) {
        let line = self.writer.line(entry);
        match &self.envelope {
            Envelope::Syslog(header) => body.extend_from_slice(&header.frame(entry, &line)),
            Envelope::Splunk(target) => self.splunk(target, entry, &line, body),
            Envelope::Json(kind) => {
                match (kind, body.is_empty()) {
                    (Body::Array, true) => body.push(b'['),
                    (Body::Array, false) => body.push(b','),
                    (Body::Ndjson, _) => {}
                }
                body.extend_from_slice(self.json(&line).as_bytes());
                if *kind == Body::Ndjson {
                    body.push(b'\n');
                }
            }
        }
    }

    /// What stands behind the last entry.
    pub fn end(&self, body: &mut Vec<u8>) {
        if matches!(self.envelope, Envelope::Json(Body::Array)) {
            body.push(b']');
        }
    }

    /// A line as a JSON value: CEF becomes a string.
    fn json(&self, line: &str) -> String {
        if self.writer.is_json() { line.to_owned() } else { Value::from(line).to_string() }
    }

    /// An event for the collector; several stand one behind the other.
    fn splunk(&self, target: &SplunkTarget, entry: &EntryView, line: &str, body: &mut Vec<u8>) {
        let micros = entry.time.as_micros();
        let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        let mut about = json!({
            "time": format!("{seconds}.{rest:06}"),
            "host": self.writer.source().host,
            "source": "strongroom",
            "sourcetype": target.source_type.as_deref().unwrap_or("strongroom:audit"),
            "fields": {
                "log_id": self.writer.source().log,
                "seq": entry.seq,
                "tenant": self.writer.tenant(),
            },
        })
        .to_string();
        about.pop();
        if let Some(index) = &target.index {
            about.push_str(&format!(",\"index\":{}", Value::from(index.as_str())));
        }
        about.push_str(&format!(",\"event\":{}}}\n", self.json(line)));
        body.extend_from_slice(about.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, catalogue};
    use crate::kernel::Timestamp;
    use crate::kernel::id::LogId;

    fn encoded(destination: Value, format: Format) -> String {
        let destination = serde_json::from_value(destination).unwrap();
        let source = Source::new(LogId::from_bytes([7; 16]), None);
        let encoder = Encoder::new(&destination, format, source, 32473);
        let mut body = Vec::new();
        for seq in [1, 2] {
            let time = Timestamp::from_micros(1_700_000_000_000_042);
            encoder.add(&EntryView::new(seq, time, Event::new(catalogue::LOGIN_FAILED)), &mut body);
        }
        encoder.end(&mut body);
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn every_body_is_json_that_names_log_and_number_in_every_format() {
        for format in Format::ALL {
            let array = json!({ "type": "http", "url": "https://x" });
            let array: Value = serde_json::from_str(&encoded(array, format)).unwrap();
            let lines = json!({ "type": "http", "url": "https://x", "body": "ndjson" });
            let lines = encoded(lines, format);
            for (item, line) in array.as_array().unwrap().iter().zip(lines.lines()) {
                assert_eq!(&serde_json::from_str::<Value>(line).unwrap(), item);
                assert!(item.to_string().contains("07070707-0707-"), "{item}");
            }
            assert_eq!(lines.lines().count(), 2);
        }
    }

    #[test]
    fn a_collectors_event_has_its_time_to_the_microsecond_and_its_number_as_a_field() {
        let splunk = json!({ "type": "splunk", "url": "https://x:8088", "index": "audit" });
        let text = encoded(splunk, Format::Cef);
        let event: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(event["time"], "1700000000.000042");
        assert_eq!((&event["fields"]["seq"], &event["index"]), (&json!(2), &json!("audit")));
        assert!(event["event"].as_str().unwrap().starts_with("CEF:0|Strongroom|"));
    }
}
