//! Audit events about conversations. They name a conversation by its id and never say what is in it.

use crate::audit::Event;
use crate::audit::catalogue::Action;
use crate::audit::event::{Change, Resource};
use crate::kernel::id::ConversationId;

/// Stands in the log for a value that is sealed in the data.
const SEALED: &str = "[sealed]";

pub fn about(action: Action, id: ConversationId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("conversation", id.to_string()));
    event
}

/// That a sealed value changed, without the value.
pub fn sealed_change(before: bool, after: bool) -> Change {
    let value = |there: bool| there.then(|| SEALED.into());
    Change { old: value(before), new: value(after) }
}
