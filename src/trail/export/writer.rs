//! Where entries go: lines of text, or a bundle.

use std::time::Duration;

use super::plan::{self, Plan, plan};
use super::{ExportError, ExportRequest};
use crate::approvals::{self, Act, ApprovalError};
use crate::audit::bundle::{BundleWriter, Description, Exporter, Selection, TenantName};
use crate::audit::checkpoint;
use crate::audit::export::{Encoder, Source, SourceTenant};
use crate::audit::query::Query;
use crate::audit::read::{self, Opener};
use crate::authz::{Caller, Realm};
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
        if request.format.lines().is_none() {
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
        if let Some(format) = self.request.format.lines() {
            let plan = plan(tx, query, budget, most, u64::MAX)?;
            self.check(tx, &plan)?;
            let source = Source::new(plan.log, self.tenant);
            return Ok((plan, Writer::Lines(Encoder::new(format, source))));
        }
        let signed = checkpoint::latest(tx)?.map_or(0, |latest| latest.size);
        let plan = plan(tx, query, budget, most, signed)?;
        self.check(tx, &plan)?;
        let ExportRequest { q, from, to, .. } = self.request;
        let description = Description {
            tenant: self.tenant.map(|tenant| TenantName { id: tenant.id, slug: tenant.slug }),
            selection: Selection { query: q, from, to },
            exported_at: self.tenants.runtime().now(),
            exported_by: self.exporter,
            pruned_through: plan::first(tx)?.saturating_sub(1),
        };
        let notary = self.tenants.notary();
        let bundle = BundleWriter::of_log(Vec::new(), tx, notary, description)?;
        Ok((plan, Writer::Bundle(Box::new(bundle))))
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

    /// Writes entries until the piece is full; answers with the number of the last one, and how
    /// many they were.
    pub fn write(
        &mut self,
        tx: &ReadTx<'_>,
        seqs: &[u64],
        out: &mut Vec<u8>,
    ) -> Result<(u64, u64), ExportError> {
        let mut opener = Opener::new(tx, tx.shared_keys())?;
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
    pub fn end(self, tx: &ReadTx<'_>, tenants: &Tenants) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Lines(_) => Ok(Vec::new()),
            Self::Bundle(bundle) => Ok(bundle.finish(tx, tenants.notary().signer())?.0),
        }
    }
}
