//! What a resource is made of: brings what clients send into one form, with the names and types of
//! the schema. What is not kept here is left out.

use serde_json::{Map, Value};

use super::{ScimError, filter, limits};
use crate::kernel::limits::LINE_BYTES;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Flag,
    Complex(Shape),
    /// Several values, each of these parts.
    Many(Shape),
}

pub type Shape = &'static [(&'static str, Kind)];

const NAME: Shape = &[
    ("formatted", Kind::Text),
    ("familyName", Kind::Text),
    ("givenName", Kind::Text),
    ("middleName", Kind::Text),
    ("honorificPrefix", Kind::Text),
    ("honorificSuffix", Kind::Text),
];
const EMAIL: Shape = &[
    ("value", Kind::Text),
    ("display", Kind::Text),
    ("type", Kind::Text),
    ("primary", Kind::Flag),
];

pub const USER: Shape = &[
    ("userName", Kind::Text),
    ("externalId", Kind::Text),
    ("displayName", Kind::Text),
    ("name", Kind::Complex(NAME)),
    ("emails", Kind::Many(EMAIL)),
    ("active", Kind::Flag),
];
/// Members are apart: there may be ten thousands.
pub const GROUP: Shape = &[("displayName", Kind::Text), ("externalId", Kind::Text)];

/// Attributes of the standard's schemas that are not kept here: a client may send them.
const NOT_KEPT: [&str; 15] = [
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "password",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509Certificates",
];
/// Attributes that only the server sets.
const OF_THE_SERVER: [&str; 4] = ["id", "schemas", "meta", "groups"];

pub fn is_of_the_server(name: &str) -> bool {
    OF_THE_SERVER.iter().any(|other| other.eq_ignore_ascii_case(name))
}

pub fn find(shape: Shape, name: &str) -> Option<(&'static str, Kind)> {
    shape.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).copied()
}

pub fn sub(kind: Kind, name: &str) -> Option<(&'static str, Kind)> {
    match kind {
        Kind::Complex(parts) | Kind::Many(parts) => find(parts, name),
        _ => None,
    }
}

/// A change of what is not in the shape: passed over when the standard has such an attribute.
///
/// # Errors
/// [`ScimError::Mutability`] for what only the server sets, [`ScimError::Path`] for the rest.
pub fn ignored(name: &str) -> Result<(), ScimError> {
    if let Some(own) = OF_THE_SERVER.iter().find(|own| own.eq_ignore_ascii_case(name)) {
        return Err(ScimError::Mutability(own));
    }
    match NOT_KEPT.iter().any(|other| other.eq_ignore_ascii_case(name)) {
        true => Ok(()),
        false => Err(ScimError::Path(name.chars().take(100).collect())),
    }
}

/// A whole resource in its one form.
///
/// # Errors
/// [`ScimError::Syntax`] for what is no object, [`ScimError::Value`] for what has another type.
pub fn resource(shape: Shape, given: &Value) -> Result<Value, ScimError> {
    if !given.is_object() {
        return Err(ScimError::Syntax("JSON object"));
    }
    Ok(coerce("", Kind::Complex(shape), given)?.unwrap_or_else(|| Value::Object(Map::new())))
}

/// A value in the form of its kind; nothing for null and for what is empty.
pub fn coerce(name: &str, kind: Kind, given: &Value) -> Result<Option<Value>, ScimError> {
    let wrong = |what: &str| ScimError::value(format!("{name} is {what}"));
    match (kind, given) {
        (_, Value::Null) => Ok(None),
        (Kind::Text, Value::String(text)) => {
            let text = text.trim();
            if text.len() > LINE_BYTES || text.chars().any(char::is_control) {
                return Err(wrong("a text of up to 512 bytes on one line"));
            }
            Ok((!text.is_empty()).then(|| Value::String(text.to_owned())))
        }
        (Kind::Text, _) => Err(wrong("a text")),
        (Kind::Flag, Value::Bool(_)) => Ok(Some(given.clone())),
        // Entra ID writes truths as texts.
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Some(Value::Bool(true)))
        }
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Kind::Flag, _) => Err(wrong("true or false")),
        (Kind::Complex(parts), Value::Object(_)) => {
            let mut made = Map::new();
            for (part, kind) in parts {
                let Some(value) = filter::member(given, part) else { continue };
                if let Some(value) = coerce(part, *kind, value)? {
                    made.insert((*part).to_owned(), value);
                }
            }
            Ok((!made.is_empty()).then_some(Value::Object(made)))
        }
        (Kind::Complex(_), _) => Err(wrong("an object")),
        (Kind::Many(parts), Value::Array(given)) => {
            if given.len() > limits::EMAILS {
                return Err(ScimError::Most {
                    what: "values of one attribute",
                    most: limits::EMAILS,
                });
            }
            let mut made = Vec::new();
            for one in given {
                made.extend(element(name, parts, one)?);
            }
            Ok((!made.is_empty()).then_some(Value::Array(made)))
        }
        (Kind::Many(parts), one) => {
            Ok(element(name, parts, one)?.map(|one| Value::Array(vec![one])))
        }
    }
}

/// One of several values; a bare text is its `value`.
fn element(name: &str, parts: Shape, given: &Value) -> Result<Option<Value>, ScimError> {
    match given {
        Value::String(_) => {
            let value = coerce("value", Kind::Text, given)?;
            Ok(value.map(|value| Value::Object(Map::from_iter([("value".to_owned(), value)]))))
        }
        other => coerce(name, Kind::Complex(parts), other),
    }
}
