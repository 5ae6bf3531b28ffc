//! A call of which the good events are wanted even when others are bad: `partial=true`.

use serde::de::{DeserializeSeed, IgnoredAny};

use super::canonical::{self, JsonError};
use super::event::Event;
use super::ingest::{self, IngestError, IngestFault, Posting};
use crate::kernel::id::TenantId;
use crate::kernel::limits;

/// What is good, in the order of the call, and why the others are not.
#[derive(Debug)]
pub struct Sorted {
    pub events: Vec<Event>,
    pub refused: Vec<IngestError>,
}

/// Like [`ingest::parse`], event by event. An event that does not stand in an array is judged as
/// there.
///
/// # Errors
/// For what is no JSON or too many events, as a whole; and when no event is good.
pub fn sort(body: &[u8], tenant: TenantId, slug: &str) -> Result<Sorted, IngestError> {
    if !body.trim_ascii_start().starts_with(b"[") {
        let events = ingest::parse(body, tenant, slug)?;
        return Ok(Sorted { events, refused: Vec::new() });
    }
    let text = canonical::utf8(body).map_err(|error| whole(error.pointer, error.message))?;
    let items = items(text)?;
    let mut sorted = Sorted { events: Vec::with_capacity(items.len()), refused: Vec::new() };
    for (index, item) in items.iter().enumerate() {
        match one(item, index, tenant, slug) {
            Ok(event) => sorted.events.push(event),
            Err(error) => sorted.refused.push(error),
        }
    }
    match sorted.refused.first() {
        Some(first) if sorted.events.is_empty() => {
            let message = format!("none of them can be appended; the first, {first}");
            Err(whole(String::new(), message))
        }
        _ => Ok(sorted),
    }
}

fn whole(pointer: String, message: String) -> IngestError {
    IngestError { index: None, pointer, message, fault: IngestFault::Invalid }
}

fn one(item: &str, index: usize, tenant: TenantId, slug: &str) -> Result<Event, IngestError> {
    let fault = std::cell::Cell::new(IngestFault::Invalid);
    let mut reader = serde_json::Deserializer::from_str(item);
    Posting { tenant, slug, fault: &fault }.deserialize(&mut reader).map_err(|error| {
        let JsonError { pointer, message, .. } = JsonError::new(item, &error);
        let (pointer, message) = (format!("/{index}{pointer}"), ingest::mend(&message));
        IngestError { index: Some(index), pointer, message, fault: fault.get() }
    })
}

/// The texts of an array's items; whether they are events does not matter yet.
fn items(text: &str) -> Result<Vec<&str>, IngestError> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        let JsonError { pointer, message, .. } = JsonError::new(text, &error);
        whole(pointer, message)
    })?;
    let mut items = Vec::new();
    let mut rest = text.trim_start().strip_prefix('[').unwrap_or_default();
    loop {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let Some(Ok(_)) = stream.next() else { break };
        let (item, after) = rest.split_at_checked(stream.byte_offset()).unwrap_or((rest, ""));
        items.push(item);
        if items.len() > limits::EVENTS_PER_CALL {
            return Err(whole(String::new(), ingest::too_many()));
        }
        let Some(next) = after.trim_start().strip_prefix(',') else { break };
        rest = next;
    }
    match items.len() {
        0 => Err(whole(String::new(), ingest::NO_EVENT.to_owned())),
        _ => Ok(items),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);

    fn read(body: &str) -> Result<Sorted, IngestError> {
        sort(body.as_bytes(), TENANT, "acme")
    }

    #[test]
    fn the_good_are_kept_in_order_and_the_bad_are_named() {
        let large = "y".repeat(limits::EVENT_BYTES);
        let body = format!(
            r#" [ {{"action":"a.one"}} , {{"action":"a.b","ip":"x"}}, 7,
            {{"action":"a.b","customFields":{{"x":"{large}"}}}},{{"action":"a.two"}} ] "#
        );
        let sorted = read(&body).unwrap();
        let actions: Vec<_> = sorted.events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["a.one", "a.two"]);
        let refused: Vec<_> = sorted
            .refused
            .iter()
            .map(|error| (error.index, error.pointer.as_str(), error.fault))
            .collect();
        let (invalid, large) = (IngestFault::Invalid, IngestFault::TooLarge);
        let expected =
            [(Some(1), "/1/ip", invalid), (Some(2), "/2", invalid), (Some(3), "/3", large)];
        assert_eq!(refused, expected);
    }

    #[test]
    fn what_is_no_array_of_events_is_refused_as_a_whole() {
        for (body, word) in [
            (r#"[{"action":"a"}"#, "EOF"),
            (r#"[{"action":"a"}] x"#, "trailing"),
            (r#"[{"action":"a"},]"#, "expected"),
            (r#"[{"action":"a"} {"action":"a"}]"#, "expected"),
            ("[]", "at least one"),
            (r#"[{"action":"A"},{}]"#, "none of them"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.index.is_none() && error.message.contains(word), "{body}: {error}");
        }
        let many = |count: usize| format!("[{}]", vec![r#"{"action":"a"}"#; count].join(","));
        assert_eq!(read(&many(limits::EVENTS_PER_CALL)).unwrap().events.len(), 10_000);
        let error = read(&many(limits::EVENTS_PER_CALL + 1)).err().unwrap();
        assert!(error.message.contains("several calls"), "{error}");
        assert_eq!(read(r#"{"action":"A"}"#).unwrap_err().index, Some(0));
    }

    proptest! {
        #[test]
        fn it_takes_whole_what_the_strict_way_takes(
            events in prop::collection::vec(r#"(\{"action":"[a-zA]{1,3}"\}|7|"é\]"|\[\]|null)"#, 0..6),
            blank in "[ \n]{0,2}",
        ) {
            let body = format!("{blank}[{}]{blank}", events.join(&format!("{blank},{blank}")));
            let strict = ingest::parse(body.as_bytes(), TENANT, "acme");
            match (strict, read(&body)) {
                (Ok(events), sorted) => prop_assert_eq!(events, sorted.unwrap().events),
                (Err(_), Ok(sorted)) => {
                    prop_assert!(!sorted.refused.is_empty());
                    prop_assert_eq!(sorted.events.len() + sorted.refused.len(), events.len());
                }
                (Err(_), Err(_)) => {}
            }
        }

        #[test]
        fn no_body_makes_it_panic(body in "[\\[\\]{}\":,a1 \\\\é]{0,40}") {
            let _ = read(&body);
            let _ = read(&format!("[{body}"));
        }
    }
}
