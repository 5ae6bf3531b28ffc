//! What waits for a second person, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repo::{self, Stored};
use super::{Act, ApprovalError};
use crate::authz::permission::ApprovalRead;
use crate::authz::{Grant, Principal};
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::ApprovalId;
use crate::tenants::{RealmTx, Tenants};

/// A list is for people; what is older is in the log.
const LISTED: usize = 200;

/// Somebody as entries of the log name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

impl Party {
    pub fn of(principal: &Principal) -> Self {
        let actor = principal.actor();
        Self { kind: actor.kind.to_owned(), id: actor.id }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    Waiting,
    Approved,
    Refused,
    Withdrawn,
    Expired,
}

impl ApprovalState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    fn of(stored: &Stored, now: Timestamp) -> Self {
        match stored.state.as_str() {
            "approved" => Self::Approved,
            "refused" => Self::Refused,
            "withdrawn" => Self::Withdrawn,
            // The job that writes it down may not have run yet.
            "waiting" if stored.expires > now => Self::Waiting,
            _ => Self::Expired,
        }
    }
}

/// A request for approval.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    pub id: ApprovalId,
    pub state: ApprovalState,
    pub act: Act,
    /// Why it has to be done.
    pub reason: String,
    pub requested_by: Party,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    pub decided_by: Option<Party>,
    pub decided_at: Option<Timestamp>,
    /// Why it was refused.
    pub answer: Option<String>,
}

/// Sealed in a request's row.
#[derive(Serialize, Deserialize)]
pub(super) struct Details {
    pub act: Act,
    pub reason: String,
}

pub(super) fn open(
    tx: &impl RealmTx,
    stored: Stored,
    now: Timestamp,
) -> Result<Approval, ApprovalError> {
    let state = ApprovalState::of(&stored, now);
    let row = stored.id.bytes();
    let details = tx.open(Field::ApprovalDetails, row, &stored.details)?;
    let Details { act, reason } =
        serde_json::from_slice(&details).map_err(|_| crate::crypto::CryptoError::Unreadable)?;
    let answer = match &stored.answer {
        Some(sealed) => tx.open_text(Field::ApprovalDetails, row, sealed)?,
        None => None,
    };
    Ok(Approval {
        id: stored.id,
        state,
        act,
        reason,
        requested_by: stored.requester,
        requested_at: stored.created,
        expires_at: stored.expires,
        decided_by: stored.decider,
        decided_at: stored.decided,
        answer,
    })
}

/// A request that waits, to be decided.
pub(super) fn waiting(
    tx: &impl RealmTx,
    id: ApprovalId,
    now: Timestamp,
) -> Result<Approval, ApprovalError> {
    let stored = repo::find(tx, id)?.ok_or(ApprovalError::NotFound)?;
    let found = open(tx, stored, now)?;
    match found.state {
        ApprovalState::Waiting => Ok(found),
        over => Err(ApprovalError::Over(over.name())),
    }
}

/// What waits, the newest first, then what was decided.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<ApprovalRead>,
) -> Result<Vec<Approval>, ApprovalError> {
    let now = tenants.runtime().now();
    let look = tenants.read(grant, move |tx| {
        repo::all(tx, LISTED)?.into_iter().map(|stored| open(tx, stored, now)).collect()
    });
    look.await
}

pub async fn find(
    tenants: &Tenants,
    grant: &Grant<ApprovalRead>,
    id: ApprovalId,
) -> Result<Approval, ApprovalError> {
    let now = tenants.runtime().now();
    let look = tenants
        .read(grant, move |tx| open(tx, repo::find(tx, id)?.ok_or(ApprovalError::NotFound)?, now));
    look.await
}
