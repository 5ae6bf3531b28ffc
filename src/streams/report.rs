//! What the log says about streams.

use crate::audit::Event;
use crate::audit::catalogue::Action;
use crate::audit::event::{Change, Resource};
use crate::kernel::id::StreamId;

use super::repo::Settings;

/// Stands in the log for a secret.
const SEALED: &str = "[sealed]";

pub fn about(action: Action, id: StreamId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("stream", id.to_string()));
    event
}

/// Adds what differs between two settings. Of a destination only the host is named: the rest of
/// an address may be a secret.
pub fn changes(event: &mut Event, old: Option<&Settings>, new: Option<&Settings>) {
    let mut compare = |field: &str, of: &dyn Fn(&Settings) -> String| {
        let (old, new) = (old.map(of), new.map(of));
        if old != new {
            let change = Change { old: old.map(Into::into), new: new.map(Into::into) };
            event.changes.insert(field.to_owned(), change);
        }
    };
    compare("name", &|settings| settings.name.clone());
    compare("destination", &|settings| settings.destination.place());
    compare("format", &|settings| settings.format.name().to_owned());
    let details = |settings: &Settings| serde_json::to_string(&settings.destination).ok();
    if let (Some(old), Some(new)) = (old, new)
        && details(old) != details(new)
        && !event.changes.contains_key("destination")
    {
        let sealed = || Some(SEALED.into());
        event.changes.insert("destination".to_owned(), Change { old: sealed(), new: sealed() });
    }
}

/// That a secret was set, replaced or removed, without it.
pub fn secret(event: &mut Event, field: &str, before: bool, after: bool) {
    let value = |there: bool| there.then(|| SEALED.into());
    event.changes.insert(field.to_owned(), Change { old: value(before), new: value(after) });
}
