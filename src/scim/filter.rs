//! Filters (RFC 7644, 3.4.2.2): read by the library's grammar, held against resources here.

use std::cmp::Ordering;

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::Value;

use super::{ScimError, limits, schema};
use crate::kernel::Timestamp;

/// # Errors
/// [`ScimError::Filter`] says at which byte it ends to be one.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    if text.len() > limits::FILTER_BYTES {
        return Err(ScimError::FilterLength);
    }
    text.parse().or_else(|error: scim_v2::filter::ParseError| {
        let wrong = || ScimError::Filter(error.to_string().chars().take(200).collect());
        drawn_in(text).and_then(|text| text.parse().ok()).ok_or_else(wrong)
    })
}

/// `emails[type eq "work"].value eq "x"`, as Entra ID asks for whom it matches by an address, in the
/// standard's form: `emails[(type eq "work") and value eq "x"]`.
fn drawn_in(text: &str) -> Option<String> {
    let (attribute, rest) = text.split_once('[')?;
    let (inner, comparison) = rest.split_once("].")?;
    let is_one = matches!(comparison.parse(), Ok(Filter::Attr(_)));
    is_one.then(|| format!("{attribute}[({inner}) and {comparison}]"))
}

/// Whether a resource, as it is answered, is one of those.
///
/// # Errors
/// [`ScimError::Filter`] for a comparison that has no meaning, such as one truth before another.
pub fn matches(filter: &Filter, resource: &Value) -> Result<bool, ScimError> {
    match filter {
        Filter::Attr(expression) => expressed(expression, resource),
        Filter::ValuePath(path) => {
            if !is_ours(&path.attr) {
                return Ok(false);
            }
            for element in elements(member(resource, &path.attr.name)) {
                if selects(&path.filter, element)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Filter::Not(inner) => Ok(!matches(inner, resource)?),
        Filter::And(all) => {
            all.iter().try_fold(true, |so_far, one| Ok(matches(one, resource)? && so_far))
        }
        Filter::Or(any) => {
            any.iter().try_fold(false, |so_far, one| Ok(matches(one, resource)? || so_far))
        }
    }
}

/// Whether an element of a multi-valued attribute is one of those.
pub fn selects(filter: &ValFilter, element: &Value) -> Result<bool, ScimError> {
    match filter {
        ValFilter::Attr(expression) => expressed(expression, element),
        ValFilter::Not(inner) => Ok(!selects(inner, element)?),
        ValFilter::And(all) => {
            all.iter().try_fold(true, |so_far, one| Ok(selects(one, element)? && so_far))
        }
        ValFilter::Or(any) => {
            any.iter().try_fold(false, |so_far, one| Ok(selects(one, element)? || so_far))
        }
    }
}

fn expressed(expression: &AttrExp, of: &Value) -> Result<bool, ScimError> {
    match expression {
        AttrExp::Present(path) => Ok(values(path, of).into_iter().any(is_there)),
        AttrExp::Comparison(path, CompareOp::Ne, with) => {
            Ok(!compared(path, &CompareOp::Eq, with, of)?)
        }
        AttrExp::Comparison(path, operator, with) => compared(path, operator, with, of),
    }
}

fn compared(
    path: &AttrPath,
    operator: &CompareOp,
    with: &CompValue,
    of: &Value,
) -> Result<bool, ScimError> {
    let found: Vec<_> = values(path, of).into_iter().filter(|value| is_there(value)).collect();
    if matches!(with, CompValue::Null) {
        return match operator {
            CompareOp::Eq => Ok(found.is_empty()),
            _ => Err(no_order("null")),
        };
    }
    let exact = is_exact(path);
    for value in found {
        if holds(value, operator, with, exact)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(
    value: &Value,
    operator: &CompareOp,
    with: &CompValue,
    exact: bool,
) -> Result<bool, ScimError> {
    match (value, with) {
        (Value::String(value), CompValue::Str(with)) => Ok(text(value, operator, with, exact)),
        (Value::Bool(value), with) => {
            let with = match with {
                CompValue::True => true,
                CompValue::False => false,
                // As Entra ID writes them.
                CompValue::Str(text) if text.eq_ignore_ascii_case("true") => true,
                CompValue::Str(text) if text.eq_ignore_ascii_case("false") => false,
                _ => return Ok(false),
            };
            match operator {
                CompareOp::Eq => Ok(*value == with),
                _ => Err(no_order("a truth")),
            }
        }
        _ => Ok(false),
    }
}

fn text(value: &str, operator: &CompareOp, with: &str, exact: bool) -> bool {
    let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
    let (value, with) = (fold(value), fold(with));
    // Times of different precision and zone are compared as times.
    let time = |text: &str| Timestamp::parse(&text.to_uppercase());
    let order = match (time(&value), time(&with)) {
        (Some(value), Some(with)) => value.cmp(&with),
        _ => value.cmp(&with),
    };
    match operator {
        CompareOp::Eq => order == Ordering::Equal,
        CompareOp::Ne => order != Ordering::Equal,
        CompareOp::Co => value.contains(&with),
        CompareOp::Sw => value.starts_with(&with),
        CompareOp::Ew => value.ends_with(&with),
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::Ge => order != Ordering::Less,
        CompareOp::Le => order != Ordering::Greater,
    }
}

fn no_order(what: &str) -> ScimError {
    ScimError::Filter(format!("{what} can only be compared with eq and ne"))
}

/// What a path leads to; a complex value without a sub-attribute stands for its `value`.
fn values<'a>(path: &AttrPath, of: &'a Value) -> Vec<&'a Value> {
    if !is_ours(path) {
        return Vec::new();
    }
    let sub = path.sub_attr.as_deref();
    let deeper = |element: &'a Value| match (element, sub) {
        (Value::Object(_), Some(sub)) => member(element, sub),
        (Value::Object(_), None) => member(element, "value").or(Some(element)),
        (_, Some(_)) => None,
        (plain, None) => Some(plain),
    };
    elements(member(of, &path.name)).filter_map(deeper).collect()
}

fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Some(Value::Array(many)) => (None, many.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(many)
}

/// Names of attributes have no case (RFC 7643, 2.1).
pub fn member<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    let mut members = of.as_object()?.iter();
    members.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

fn is_ours(path: &AttrPath) -> bool {
    path.uri.as_deref().is_none_or(schema::is_ours)
}

/// Ids of whatever kind are compared letter by letter.
fn is_exact(path: &AttrPath) -> bool {
    let sub = path.sub_attr.as_deref().unwrap_or("value");
    let is = |name: &str| path.name.eq_ignore_ascii_case(name);
    is("id")
        || is("externalId")
        || ((is("members") || is("groups")) && sub.eq_ignore_ascii_case("value"))
}

/// What must hold for the whole filter to hold, and can be looked up: attribute, sub-attribute and
/// the text that it has to equal, both names in small letters.
pub fn needed(filter: &Filter) -> Vec<(String, String)> {
    match filter {
        Filter::Attr(expression) => equality("", expression).into_iter().collect(),
        Filter::ValuePath(path) if is_ours(&path.attr) => {
            inner(&path.attr.name.to_ascii_lowercase(), &path.filter)
        }
        Filter::And(all) => all.iter().flat_map(needed).collect(),
        _ => Vec::new(),
    }
}

fn inner(attribute: &str, filter: &ValFilter) -> Vec<(String, String)> {
    match filter {
        ValFilter::Attr(expression) => equality(attribute, expression).into_iter().collect(),
        ValFilter::And(all) => all.iter().flat_map(|one| inner(attribute, one)).collect(),
        _ => Vec::new(),
    }
}

fn equality(attribute: &str, expression: &AttrExp) -> Option<(String, String)> {
    let AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(text)) = expression else {
        return None;
    };
    let mut name = path.name.to_ascii_lowercase();
    if let Some(sub) = &path.sub_attr {
        name = format!("{name}.{}", sub.to_ascii_lowercase());
    }
    if !attribute.is_empty() {
        name = format!("{attribute}.{name}");
    }
    is_ours(path).then(|| (name, text.clone()))
}

/// Whether a filter looks at an attribute.
pub fn mentions(filter: &Filter, attribute: &str) -> bool {
    let is = |path: &AttrPath| path.name.eq_ignore_ascii_case(attribute);
    match filter {
        Filter::Attr(AttrExp::Present(path) | AttrExp::Comparison(path, ..)) => is(path),
        Filter::ValuePath(path) => is(&path.attr),
        Filter::Not(inner) => mentions(inner, attribute),
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().any(|part| mentions(part, attribute))
        }
    }
}
