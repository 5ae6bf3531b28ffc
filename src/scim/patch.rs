//! PATCH (RFC 7644, 3.5.2), applied to a resource in its canonical form. What Entra ID and Okta
//! send otherwise than the standard has it is understood too.

use scim_v2::filter::{AttrExp, CompValue, CompareOp, PatchPath, PatchValuePath, ValFilter};
use serde_json::{Map, Value};

use super::shape::{self, Kind, Shape};
use super::{ScimError, filter, limits, schema};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub op: Op,
    /// Where; without one, `value` holds the attributes by name.
    pub path: Option<PatchPath>,
    /// Null when absent.
    pub value: Value,
}

/// The operations of a request, each with one path: those that came without are taken apart.
///
/// # Errors
/// [`ScimError::Syntax`] for what is no patch; [`ScimError::Path`] for a path that is none.
pub fn parse(body: &Value) -> Result<Vec<Operation>, ScimError> {
    let listed = filter::member(body, "Operations").and_then(Value::as_array);
    let listed = listed.ok_or(ScimError::Syntax("PatchOp: it needs a list of Operations"))?;
    if listed.is_empty() || listed.len() > limits::OPERATIONS {
        return Err(ScimError::Syntax("PatchOp: 1 to 10000 Operations"));
    }
    let mut operations = Vec::new();
    for one in listed {
        let text = |name| filter::member(one, name).and_then(Value::as_str);
        let op = match text("op").map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            _ => return Err(ScimError::Syntax("PatchOp: op is add, replace or remove")),
        };
        let value = filter::member(one, "value").cloned().unwrap_or_default();
        match text("path").map(str::trim).filter(|path| !path.is_empty()) {
            Some(path) => {
                operations.extend(at(path)?.map(|path| Operation { op, path: Some(path), value }));
            }
            None if op == Op::Remove => return Err(ScimError::NoTarget),
            None => apart(op, value, &mut operations)?,
        }
    }
    Ok(operations)
}

/// Each member of the value as an operation of its own. Entra ID writes whole paths as names.
fn apart(op: Op, value: Value, into: &mut Vec<Operation>) -> Result<(), ScimError> {
    let Value::Object(members) = value else {
        return Err(ScimError::Syntax("PatchOp: without a path, value is an object"));
    };
    for (name, value) in members {
        if schema::is_ours(&name) && value.is_object() {
            apart(op, value, into)?;
        } else if !shape::is_of_the_server(&name) {
            into.extend(at(&name)?.map(|path| Operation { op, path: Some(path), value }));
        }
    }
    Ok(())
}

/// Nothing for a path into an extension, which is not kept here.
fn at(path: &str) -> Result<Option<PatchPath>, ScimError> {
    let wrong = || ScimError::Path(path.chars().take(100).collect());
    if path.len() > limits::FILTER_BYTES {
        return Err(wrong());
    }
    if path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
        // What is not of our own schemas is an extension, whose paths may end with a version.
        if !schema::begins_with_ours(path) {
            return Ok(None);
        }
    }
    path.parse().map(Some).map_err(|_| wrong())
}

/// Changes the resource.
///
/// # Errors
/// [`ScimError::Path`], [`ScimError::NoTarget`], [`ScimError::Mutability`] and
/// [`ScimError::Value`]; the resource is then half changed and to be thrown away.
pub fn apply(resource: &mut Value, shape: Shape, operation: &Operation) -> Result<(), ScimError> {
    let Some(path) = &operation.path else { return Err(ScimError::NoTarget) };
    let name = match path {
        PatchPath::Attr(path) => &path.name,
        PatchPath::Value(path) => &path.attr.name,
    };
    let Some((name, kind)) = shape::find(shape, name) else {
        return shape::ignored(name);
    };
    let object = resource.as_object_mut().ok_or(ScimError::NoTarget)?;
    match path {
        PatchPath::Attr(path) => match &path.sub_attr {
            None => whole(object, name, kind, operation),
            Some(sub) => part(object, name, kind, sub, operation),
        },
        PatchPath::Value(path) => chosen(object, name, kind, path, operation),
    }
}

fn whole(
    object: &mut Map<String, Value>,
    name: &'static str,
    kind: Kind,
    operation: &Operation,
) -> Result<(), ScimError> {
    let value = match (operation.op, kind) {
        (Op::Remove, Kind::Text | Kind::Flag | Kind::Complex(_)) => None,
        _ => shape::coerce(name, kind, &operation.value)?,
    };
    match (operation.op, kind, value) {
        (Op::Remove, Kind::Many(_), Some(Value::Array(which))) => {
            // Entra ID names what goes as values instead of in a filter.
            if let Some(Value::Array(there)) = object.get_mut(name) {
                there.retain(|one| !which.iter().any(|gone| same(one, gone)));
            }
        }
        (Op::Remove, ..) | (_, _, None) => drop(object.remove(name)),
        (Op::Add, Kind::Many(_), Some(Value::Array(new))) => {
            let there = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(there) = there {
                for one in new {
                    there.retain(|old| !same(old, &one));
                    primary(there, &one);
                    there.push(one);
                }
            }
        }
        (_, Kind::Complex(_), Some(Value::Object(new))) => {
            let there = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(there) = there {
                there.extend(new);
            }
        }
        (_, _, Some(value)) => drop(object.insert(name.to_owned(), value)),
    }
    Ok(())
}

/// One sub-attribute: of the one value, or of each.
fn part(
    object: &mut Map<String, Value>,
    name: &'static str,
    kind: Kind,
    sub: &str,
    operation: &Operation,
) -> Result<(), ScimError> {
    let Some((sub, of)) = shape::sub(kind, sub) else {
        return Err(ScimError::Path(format!("{name}.{sub}")));
    };
    let value = match operation.op {
        Op::Remove => None,
        _ => shape::coerce(sub, of, &operation.value)?,
    };
    let empty = match kind {
        Kind::Many(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    };
    match object.entry(name).or_insert(empty) {
        Value::Object(there) => put(there, sub, value),
        Value::Array(there) => {
            if there.is_empty() && value.is_some() {
                there.push(Value::Object(Map::new()));
            }
            for one in there.iter_mut().filter_map(Value::as_object_mut) {
                put(one, sub, value.clone());
            }
        }
        _ => return Err(ScimError::Path(format!("{name}.{sub}"))),
    }
    Ok(())
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
}

/// The values that a filter chooses.
fn chosen(
    object: &mut Map<String, Value>,
    name: &'static str,
    kind: Kind,
    path: &PatchValuePath,
    operation: &Operation,
) -> Result<(), ScimError> {
    let Kind::Many(parts) = kind else { return Err(ScimError::Path(format!("{name}[…]"))) };
    let sub = match &path.sub_attr {
        None => None,
        Some(sub) => {
            let found = shape::sub(kind, sub);
            Some(found.ok_or_else(|| ScimError::Path(format!("{name}[…].{sub}")))?)
        }
    };
    let new = match (operation.op, sub) {
        (Op::Remove, _) => None,
        (_, Some((sub, of))) => shape::coerce(sub, of, &operation.value)?,
        (_, None) => shape::coerce(name, Kind::Complex(parts), &operation.value)?,
    };
    let there = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(there) = there else { return Err(ScimError::NoTarget) };
    let mut which = Vec::new();
    for (at, one) in there.iter().enumerate() {
        if filter::selects(&path.filter, one)? {
            which.push(at);
        }
    }
    if which.is_empty() {
        // Entra ID adds to what is not there yet: the filter then says what it is to be.
        let Some(made) = made(&path.filter).filter(|_| operation.op == Op::Add) else {
            return Err(ScimError::NoTarget);
        };
        which.push(there.len());
        there.push(Value::Object(made));
    }
    for at in which.iter().rev() {
        match (operation.op, sub, &new) {
            (Op::Remove, None, _) => drop(there.remove(*at)),
            (_, Some((sub, _)), value) => {
                if let Some(one) = there.get_mut(*at).and_then(Value::as_object_mut) {
                    put(one, sub, value.clone());
                }
            }
            (op, None, Some(Value::Object(new))) => {
                if let Some(one) = there.get_mut(*at).and_then(Value::as_object_mut) {
                    if op == Op::Replace {
                        one.clear();
                    }
                    one.extend(new.clone());
                }
            }
            _ => return Err(ScimError::value(format!("{name} needs a value"))),
        }
    }
    if let Some(last) = which.last().and_then(|at| there.get(*at)).cloned()
        && operation.op != Op::Remove
    {
        let at = which.last().copied().unwrap_or_default();
        let mut others: Vec<_> = std::mem::take(there);
        let changed = others.remove(at);
        primary(&mut others, &last);
        others.insert(at, changed);
        *there = others;
    }
    Ok(())
}

/// What an element must be for a filter of equalities to choose it.
fn made(filter: &ValFilter) -> Option<Map<String, Value>> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, with)) => {
            let value = match with {
                CompValue::Str(text) => Value::String(text.clone()),
                CompValue::True => Value::Bool(true),
                CompValue::False => Value::Bool(false),
                _ => return None,
            };
            Some(Map::from_iter([(path.name.clone(), value)]))
        }
        ValFilter::And(all) => {
            let mut together = Map::new();
            for one in all.iter() {
                together.extend(made(one)?);
            }
            Some(together)
        }
        _ => None,
    }
}

/// At most one value is the primary one (RFC 7643, 2.4): the last that was said to be.
fn primary(others: &mut [Value], new: &Value) {
    if new.get("primary").and_then(Value::as_bool) != Some(true) {
        return;
    }
    for other in others.iter_mut().filter_map(Value::as_object_mut) {
        if other.contains_key("primary") {
            other.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

/// Of the same `value`, or alike in everything.
fn same(a: &Value, b: &Value) -> bool {
    match (a.get("value").and_then(Value::as_str), b.get("value").and_then(Value::as_str)) {
        (Some(a_value), Some(b_value)) => {
            a_value.eq_ignore_ascii_case(b_value)
                && b.get("type").is_none_or(|kind| a.get("type") == Some(kind))
        }
        _ => a == b,
    }
}
