//! Setting up a stream.

use super::model::{Begin, Manages, NewStream, StreamState};
use super::repo::{self, Cursor, Settings, Stored};
use super::{Stream, StreamError, Streams, check, report};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::kernel::limits;
use crate::tenants::IdempotencyKey;

/// Sets up a stream; it begins to send at once. A call repeated with its idempotency key gets the
/// same stream.
///
/// # Errors
/// [`StreamError`]: what is wrong with the destination or its secrets, or too many streams.
pub async fn create<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    new: NewStream,
    key: Option<IdempotencyKey>,
) -> Result<Stream, StreamError> {
    let name = check::name(&new.name)?;
    let settings = Settings { name, destination: new.destination, format: new.format };
    streams.check(&settings.destination, &new.secrets).await?;
    let _changing = streams.changing().await;
    // First, so that a start after a crash in between looks for the stream.
    streams.enlist(grant.realm()).await?;
    let (begin, secrets) = (new.begin, new.secrets);
    let written = streams.tenants().write_once(grant, key, move |tx| {
        if repo::count(tx)? >= limits::STREAMS_PER_LOG as u64 {
            return Err(StreamError::TooMany(limits::STREAMS_PER_LOG));
        }
        let now = tx.runtime().now();
        let through = match begin {
            Begin::Beginning => 0,
            Begin::Now => tx.first_entry() - 1,
        };
        let (log, moved, alarmed) = (repo::log(tx)?, None, None);
        let stored = Stored {
            id: tx.runtime().id(),
            state: StreamState::Active,
            settings: settings.clone(),
            secrets: secrets.clone(),
            revision: 1,
            created: now,
            changed: now,
            cursor: Cursor { log, through, sent: 0, skipped: 0, moved, alarmed },
        };
        repo::insert(tx, &stored)?;
        let mut event = report::about(catalogue::STREAM_CREATED, stored.id);
        report::changes(&mut event, None, Some(&stored.settings));
        for (field, secret) in
            [("credential", &secrets.credential), ("clientKey", &secrets.client_key)]
        {
            if secret.is_some() {
                report::secret(&mut event, field, false, true);
            }
        }
        Ok::<_, StreamError>((stored.id, event.into()))
    });
    let id = written.await?.value;
    streams.look(grant.realm()).await;
    let stored = streams.tenants().read(grant, move |tx| repo::find(tx, id)).await?;
    streams.view(grant, stored).await
}
