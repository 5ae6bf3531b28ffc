//! Fetching an export that is ready.

use super::model::resource;
use super::reading::renewed_with_session;
use super::{Export, ExportError, ExportState, Exporting, Exports, find, repo, task};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::kernel::id::ExportId;
use crate::kernel::limits;
use crate::store::StoreError;
use crate::store::spool::SpoolReader;
use crate::tenants::{DoorError, Tenants};

/// An export's file on its way out.
pub struct Download<P> {
    pub export: Export,
    tenants: Tenants,
    grant: Grant<P>,
    reader: Option<SpoolReader>,
    sent: u64,
    deadline: std::time::Duration,
}

/// The download is recorded before its first byte leaves.
///
/// # Errors
/// [`ExportError::NotReady`] when there is no file.
pub async fn download<P: Exporting>(
    exports: &Exports,
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ExportId,
) -> Result<Download<P>, ExportError> {
    let export = find(exports, tenants, grant, id).await?;
    if export.state != ExportState::Ready {
        return Err(ExportError::NotReady(export.state.name()));
    }
    let (entries, bytes) = (export.done, export.bytes);
    let path = task::path(tenants, grant.realm(), id);
    let opened = tenants.disclose(grant, move |tx| {
        let key = repo::key(tx, id)?.ok_or(ExportError::NotReady(ExportState::Expired.name()))?;
        let reader = SpoolReader::open(&path, &key)?;
        let mut event = Event::new(catalogue::AUDIT_EXPORT_DOWNLOADED);
        event.resource = Some(resource(id));
        event.custom_fields.insert("entries".into(), entries.into());
        event.custom_fields.insert("bytes".into(), bytes.into());
        Ok::<_, ExportError>((reader, event))
    });
    let reader = opened.await?.value;
    let now = tenants.runtime().clock.monotonic();
    Ok(Download {
        export,
        tenants: tenants.clone(),
        grant: grant.clone(),
        reader: Some(reader),
        sent: 0,
        deadline: now.saturating_add(limits::DOWNLOAD_TIME),
    })
}

impl<P: Exporting> Download<P> {
    /// The next piece; none after the last.
    ///
    /// # Errors
    /// Before each piece it is looked whether whoever fetches it may still have it, and whether it
    /// was thrown away meanwhile: contents that are destroyed do not go on leaving the house.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        if self.tenants.runtime().clock.monotonic() >= self.deadline {
            return Err(ExportError::TooSlow);
        }
        self.grant = renewed_with_session(&self.tenants, &self.grant).await?;
        let id = self.export.id;
        let is_gone = self
            .tenants
            .read(&self.grant, move |tx| Ok::<_, ExportError>(repo::is_cancelled(tx, id)?));
        if is_gone.await? {
            return Err(ExportError::NotReady(ExportState::Cancelled.name()));
        }
        let read = tokio::task::spawn_blocking(move || Ok((reader.next_chunk()?, reader))).await;
        let (chunk, reader) = read.unwrap_or(Err(StoreError::Panicked)).map_err(DoorError::from)?;
        match chunk {
            Some(chunk) => {
                self.sent += chunk.len() as u64;
                self.reader = Some(reader);
                Ok(Some(chunk))
            }
            None if self.sent == self.export.bytes => Ok(None),
            None => Err(ExportError::Damaged),
        }
    }
}
