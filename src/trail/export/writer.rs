//! Where entries go: lines of text, or a bundle.

use std::sync::Arc;
use std::time::Duration;

use super::plan::{self, Plan, plan, plan_past};
use super::{ExportError, ExportRequest};
use crate::approvals::{self, Act, ApprovalError};
use crate::audit::bundle::{BundleWriter, Description, Exporter, Selection, TenantName};
use crate::audit::checkpoint;
use crate::audit::export::{Encoder, Format, Source, SourceTenant};
use crate::audit::past::PastLog;
use crate::audit::query::Query;
use crate::audit::read::{self, Opener};
use crate::authz::{Caller, Realm};
use crate::crypto::TenantKeys;
use crate::store::Sql;
use crate::tenants::{ReadTx, Tenants};

/// Bytes after which a piece ends.
const PIECE_BYTES: usize = 1024 * 1024;
/// Entries that a bundle takes at once; each may have 64 KiB.
const RUN: usize = 64;

pub fn needed(request: &ExportRequest) -> ExportError {
    ApprovalError::Needed(Box::new(Act::ExportAudit(request.clone()))).into()
}

pub enum Writer {
    Lines(Encoder),
    Bundle(Box<BundleWriter<Vec<u8>>>),
}

/// What a writer needs to know, gathered before the files are looked at.
pub struct Setting {
    tenants: Tenants,
    tenant: Option<SourceTenant>,
    request: ExportRequest,
    exporter: Exporter,
    /// A second person has approved that it may be the whole log.
    pub approved: bool,
}

impl Setting {
    /// For a bundle, a log that has grown is signed first, so that its newest entries are in it.
    pub async fn new(
        tenants: &Tenants,
        realm: Realm,
        caller: &Caller,
        request: ExportRequest,
    ) -> Result<Self, ExportError> {
        if request.format.lines().is_none() && request.log.is_none() {
            tenants.checkpoint(realm).await?;
        }
        let tenant = match realm {
            Realm::Platform => None,
            Realm::Tenant(id) => tenants.tenant_by_id(id),
        };
        let tenant =
            tenant.map(|tenant| SourceTenant { id: tenant.id, slug: tenant.slug.to_string() });
        let actor = caller.principal.actor();
        let exporter =
            Exporter { id: actor.id, kind: actor.kind.to_owned(), role: actor.role.clone() };
        Ok(Self { tenants: tenants.clone(), tenant, request, exporter, approved: false })
    }

    /// However the search was worded: the whole log may take a second person.
    fn check(&self, tx: &ReadTx<'_>, plan: &Plan) -> Result<(), ExportError> {
        if plan.is_whole && !self.approved && approvals::is_on(tx)? {
            return Err(needed(&self.request));
        }
        Ok(())
    }

    /// Looks up what is to be written, and begins to write it, at one moment of the log.
    pub fn begin(
        self,
        tx: &ReadTx<'_>,
        query: &Query,
        budget: Duration,
        most: u64,
    ) -> Result<(Plan, Writer), ExportError> {
        if let Some(log) = self.request.log {
            let begun = tx.in_past_log(log, |file, past| self.begin_past(tx, file, past, most));
            return begun?.ok_or(ExportError::NoLog);
        }
        if let Some(format) = self.request.format.lines() {
            let plan = plan(tx, query, budget, most, u64::MAX)?;
            self.check(tx, &plan)?;
            let writer = self.lines(format, &plan);
            return Ok((plan, writer));
        }
        let signed = checkpoint::latest(tx)?.map_or(0, |latest| latest.size);
        let plan = plan(tx, query, budget, most, signed)?;
        self.check(tx, &plan)?;
        let tenants = self.tenants.clone();
        let description = self.description(plan::first(tx)?.saturating_sub(1));
        let bundle = BundleWriter::of_log(Vec::new(), tx, tenants.notary(), description)?;
        Ok((plan, Writer::Bundle(Box::new(bundle))))
    }

    /// The same of a log from before a restore, which lies in `file`.
    fn begin_past(
        self,
        tx: &ReadTx<'_>,
        file: &impl Sql,
        past: &PastLog,
        most: u64,
    ) -> Result<(Plan, Writer), ExportError> {
        let plan = plan_past(file, past, (self.request.from, self.request.to), most)?;
        self.check(tx, &plan)?;
        if let Some(format) = self.request.format.lines() {
            let writer = self.lines(format, &plan);
            return Ok((plan, writer));
        }
        let tenants = self.tenants.clone();
        let description = self.description(plan::first(file)?.saturating_sub(1));
        let bundle = BundleWriter::of_past(Vec::new(), file, tenants.notary(), past, description)?;
        Ok((plan, Writer::Bundle(Box::new(bundle))))
    }

    fn lines(self, format: Format, plan: &Plan) -> Writer {
        Writer::Lines(Encoder::new(format, Source::new(plan.log, self.tenant)))
    }

    fn description(self, pruned_through: u64) -> Description {
        let ExportRequest { q, from, to, .. } = self.request;
        Description {
            tenant: self.tenant.map(|tenant| TenantName { id: tenant.id, slug: tenant.slug }),
            selection: Selection { query: q, from, to },
            exported_at: self.tenants.runtime().now(),
            exported_by: self.exporter,
            pruned_through,
        }
    }
}

impl Writer {
    /// What stands before the first entry.
    pub fn head(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Lines(encoder) => encoder.begin(out),
            Self::Bundle(bundle) => out.append(bundle.out()),
        }
    }

    /// Writes entries of the log in `tx` until the piece is full; answers with the number of the
    /// last one, and how many they were.
    pub fn write(
        &mut self,
        tx: &impl Sql,
        keys: Arc<TenantKeys>,
        seqs: &[u64],
        out: &mut Vec<u8>,
    ) -> Result<(u64, u64), ExportError> {
        let mut opener = Opener::new(tx, keys)?;
        let (mut last, mut count) = (0, 0);
        for run in seqs.chunks(self.run()) {
            match self {
                Self::Lines(encoder) => {
                    let entries = read::entries(tx, &mut opener, run)?;
                    if entries.len() < run.len() {
                        return Err(ExportError::Cut);
                    }
                    entries.iter().for_each(|entry| encoder.entry(entry, out));
                }
                Self::Bundle(bundle) => {
                    bundle.add(tx, &mut opener, run)?;
                    out.append(bundle.out());
                }
            }
            (last, count) = (run.last().copied().unwrap_or(last), count + run.len() as u64);
            if out.len() >= PIECE_BYTES {
                break;
            }
        }
        Ok((last, count))
    }

    fn run(&self) -> usize {
        match self {
            Self::Lines(_) => 1,
            Self::Bundle(_) => RUN,
        }
    }

    /// What stands after the last entry.
    pub fn end(self, tx: &impl Sql, tenants: &Tenants) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Lines(_) => Ok(Vec::new()),
            Self::Bundle(bundle) => Ok(bundle.finish(tx, tenants.notary().signer())?.0),
        }
    }
}
