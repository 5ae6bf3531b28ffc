//! Writing a large export to its file.

use std::path::PathBuf;
use std::time::Duration;

use super::model::resource;
use super::reading::{CATCH_UP, Reading, renewed};
use super::running::Place;
use super::writer::Setting;
use super::{ExportError, ExportRequest, ExportState, Exporting, repo};
use crate::audit::catalogue;
use crate::audit::event::Outcome;
use crate::audit::query::Query;
use crate::authz::{Grant, Realm};
use crate::crypto::Key32;
use crate::kernel::id::ExportId;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::store::StoreError;
use crate::store::spool::{self, SpoolWriter};
use crate::tenants::{DoorError, SystemWrite, Tenants, Turns};

/// Between two looks whether the index has caught up.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Task<P> {
    pub tenants: Tenants,
    pub grant: Grant<P>,
    pub request: ExportRequest,
    pub query: Query,
    pub key: Key32,
    pub approved: bool,
}

/// Where the file of an export is.
pub fn path(tenants: &Tenants, realm: Realm, id: ExportId) -> PathBuf {
    tenants.exports_directory(realm).join(format!("{id}.db"))
}

/// Waits for its turn, writes the file, and says how it ended. A file that is not whole goes.
pub async fn run<P: Exporting>(task: Task<P>, place: Place, turns: Turns) {
    let _turn = turns.take(task.grant.realm()).await;
    let path = path(&task.tenants, task.grant.realm(), place.id);
    match task.write(&place, path.clone()).await {
        Ok(true) => {}
        Ok(false) => discard(path).await,
        Err(error) => {
            discard(path).await;
            task.failed(place.id, &error).await;
        }
    }
}

/// Deletes a file off the threads that answer requests.
pub async fn discard(path: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || spool::remove(&path)).await;
}

impl<P: Exporting> Task<P> {
    /// Whether the export is ready now; it is not when it was cancelled meanwhile.
    async fn write(&self, place: &Place, path: PathBuf) -> Result<bool, ExportError> {
        let (id, progress) = (place.id, &place.progress);
        if !self.change(move |tx| repo::begin(tx, id)).await? {
            return Ok(false);
        }
        let mut reading = self.prepare(place).await?;
        progress.set(0, reading.total());
        let key = self.key.clone();
        let mut spool =
            blocking(move || SpoolWriter::create(&path, &key, limits::DISK_RESERVE_BYTES)).await?;
        while let Some(bytes) = reading.next().await? {
            progress.go_on()?;
            spool = blocking(move || spool.write(&bytes).map(|()| spool)).await?;
            progress.set(reading.done(), reading.total());
        }
        let bytes = blocking(move || spool.finish()).await?;
        self.record(id, Outcome::Success, &[("entries", reading.total()), ("bytes", bytes)])
            .await?;
        let (entries, now) = (reading.total(), self.tenants.runtime().now());
        let times = (now, now.plus(limits::EXPORT_LIFE));
        self.change(move |tx| repo::ready(tx, id, (entries, bytes), times)).await
    }

    /// Finds the entries, as soon as the index has all that was there when they were asked for.
    async fn prepare(&self, place: &Place) -> Result<Reading<P>, ExportError> {
        loop {
            place.progress.go_on()?;
            let grant = renewed(&self.tenants, &self.grant).await?;
            let query = self.query.clone();
            let (realm, request) = (grant.realm(), self.request.clone());
            let mut setting = Setting::new(&self.tenants, realm, grant.caller(), request).await?;
            setting.approved = self.approved;
            let planned =
                self.tenants.read(&grant, move |tx| setting.begin(tx, &query, CATCH_UP, u64::MAX));
            let planned = planned.await;
            self.tenants.note_lost_index(grant.realm()).await?;
            match planned {
                Ok((plan, writer)) => {
                    return Ok(Reading::new(&self.tenants, &grant, plan, writer));
                }
                Err(ExportError::Behind) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn failed(&self, id: ExportId, error: &ExportError) {
        if matches!(error, ExportError::Cancelled) {
            return; // whoever cancelled it has written that down
        }
        tracing::warn!(export = %id, %error, "an export failed");
        // What is wrong inside is for the operating log.
        let problem = match error.kind() {
            ErrorKind::Internal => "something went wrong inside; the server's log says what".into(),
            _ => error.to_string(),
        };
        let now = self.tenants.runtime().now();
        let ended =
            self.change(move |tx| repo::end(tx, id, ExportState::Failed, Some(&problem), now));
        let outcome = match error.kind() {
            ErrorKind::Denied => Outcome::Denied,
            _ => Outcome::Error,
        };
        let recorded = self.record(id, outcome, &[]);
        for result in [ended.await.map(drop), recorded.await] {
            if let Err(error) = result {
                tracing::error!(export = %id, %error, "the end of an export was not written down");
            }
        }
    }

    async fn record(
        &self,
        id: ExportId,
        outcome: Outcome,
        numbers: &[(&str, u64)],
    ) -> Result<(), ExportError> {
        let mut event = self.request.event(catalogue::AUDIT_EXPORTED, resource(id));
        event.outcome = outcome;
        for (name, number) in numbers {
            event.custom_fields.insert((*name).to_owned(), (*number).into());
        }
        let recorded = self.tenants.disclose(&self.grant, move |_| Ok(((), event)));
        recorded.await.map(|_| ())
    }

    async fn change(
        &self,
        f: impl Fn(&mut crate::tenants::WriteTx<'_, SystemWrite>) -> Result<bool, StoreError>
        + Send
        + 'static,
    ) -> Result<bool, ExportError> {
        let realm = self.grant.realm();
        let write =
            self.tenants.system_write(realm, SystemWrite::ExportState, move |tx| Ok(f(tx)?));
        Ok(write.await?)
    }
}

/// Off the threads that answer requests.
async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ExportError> {
    let done = tokio::task::spawn_blocking(f).await;
    Ok(done.unwrap_or(Err(StoreError::Panicked)).map_err(DoorError::from)?)
}
