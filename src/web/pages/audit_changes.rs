//! Old and new values as pages show them: inside of objects field by field, long ones in brief.

use serde_json::Value;

use crate::audit::event::Change;
use crate::web::view::audit_entry::{FieldChange, Shown};

/// Longer texts are shown by how they begin.
const BRIEF_CHARS: usize = 240;
/// Objects are taken apart so deep, and into so many fields at the most.
const DEPTH: usize = 4;
const FIELDS: usize = 200;

/// The changes of an entry, one by one.
pub fn changes<'a>(all: impl Iterator<Item = (&'a String, &'a Change)>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    for (field, change) in all {
        compare(field.clone(), change.old.as_ref(), change.new.as_ref(), DEPTH, &mut found);
    }
    found
}

fn compare(
    field: String,
    old: Option<&Value>,
    new: Option<&Value>,
    depth: usize,
    found: &mut Vec<FieldChange>,
) {
    let inner = (old.and_then(Value::as_object), new.and_then(Value::as_object));
    if let (Some(before), Some(after)) = inner
        && depth > 0
        && found.len() < FIELDS
    {
        let names: std::collections::BTreeSet<&String> =
            before.keys().chain(after.keys()).collect();
        for name in names {
            let (old, new) = (before.get(name), after.get(name));
            if old != new {
                compare(format!("{field}.{name}"), old, new, depth - 1, found);
            }
        }
        return;
    }
    found.push(FieldChange { field, old: old.map(shown), new: new.map(shown) });
}

/// A value as people read it.
pub fn shown(value: &Value) -> Shown {
    match value {
        Value::String(text) if text == "[sealed]" || text == "[redacted]" => Shown::Hidden,
        Value::String(text) => match text.char_indices().nth(BRIEF_CHARS) {
            Some((at, _)) => Shown::Long(text[..at].to_owned(), text.clone()),
            None => Shown::Text(text.clone()),
        },
        Value::Array(_) | Value::Object(_) => {
            Shown::Json(serde_json::to_string_pretty(value).unwrap_or_default())
        }
        other => Shown::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(old: Option<Value>, new: Option<Value>) -> Vec<FieldChange> {
        let change = Change { old, new };
        changes([(&"field".to_owned(), &change)].into_iter())
    }

    #[test]
    fn of_an_object_only_what_differs_is_shown_by_its_path() {
        let old = json!({ "name": "a", "limits": { "users": 5, "days": 30 }, "gone": true });
        let new = json!({ "name": "a", "limits": { "users": 9, "days": 30 }, "tags": ["x"] });
        let found = of(Some(old), Some(new));
        let brief: Vec<_> = found.iter().map(|c| (c.field.as_str(), c.kind())).collect();
        let expected = [
            ("field.gone", "change-removed"),
            ("field.limits.users", "change-changed"),
            ("field.tags", "change-added"),
        ];
        assert_eq!(brief, expected);
        assert_eq!(found[1].new, Some(Shown::Text("9".into())));
        assert_eq!(found[2].new, Some(Shown::Json("[\n  \"x\"\n]".into())));
    }

    #[test]
    fn what_is_kept_out_of_the_log_says_so_and_long_texts_are_brief() {
        assert_eq!(of(None, Some(json!("[sealed]")))[0].new, Some(Shown::Hidden));
        let Some(Shown::Long(brief, all)) = &of(Some(json!("é".repeat(500))), None)[0].old else {
            panic!("not in brief");
        };
        assert_eq!((brief.chars().count(), all.chars().count()), (BRIEF_CHARS, 500));
    }

    #[test]
    fn a_hostile_object_is_not_taken_apart_without_end() {
        let deep = (0..20).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(of(Some(deep), Some(json!({ "a": 2 })))[0].field, "field.a");
        let wide = |by: u32| {
            (0..5000).map(|n| (n.to_string(), json!(n + by))).collect::<serde_json::Map<_, _>>()
        };
        assert!(of(Some(wide(0).into()), Some(wide(1).into())).len() <= 5000);
    }
}
