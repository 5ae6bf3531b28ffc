//! Removing a stream.

use super::model::Manages;
use super::{StreamError, Streams, repo, report};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::kernel::id::StreamId;

/// Removes a stream with its cursor and its secrets.
pub async fn delete<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
) -> Result<(), StreamError> {
    let _changing = streams.changing().await;
    let written = streams.tenants().write(grant, move |tx| {
        let stored = repo::find(tx, id)?;
        repo::delete(tx, id)?;
        let mut event = report::about(catalogue::STREAM_DELETED, id);
        report::changes(&mut event, Some(&stored.settings), None);
        event.custom_fields.insert("through".into(), stored.cursor.through.into());
        Ok::<_, StreamError>(((), event.into()))
    });
    written.await?;
    streams.look(grant.realm()).await;
    Ok(())
}
