//! Canonical JSON (RFC 8785) out, strict I-JSON (RFC 7493) in.
//!
//! What is hashed must mean one thing only, so input that two parsers may read differently is
//! refused: duplicate members, lone surrogates, invalid UTF-8, numbers beyond ±(2^53−1). Fractions
//! are IEEE doubles; further digits are rounded, as RFC 8785 has it.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::pointer;
use crate::kernel::limits;

/// The largest integer up to which every integer is a double: 2^53 − 1.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// Why JSON was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct JsonError {
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
    /// JSON Pointer (RFC 6901) to the value or member in question.
    pub pointer: String,
    pub message: String,
}

impl JsonError {
    pub(super) fn new(text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        Self {
            line,
            column,
            pointer: pointer::join(&pointer::at_line(text, line, column)),
            message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
        }
    }
}

/// The text, or where it stops being UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.len() - line_start + 1;
        let path = pointer::at_line(str::from_utf8(before).unwrap_or_default(), line, column);
        let message = "the bytes here are not UTF-8; send JSON encoded in UTF-8".to_owned();
        JsonError { line, column, pointer: pointer::join(&path), message }
    })
}

/// Reads I-JSON, at most `depth` arrays and objects inside one another.
pub fn parse_strict(bytes: &[u8], depth: usize) -> Result<Value, JsonError> {
    let text = utf8(bytes)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth }.deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JsonError::new(text, &error))
}

/// RFC 8785 bytes of a value. Integers beyond ±(2^53−1) are written as the nearest double.
pub fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value)
        .expect("a serde_json value has finite numbers and string keys, and memory takes the bytes")
}

/// Like `canonical`, several times faster; property tests hold the two together.
pub(super) fn write(output: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => output.extend_from_slice(b"null"),
        Value::Bool(true) => output.extend_from_slice(b"true"),
        Value::Bool(false) => output.extend_from_slice(b"false"),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer.unsigned_abs() <= INTEGER_MAX.unsigned_abs() => {
                write_serde(output, &integer);
            }
            _ => output.extend_from_slice(&canonical(value)),
        },
        Value::String(text) => write_str(output, text),
        Value::Array(items) => {
            output.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    output.push(b',');
                }
                write(output, item);
            }
            output.push(b']');
        }
        Value::Object(members) => write_map(output, members),
    }
}

pub(super) fn write_map(output: &mut Vec<u8>, members: &Map<String, Value>) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| utf16_order(a, b));
    output.push(b'{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            output.push(b',');
        }
        write_str(output, name);
        output.push(b':');
        write(output, value);
    }
    output.push(b'}');
}

/// The order of members in RFC 8785, section 3.2.3. UTF-8 orders U+E000 … U+FFFF otherwise.
pub(super) fn utf16_order(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// A string as RFC 8785, section 3.2.2.2 has it, which is what `serde_json` writes.
pub(super) fn write_str(output: &mut Vec<u8>, text: &str) {
    write_serde(output, text);
}

fn write_serde<T: serde::Serialize + ?Sized>(output: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(output, value).expect("memory takes the bytes of a string or an integer");
}

/// Reads one I-JSON value out of any parser.
#[derive(Clone, Copy)]
pub(super) struct Strict {
    /// Arrays and objects that may still open.
    pub depth: usize,
}

impl Strict {
    /// For a member's value inside an object that is itself `level` levels deep.
    pub const fn below(level: usize) -> Self {
        Self { depth: limits::JSON_DEPTH - level }
    }

    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let Some(depth) = self.depth.checked_sub(1) else {
            let limit = limits::JSON_DEPTH;
            return Err(E::custom(format_args!("nested too deeply; use at most {limit} levels")));
        };
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value < -INTEGER_MAX { Err(too_large()) } else { Ok(value.into()) }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value > INTEGER_MAX as u64 { Err(too_large()) } else { Ok(value.into()) }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() > INTEGER_MAX as f64 {
            return Err(too_large());
        }
        // 5.0 and -0.0 are written as 5 and 0, so they are the same value here too.
        if value.fract() == 0.0 {
            return Ok(Value::from(value as i64));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(too_large)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(duplicate(&name));
            }
            object.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

pub(super) fn duplicate<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("the member {name:?} is there twice; keep one of them"))
}

fn too_large<E: de::Error>() -> E {
    E::custom(format_args!(
        "the number is beyond ±{INTEGER_MAX}, where JSON readers lose digits; send it as a string"
    ))
}

/// A strict object at level 2, as the value of a member of an event.
pub(super) fn object<'de, D: Deserializer<'de>>(d: D) -> Result<Map<String, Value>, D::Error> {
    struct Object;

    impl<'de> Visitor<'de> for Object {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Map::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
            match Strict::below(1).visit_map(members)? {
                Value::Object(object) => Ok(object),
                _ => Ok(Map::new()),
            }
        }
    }
    d.deserialize_any(Object)
}

/// A strict value that tells an absent member from one that is null.
pub(super) fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Strict::below(3).deserialize(d).map(Some)
}

/// The same for what this program wrote itself.
pub(super) fn stored<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Value, JsonError> {
        parse_strict(text.as_bytes(), limits::JSON_DEPTH)
    }

    fn refused(text: &str) -> (String, String) {
        let error = parse(text).unwrap_err();
        (error.pointer, error.message)
    }

    #[test]
    fn the_example_of_rfc_8785_comes_out_as_printed_there() {
        let input = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let value: Value = serde_json::from_str(input).unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected);
    }

    #[test]
    fn ambiguous_json_is_refused_with_its_place() {
        let (pointer, message) = refused(r#"{"a":{"b":1,"b":2}}"#);
        assert_eq!(pointer, "/a/b");
        assert!(message.contains("twice"), "{message}");
        for (text, pointer) in [
            (r#"[0,9007199254740992]"#, "/1"),
            (r#"{"n":-9007199254740992}"#, "/n"),
            (r#"{"n":1e20}"#, "/n"),
            (r#"{"n":1e999}"#, "/n"),
        ] {
            assert_eq!(refused(text).0, pointer, "{text}");
        }
        for text in
            [r#""\ud800""#, r#""\udc00x""#, "", "{} {}", "{'a':1}", "[1,]", "NaN", "\u{feff}1"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(refused("[1e20]").1.contains("send it as a string"));
        let error = parse_strict(b"{\"a\":\n\"\xff\"}", 4).unwrap_err();
        assert_eq!((error.line, error.column, error.pointer.as_str()), (2, 2, "/a"));
    }

    #[test]
    fn nesting_stops_at_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(limits::JSON_DEPTH)).is_ok());
        assert!(parse(&nested(limits::JSON_DEPTH + 1)).is_err());
        assert!(parse(&nested(100_000)).is_err());
    }

    #[test]
    fn whole_doubles_are_the_integers_they_are_written_as() {
        assert_eq!(parse("[5.0,-0.0,1e3]").unwrap(), serde_json::json!([5, 0, 1000]));
    }

    pub fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9 ]{0,9}",
            "\\PC{0,6}",
            proptest::collection::vec(any::<char>(), 0..5).prop_map(String::from_iter),
        ]
    }

    pub fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any_text(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_fast_writer_equals_the_canonicalizer(value in any_value()) {
            let mut fast = Vec::new();
            write(&mut fast, &value);
            prop_assert_eq!(fast, canonical(&value));
        }

        #[test]
        fn what_was_accepted_is_accepted_again_in_canonical_form(value in any_value()) {
            if let Ok(read) = parse(&value.to_string()) {
                prop_assert_eq!(parse_strict(&canonical(&read), limits::JSON_DEPTH), Ok(read));
            }
        }

        #[test]
        fn no_input_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse_strict(&bytes, 8);
        }
    }
}
