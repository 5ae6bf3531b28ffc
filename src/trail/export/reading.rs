//! Reading the entries of an export, oldest first, a batch at a time: however many there are,
//! memory holds one batch.

use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringTreemap;

use super::plan::Plan;
use super::writer::{Setting, Writer};
use super::{ExportError, ExportRequest, Exporting};
use crate::audit::catalogue;
use crate::audit::event::Resource;
use crate::authn;
use crate::authz::{Caller, Denied, Grant, Realm, TenantState, authorize};
use crate::kernel::id::LogId;
use crate::kernel::limits;
use crate::tenants::Tenants;

/// For how long an export waits for the search index.
pub(super) const CATCH_UP: Duration = Duration::from_secs(10);
/// Entries in one batch at most.
const BATCH: usize = 500;

/// An export on its way out.
pub struct Reading<P> {
    tenants: Tenants,
    grant: Grant<P>,
    /// None after the end, or after an error.
    writer: Option<Writer>,
    seqs: RoaringTreemap,
    /// The log from before a restore that they are read from.
    past: Option<LogId>,
    /// Number of the last entry written.
    last: u64,
    done: u64,
    total: u64,
    begun: bool,
    deadline: Duration,
    /// Sent as it is read: it ends with the session of whoever asked.
    at_once: bool,
}

/// An export of up to [`limits::EXPORT_AT_ONCE`] entries, to be sent at once. It is recorded when
/// this returns.
///
/// # Errors
/// [`ExportError::TooMany`] for more, [`ExportError::Behind`].
pub async fn export_small<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
) -> Result<Reading<P>, ExportError> {
    begin(tenants, grant, request, limits::EXPORT_AT_ONCE).await
}

/// The same without a limit, for somebody on the machine itself, who waits for the search index
/// as long as it takes.
pub async fn export<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
) -> Result<Reading<P>, ExportError> {
    loop {
        match begin(tenants, grant, request.clone(), u64::MAX).await {
            Err(ExportError::Behind) => {} // every look feeds it
            other => return other,
        }
    }
}

async fn begin<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
    most: u64,
) -> Result<Reading<P>, ExportError> {
    let query = request.query(tenants.runtime().now())?;
    let setting = Setting::new(tenants, grant.realm(), grant.caller(), request.clone()).await?;
    let disclosed = tenants.disclose(grant, move |tx| {
        let (plan, writer) = setting.begin(tx, &query, CATCH_UP, most)?;
        let resource = Resource::new("audit_log", plan.log.to_string());
        let mut event = request.event(catalogue::AUDIT_EXPORTED, resource);
        event.custom_fields.insert("entries".into(), plan.seqs.len().into());
        Ok::<_, ExportError>(((plan, writer), event))
    });
    let disclosed = disclosed.await;
    tenants.note_lost_index(grant.realm()).await?;
    let (plan, writer) = disclosed?.value;
    Ok(Reading { at_once: true, ..Reading::new(tenants, grant, plan, writer) })
}

impl<P: Exporting> Reading<P> {
    pub(super) fn new(tenants: &Tenants, grant: &Grant<P>, plan: Plan, writer: Writer) -> Self {
        let now = tenants.runtime().clock.monotonic();
        Self {
            tenants: tenants.clone(),
            grant: grant.clone(),
            writer: Some(writer),
            total: plan.seqs.len(),
            seqs: plan.seqs,
            past: plan.is_past.then_some(plan.log),
            last: 0,
            done: 0,
            begun: false,
            deadline: now.saturating_add(limits::DOWNLOAD_TIME),
            at_once: false,
        }
    }

    /// Entries that it has.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Entries written so far.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The next piece, which may be empty; none after the last.
    ///
    /// # Errors
    /// Before each piece it is looked whether whoever asked may still have it.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        if self.tenants.runtime().clock.monotonic() >= self.deadline {
            return Err(ExportError::TooSlow);
        }
        self.grant = match self.at_once {
            true => renewed_with_session(&self.tenants, &self.grant).await?,
            false => renewed(&self.tenants, &self.grant).await?,
        };
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            writer.head(&mut out);
        }
        let (batch, past) = (self.batch(), self.past);
        if batch.is_empty() {
            let tenants = self.tenants.clone();
            let end = self.tenants.read(&self.grant, move |tx| match past {
                None => writer.end(tx, &tenants),
                Some(log) => tx
                    .in_past_log(log, |file, _| writer.end(file, &tenants))?
                    .ok_or(ExportError::NoLog),
            });
            out.extend(end.await?);
            return Ok(Some(out));
        }
        let write = self.tenants.read(&self.grant, move |tx| {
            let keys = tx.shared_keys();
            let (last, count) = match past {
                None => writer.write(tx, keys, &batch, &mut out)?,
                Some(log) => tx
                    .in_past_log(log, |file, _| writer.write(file, keys, &batch, &mut out))?
                    .ok_or(ExportError::NoLog)?,
            };
            Ok::<_, ExportError>((writer, out, last, count))
        });
        let (writer, out, last, count) = write.await?;
        self.writer = Some(writer);
        self.last = last;
        self.done += count;
        Ok(Some(out))
    }

    fn batch(&self) -> Vec<u64> {
        let mut left = self.seqs.iter();
        left.advance_to(self.last + 1);
        left.take(BATCH).collect()
    }
}

/// The grant, if whoever holds it would get it again.
pub(super) async fn renewed<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Grant<P>, ExportError> {
    let caller = authn::renew(tenants, grant.caller()).await?;
    again(tenants, grant, &caller)
}

/// The same for what leaves by the connection of whoever asked.
pub(super) async fn renewed_with_session<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Grant<P>, ExportError> {
    let caller = authn::renew_with_session(tenants, grant.caller()).await?;
    again(tenants, grant, &caller)
}

fn again<P: Exporting>(
    tenants: &Tenants,
    grant: &Grant<P>,
    caller: &Arc<Caller>,
) -> Result<Grant<P>, ExportError> {
    let state = match grant.realm() {
        Realm::Platform => TenantState::Active,
        Realm::Tenant(id) => {
            tenants.tenant_by_id(id).map(|tenant| tenant.state).ok_or(Denied::OtherRealm)?
        }
    };
    Ok(authorize::<P>(caller, grant.realm(), state)?)
}
