//! What changes of settings have in common.

use serde_json::Value;

use crate::approvals::Approved;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::SignInPolicy;

/// How a change may get past the second person.
pub enum Way {
    Alone,
    Approved(Approved),
    /// Says so in a field of the entry.
    FromTheMachine {
        field: &'static str,
        words: &'static str,
    },
}

impl Way {
    /// Says in the change's entry who else was in it.
    pub fn mark(&self, event: &mut Event) {
        match self {
            Self::Alone => {}
            Self::Approved(approved) => approved.mark(event),
            Self::FromTheMachine { field, words } => {
                event.custom_fields.insert((*field).into(), (*words).into());
            }
        }
    }
}

/// The entry of a change, with what was and what is.
pub fn changed(before: &SignInPolicy, after: &SignInPolicy, setting: &'static str) -> Event {
    let mut event = Event::new(catalogue::SETTINGS_CHANGED);
    event.resource = Some(Resource::new("setting", setting));
    let fields = |policy| serde_json::to_value(policy).unwrap_or_default();
    if let (Value::Object(old), Value::Object(new)) = (fields(before), fields(after)) {
        for (name, new) in new {
            let old = old.get(&name).cloned().unwrap_or_default();
            if old != new {
                event.changes.insert(name, Change { old: Some(old), new: Some(new) });
            }
        }
    }
    event
}
