//! One tenant after another.

use super::{Context, JobError};
use crate::kernel::id::TenantId;
use crate::tenants::Tenant;

/// Tenants walked between two looks at how many files are open.
const STEP: u64 = 64;

/// A walk over all tenants, with progress. A tenant that fails does not keep the others from
/// being served.
pub struct Walk<'a> {
    context: &'a Context,
    left: std::vec::IntoIter<TenantId>,
    done: u64,
    total: u64,
    failed: Option<Failed>,
}

struct Failed {
    count: u64,
    first: String,
    cause: JobError,
}

impl<'a> Walk<'a> {
    pub fn new(context: &'a Context) -> Self {
        let left = context.app.tenants.tenant_ids().into_iter();
        Self { context, total: left.len() as u64, left, done: 0, failed: None }
    }

    /// The next tenant; none after the last.
    ///
    /// # Errors
    /// [`JobError::Stopped`] or [`JobError::Cancelled`].
    pub async fn next(&mut self) -> Result<Option<Tenant>, JobError> {
        loop {
            self.context.go_on()?;
            self.context.progress(self.done, self.total).await?;
            let Some(id) = self.left.next() else { return Ok(None) };
            self.done += 1;
            if self.done.is_multiple_of(STEP) {
                // The walk opened them, so it sees to it that they do not all stay open.
                self.context.close_idle().await?;
            }
            if let Some(tenant) = self.context.app.tenants.tenant_by_id(id) {
                return Ok(Some(tenant));
            }
        }
    }

    /// Keeps in mind how it went with a tenant.
    ///
    /// # Errors
    /// [`JobError::Stopped`] or [`JobError::Cancelled`] when that is how it went.
    pub fn note(&mut self, tenant: &Tenant, result: Result<(), JobError>) -> Result<(), JobError> {
        let cause = match result {
            Ok(()) => return Ok(()),
            Err(ended @ (JobError::Stopped | JobError::Cancelled)) => return Err(ended),
            Err(cause) => cause,
        };
        let (job, tenant) = (self.context.job.name, tenant.slug.to_string());
        self.context.say(&format!("{tenant}: {cause}"));
        tracing::error!(job, tenant, error = %cause, "a job failed in this tenant");
        match &mut self.failed {
            Some(failed) => failed.count += 1,
            None => self.failed = Some(Failed { count: 1, first: tenant, cause }),
        }
        Ok(())
    }

    /// How many tenants there were.
    ///
    /// # Errors
    /// [`JobError::Tenants`] names the first that failed.
    pub fn end(self) -> Result<u64, JobError> {
        match self.failed {
            None => Ok(self.total),
            Some(Failed { count: 1, cause: broken @ JobError::Broken { .. }, .. }) => Err(broken),
            Some(Failed { count, first, cause }) => {
                Err(JobError::Tenants { count, first, cause: Box::new(cause) })
            }
        }
    }
}
