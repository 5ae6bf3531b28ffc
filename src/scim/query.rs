//! What a client asks of a list, and which attributes it wants to see (RFC 7644, 3.4.2 and 3.9).

use scim_v2::filter::Filter;
use serde_json::{Map, Value, json};

use super::{ScimError, filter, limits, schema};

/// As it was sent.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub filter: Option<String>,
    /// 1-based; less than 1 means 1.
    pub start_index: Option<i64>,
    /// Less than 0 means 0.
    pub count: Option<i64>,
    pub view: View,
}

/// Which attributes are answered.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// These and those that always are, when there are any.
    pub attributes: Vec<String>,
    /// All but these.
    pub excluded: Vec<String>,
}

pub struct Query {
    pub filter: Option<Filter>,
    /// Results that are passed over.
    pub skip: usize,
    pub count: usize,
    pub view: View,
}

impl Query {
    pub fn read(asked: Asked) -> Result<Self, ScimError> {
        let text = asked.filter.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let count = asked.count.map_or(limits::PAGE, |count| usize::try_from(count).unwrap_or(0));
        let start = asked.start_index.unwrap_or(1).max(1);
        Ok(Self {
            filter: text.map(filter::parse).transpose()?,
            skip: usize::try_from(start - 1).unwrap_or(usize::MAX),
            count: count.min(limits::PAGE),
            view: asked.view,
        })
    }

    /// Whether an attribute that costs something is needed to answer or to choose.
    pub fn chooses_by(&self, attribute: &str) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter::mentions(filter, attribute))
    }
}

impl View {
    /// From the two parameters, each a list separated by commas.
    pub fn new(attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let list = |text: Option<&str>| {
            let names = text.unwrap_or_default().split(',').map(own_name);
            names.filter(|name| !name.is_empty()).collect()
        };
        Self { attributes: list(attributes), excluded: list(excluded) }
    }

    pub fn is_everything(&self) -> bool {
        self.attributes.is_empty() && self.excluded.is_empty()
    }

    /// Whether any of an attribute is answered.
    pub fn shows(&self, attribute: &str) -> bool {
        if !self.attributes.is_empty() {
            return self.attributes.iter().any(|name| top(name) == attribute.to_ascii_lowercase());
        }
        !self.excluded.iter().any(|name| *name == attribute.to_ascii_lowercase())
    }

    /// Leaves out of a resource what was not asked for. `id` and `schemas` always stay.
    pub fn apply(&self, resource: Value) -> Value {
        let Value::Object(members) = resource else { return resource };
        if self.is_everything() {
            return Value::Object(members);
        }
        let only = !self.attributes.is_empty();
        let names = if only { &self.attributes } else { &self.excluded };
        let mut kept = Map::new();
        for (name, value) in members {
            let small = name.to_ascii_lowercase();
            let whole = names.contains(&small);
            let subs: Vec<_> =
                names.iter().filter_map(|name| name.strip_prefix(&format!("{small}."))).collect();
            if small == "id" || small == "schemas" {
                kept.insert(name, value);
            } else if subs.is_empty() || whole {
                if whole == only {
                    kept.insert(name, value);
                }
            } else {
                kept.insert(name, parts(value, &subs, only));
            }
        }
        Value::Object(kept)
    }
}

fn parts(value: Value, subs: &[&str], only: bool) -> Value {
    match value {
        Value::Array(elements) => {
            elements.into_iter().map(|element| parts(element, subs, only)).collect()
        }
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| subs.contains(&name.to_ascii_lowercase().as_str()) == only)
            .collect(),
        other => other,
    }
}

/// In small letters, without our schemas' names before it.
fn own_name(name: &str) -> String {
    let name = name.trim();
    let bare = [schema::USER, schema::GROUP].iter().find_map(|own| {
        let start = name.get(..own.len()).filter(|start| start.eq_ignore_ascii_case(own));
        start.and_then(|_| name[own.len()..].strip_prefix(':'))
    });
    bare.unwrap_or(name).to_ascii_lowercase()
}

fn top(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// One page of what was found.
pub struct Found {
    pub total: usize,
    /// 1-based, of the first.
    pub start: usize,
    pub resources: Vec<Value>,
}

impl Found {
    pub fn value(self) -> Value {
        json!({
            "schemas": [schema::LIST],
            "totalResults": self.total,
            "startIndex": self.start,
            "itemsPerPage": self.resources.len(),
            "Resources": self.resources
        })
    }
}
