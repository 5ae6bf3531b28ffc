//! Values to complete a search with.

use std::time::Duration;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::query::Field;
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// Completion is worth this much time; what was found until then is enough.
const PATIENCE: Duration = Duration::from_millis(100);

/// Values of a field that begin with `prefix`, of recent entries. `P` is a permission to read the
/// realm's log.
///
/// Names of people and things are contents of the log, and seeing them is an entry; names of
/// actions, outcomes, types and roles are not.
pub async fn suggest<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    field: Field,
    prefix: &str,
    limit: usize,
) -> Result<Vec<String>, TrailError> {
    let beginning = prefix.to_owned();
    if is_vocabulary(field) {
        return tenants
            .read(grant, move |tx| Ok(tx.suggest_from_index(field, &beginning, limit, PATIENCE)?))
            .await;
    }
    let disclosed = tenants.disclose(grant, move |tx| {
        let values = tx.suggest_from_index(field, &beginning, limit, PATIENCE)?;
        let mut event = Event::new(catalogue::AUDIT_VIEWED);
        event.resource = Some(Resource::new("audit_log", "suggestions"));
        event.custom_fields.insert("beginning".into(), beginning.into());
        event.custom_fields.insert("values".into(), values.len().into());
        Ok::<_, TrailError>((values, event))
    });
    Ok(disclosed.await?.value)
}

fn is_vocabulary(field: Field) -> bool {
    matches!(field, Field::Action | Field::ActorType | Field::Role | Field::Outcome | Field::Type)
}
