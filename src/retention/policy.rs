//! Policies: what holds for each class, and changing it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::Class;
use super::clock::DAY;
use super::{RetentionError, repo};
use crate::approvals::{self, Act, Approved};
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue, retention as log};
use crate::authz::permission::{RetentionManage, RetentionRead};
use crate::authz::{Grant, Permission};
use crate::config::Ageing;
use crate::kernel::Timestamp;
use crate::kernel::limits;
use crate::store::{Sql, StoreError};
use crate::tenants::{AuditEvents, Tenants};

/// What the installation's settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// How long backups are kept; nothing when none is made.
    pub ageing: Option<Ageing>,
    /// In which the closing of a tenant can be taken back.
    pub grace: Duration,
}

/// Where it is decided how long a class is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    /// Here, by the tenant.
    Tenant,
    /// In the settings of the audit log: `/api/v1/audit/{tenant}/retention`.
    AuditLog,
    /// In the installation's configuration.
    Installation,
    /// Nowhere yet: nothing of this class is stored.
    NotStored,
}

/// How long a class is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub class: Class,
    /// Days of 24 hours; null keeps it until somebody deletes it.
    pub days: Option<u32>,
    pub decided_by: DecidedBy,
    pub default_days: Option<u32>,
    pub minimum_days: Option<u32>,
    pub maximum_days: Option<u32>,
    /// Whether null is possible.
    pub may_be_off: bool,
    /// When it was changed last; null for a default.
    pub changed_at: Option<Timestamp>,
}

/// All policies of a tenant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    pub items: Vec<Policy>,
    /// Legal holds in force, which outrank every policy.
    pub holds: u64,
    /// Whether the clock leapt not long ago: nothing is deleted before it has been right for a week.
    pub clock_in_doubt: bool,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
}

/// What to change: days by class, null keeps a class until somebody deletes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChanges {
    #[serde(default)]
    pub policies: BTreeMap<Class, Option<u32>>,
}

impl PolicyChanges {
    /// # Errors
    /// [`RetentionError::Days`], [`RetentionError::Elsewhere`]
    pub fn check(&self) -> Result<(), RetentionError> {
        for (class, days) in &self.policies {
            let bounds = class.bounds().ok_or(RetentionError::Elsewhere(*class))?;
            let possible = match days {
                Some(days) => (bounds.min..=bounds.max).contains(days),
                None => bounds.may_be_off,
            };
            if !possible {
                let (min, max, may_be_off) = (bounds.min, bounds.max, bounds.may_be_off);
                return Err(RetentionError::Days { class: *class, min, max, may_be_off });
            }
        }
        Ok(())
    }
}

/// What is in force for the classes that a run deletes from; with changes, as if they were made.
pub(super) fn in_force(
    tx: &impl Sql,
    changes: &PolicyChanges,
) -> Result<BTreeMap<Class, Option<u32>>, StoreError> {
    let stored = repo::policies(tx)?;
    let days = |class: Class| {
        let default = class.bounds().and_then(|bounds| bounds.default);
        let stored = stored.get(&class).map_or(default, |stored| stored.days);
        changes.policies.get(&class).copied().unwrap_or(stored)
    };
    Ok(Class::DELETED.into_iter().map(|class| (class, days(class))).collect())
}

/// How long each class is kept. `P` is a permission to see policies or to change them.
pub async fn policies<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    installation: Installation,
) -> Result<Policies, RetentionError> {
    tenants.read(grant, move |tx| look(tx, installation)).await
}

fn look(tx: &impl Sql, installation: Installation) -> Result<Policies, RetentionError> {
    let stored = repo::policies(tx)?;
    let log_days = log::days(tx)?;
    let policy = |class: Class| match class.bounds() {
        Some(bounds) => Policy {
            class,
            days: stored.get(&class).map_or(bounds.default, |stored| stored.days),
            decided_by: DecidedBy::Tenant,
            default_days: bounds.default,
            minimum_days: Some(bounds.min),
            maximum_days: Some(bounds.max),
            may_be_off: bounds.may_be_off,
            changed_at: stored.get(&class).map(|stored| stored.changed),
        },
        None => elsewhere(class, installation, log_days),
    };
    Ok(Policies {
        items: Class::ALL.into_iter().map(policy).collect(),
        holds: super::holds::in_force(tx)?,
        clock_in_doubt: super::clock::is_in_doubt(tx)?,
        next_cursor: None,
    })
}

fn elsewhere(class: Class, installation: Installation, log_days: u32) -> Policy {
    let fixed = |decided_by, days| Policy {
        class,
        days,
        decided_by,
        default_days: None,
        minimum_days: None,
        maximum_days: None,
        may_be_off: false,
        changed_at: None,
    };
    match class {
        Class::AuditLog => Policy {
            default_days: Some(limits::RETENTION_DAYS_DEFAULT),
            minimum_days: Some(limits::RETENTION_DAYS_MIN),
            maximum_days: Some(limits::RETENTION_DAYS_MAX),
            ..fixed(DecidedBy::AuditLog, Some(log_days))
        },
        Class::Backups => {
            fixed(DecidedBy::Installation, installation.ageing.map(Ageing::data_days))
        }
        Class::ClosedTenants => {
            let grace = u32::try_from(installation.grace.as_secs() / DAY.as_secs());
            let keys = installation.ageing.map_or(0, Ageing::key_days);
            let days = grace.unwrap_or(u32::MAX).saturating_add(keys);
            fixed(DecidedBy::Installation, Some(days))
        }
        _ => fixed(DecidedBy::NotStored, None),
    }
}

/// One class and how long it is kept: before a change and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyStep {
    pub class: Class,
    /// Days; null keeps it until somebody deletes it.
    pub from: Option<u32>,
    pub to: Option<u32>,
}

impl PolicyStep {
    /// Whether something goes earlier than before.
    fn shortens(&self) -> bool {
        match (self.from, self.to) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(old), Some(new)) => new < old,
        }
    }
}

/// What changes really change, in the order of a run.
fn steps(tx: &impl Sql, changes: &PolicyChanges) -> Result<Vec<PolicyStep>, StoreError> {
    let after = in_force(tx, changes)?;
    let before = in_force(tx, &PolicyChanges::default())?.into_iter();
    let step = |(class, from)| PolicyStep { class, from, to: after.get(&class).copied().flatten() };
    Ok(before.map(step).filter(|step| step.from != step.to).collect())
}

/// Changes how long classes are kept.
///
/// # Errors
/// [`RetentionError::Days`], [`RetentionError::Elsewhere`]; [`RetentionError::Approval`] when a
/// second person has to approve that something goes earlier.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    changes: PolicyChanges,
    installation: Installation,
) -> Result<Policies, RetentionError> {
    changes.check()?;
    write(tenants, grant, changes, None).await?;
    policies(tenants, grant, installation).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn change_approved(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    steps: &[PolicyStep],
    approved: Approved,
) -> Result<(), RetentionError> {
    let policies = steps.iter().map(|step| (step.class, step.to)).collect();
    let changes = PolicyChanges { policies };
    changes.check()?;
    write(tenants, grant, changes, Some(approved)).await
}

async fn write(
    tenants: &Tenants,
    grant: &Grant<RetentionManage>,
    changes: PolicyChanges,
    approved: Option<Approved>,
) -> Result<(), RetentionError> {
    let now = tenants.runtime().now();
    let written = tenants.write(grant, move |tx| {
        let steps = steps(tx, &changes)?;
        let passed = match approved.is_some() || steps.iter().any(PolicyStep::shortens) {
            true => {
                let act = Act::ShortenRetention { policies: steps.clone() };
                approvals::pass(tx, approved.as_ref(), act)?
            }
            false => AuditEvents::none(),
        };
        let mut event = Event::new(catalogue::RETENTION_CHANGED);
        event.resource = Some(Resource::new("setting", "retention"));
        for PolicyStep { class, from, to } in &steps {
            repo::set_policy(tx, *class, *to, now)?;
            let shown = |days: Option<u32>| Some(days.map_or("off".into(), Into::into));
            let change = Change { old: shown(*from), new: shown(*to) };
            event.changes.insert(class.name().into(), change);
        }
        approved.iter().for_each(|approved| approved.mark(&mut event));
        let events = if steps.is_empty() { passed } else { passed.and(event) };
        Ok::<_, RetentionError>(((), events))
    });
    written.await.map(|_| ())
}

/// Whether changes make something go earlier than it would now.
pub async fn shortens(
    tenants: &Tenants,
    grant: &Grant<RetentionRead>,
    changes: PolicyChanges,
) -> Result<bool, RetentionError> {
    let look = tenants.read(grant, move |tx| Ok(steps(tx, &changes)?));
    look.await.map(|steps: Vec<_>| steps.iter().any(PolicyStep::shortens))
}
