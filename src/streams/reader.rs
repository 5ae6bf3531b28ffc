//! Taking entries out of a log to be sent.

use std::sync::Arc;

use super::gap::Gap;
use super::repo::Settings;
use super::senders::{Batch, Encoder};
use crate::args;
use crate::audit::export::{Source, SourceTenant};
use crate::audit::read::{self, Opener};
use crate::audit::{Event, pruning};
use crate::authz::permission::{AuditStreamSend, PlatformAuditStreamSend};
use crate::authz::{Caller, Grant, Principal, Realm, RequestContext, TenantState, authorize};
use crate::kernel::id::LogId;
use crate::kernel::limits;
use crate::store::Sql;
use crate::tenants::{DoorError, ReadTx, Tenants};

/// The right of the appliance itself to read one log and to record in it what became of a stream.
/// Sending is not recorded entry by entry: the stream's set-up is, and who did that.
pub enum Pass {
    Tenant(Grant<AuditStreamSend>),
    Platform(Grant<PlatformAuditStreamSend>),
}

impl Pass {
    /// # Errors
    /// When there is no such tenant any more.
    pub fn get(tenants: &Tenants, realm: Realm) -> Result<Self, DoorError> {
        let request = RequestContext::local(tenants.runtime().id());
        let principal = Principal::System { job: "audit.streams" };
        let caller = Arc::new(Caller { principal, request });
        Ok(match realm {
            Realm::Platform => Self::Platform(authorize(&caller, realm, TenantState::Active)?),
            Realm::Tenant(id) => {
                let tenant = tenants.tenant_by_id(id).ok_or(crate::authz::Denied::OtherRealm)?;
                Self::Tenant(authorize(&caller, realm, tenant.state)?)
            }
        })
    }

    pub async fn read<T, E>(
        &self,
        tenants: &Tenants,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        match self {
            Self::Tenant(grant) => tenants.read(grant, f).await,
            Self::Platform(grant) => tenants.read(grant, f).await,
        }
    }

    /// An entry about a stream, in a frozen tenant too.
    pub async fn record(&self, tenants: &Tenants, event: Event) -> Result<(), DoorError> {
        let say = move |_: &ReadTx<'_>| Ok::<_, DoorError>(((), event));
        match self {
            Self::Tenant(grant) => tenants.disclose(grant, say).await.map(|_| ()),
            Self::Platform(grant) => tenants.disclose(grant, say).await.map(|_| ()),
        }
    }
}

/// What a look into the log brought.
pub struct Taken {
    pub log: LogId,
    /// Size of the log.
    pub head: u64,
    /// Nothing when there is nothing new.
    pub batch: Option<Batch>,
    pub gap: Option<Gap>,
}

/// What is read and how it is written.
#[derive(Clone)]
pub struct Wanted {
    pub settings: Arc<Settings>,
    pub tenant: Option<SourceTenant>,
    pub enterprise: u32,
    pub log: LogId,
    pub after: u64,
    pub most: u64,
}

/// Up to `most` entries behind `after`, and not much more than a batch's bytes. What a person's
/// erasure took away is sent as erased.
pub async fn take(pass: &Pass, tenants: &Tenants, wanted: Wanted) -> Result<Taken, DoorError> {
    pass.read(tenants, move |tx| Ok(read_batch(tx, wanted)?)).await
}

fn read_batch(tx: &ReadTx<'_>, wanted: Wanted) -> Result<Taken, crate::store::StoreError> {
    let mut opener = Opener::new(tx, tx.shared_keys())?;
    let (log, head) = (opener.log(), read::size(tx)?);
    // Numbers count in the log that they are from: another log is sent from its beginning.
    let after = if wanted.log == log { wanted.after } else { 0 };
    // What is before the cut is gone for every reader, though its rows may wait to be removed.
    let readable = after.max(pruning::through(tx)?);
    let source = Source::new(log, wanted.tenant);
    let Settings { destination, format, .. } = &*wanted.settings;
    let encoder = Encoder::new(destination, *format, source, wanted.enterprise);
    let (mut body, mut gap, mut batch) = (Vec::new(), None, None::<Batch>);
    let limit = wanted.most.min(limits::STREAM_BATCH_ENTRIES);
    tx.for_each(
        "SELECT seq, time, envelope FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2",
        args![readable.cast_signed(), limit.cast_signed()],
        |row| {
            if body.len() >= limits::STREAM_BATCH_BYTES {
                return Ok(());
            }
            let (seq, time) = (row.get(0)?, row.get(1)?);
            let entry = opener.open(seq, time, row.blob(2)?)?;
            encoder.add(&entry, &mut body);
            match &mut batch {
                Some(batch) => (batch.last, batch.count) = (seq, batch.count + 1),
                None => {
                    gap = Gap::between(after, seq);
                    batch = Some(Batch { body: Vec::new(), last: seq, count: 1, oldest: time });
                }
            }
            Ok(())
        },
    )?;
    if let Some(batch) = &mut batch {
        encoder.end(&mut body);
        batch.body = body;
    }
    Ok(Taken { log, head, batch, gap })
}
