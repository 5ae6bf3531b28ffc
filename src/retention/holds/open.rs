//! From sealed rows to what a caller gets, and back; the entries about a hold.

use serde::{Deserialize, Serialize};

use super::model::{Hold, HoldChange, HoldScope, HoldState};
use super::repo::{self, Stored};
use super::{HoldError, REASON_BYTES};
use crate::approvals::Party;
use crate::audit::Event;
use crate::audit::catalogue::Action;
use crate::audit::event::Resource;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::{ConversationId, HoldId, KeyId, UserId};
use crate::tenants::{RealmTx, WriteTx};

/// Changes that are kept with a hold; all of them are in the log.
const HISTORY: usize = 50;

/// Sealed beside the reason.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    pub set_by: Party,
    #[serde(default)]
    pub lifted_by: Option<Party>,
    #[serde(default)]
    pub lift_reason: Option<String>,
    #[serde(default)]
    pub history: Vec<HoldChange>,
}

impl Details {
    pub fn new(set_by: Party) -> Self {
        Self { set_by, lifted_by: None, lift_reason: None, history: Vec::new() }
    }

    pub fn note(&mut self, change: HoldChange) {
        self.history.push(change);
        let over = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..over);
    }
}

pub fn details(tx: &impl RealmTx, stored: &Stored) -> Result<Details, HoldError> {
    let sealed = tx.open(Field::HoldDetails, stored.id.bytes(), &stored.details)?;
    Ok(serde_json::from_slice(&sealed).map_err(|_| CryptoError::Unreadable)?)
}

pub fn seal_details<P>(
    tx: &WriteTx<'_, P>,
    id: HoldId,
    details: &Details,
) -> Result<Vec<u8>, HoldError> {
    let json = serde_json::to_vec(details).map_err(|_| CryptoError::Unreadable)?;
    Ok(tx.seal(Field::HoldDetails, id.bytes(), None, &json)?)
}

pub fn hold(tx: &impl RealmTx, stored: &Stored) -> Result<Hold, HoldError> {
    let Details { set_by, lifted_by, lift_reason, history } = details(tx, stored)?;
    let reason = tx.open_text(Field::HoldReason, stored.id.bytes(), &stored.reason)?;
    Ok(Hold {
        id: stored.id,
        scope: stored.scope,
        target: shown_target(tx, stored)?,
        state: if stored.lifted.is_none() { HoldState::InForce } else { HoldState::Lifted },
        reason: reason.unwrap_or_default(),
        set_by,
        set_at: stored.created,
        ends_at: stored.ends,
        review_at: stored.review,
        lifted_at: stored.lifted,
        lifted_by,
        lift_reason,
        history,
    })
}

/// A member is known by another id than by that of their key.
fn shown_target(tx: &impl RealmTx, stored: &Stored) -> Result<Option<String>, HoldError> {
    let Some(target) = stored.target else { return Ok(None) };
    Ok(Some(match stored.scope {
        HoldScope::Conversation => ConversationId::from_bytes(target).to_string(),
        HoldScope::Member => match repo::member_of_key(tx, &target)? {
            Some(user) => UserId::from_bytes(user).to_string(),
            None => KeyId::from_bytes(target).to_string(),
        },
        HoldScope::DataSubject | HoldScope::Tenant => KeyId::from_bytes(target).to_string(),
    }))
}

pub fn check_reason(reason: &str) -> Result<String, HoldError> {
    let reason = reason.trim();
    let fine = (1..=REASON_BYTES).contains(&reason.len())
        && !reason.chars().any(|c| c.is_control() && c != '\n' && c != '\r');
    fine.then(|| reason.to_owned()).ok_or(HoldError::Reason)
}

/// Names hold and target by their ids: what is sealed in the data is not in the log either.
pub fn about(action: Action, hold: &Hold) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("hold", hold.id.to_string()));
    let fields = &mut event.custom_fields;
    fields.insert("scope".into(), hold.scope.name().into());
    if let Some(target) = &hold.target {
        fields.insert("target".into(), target.as_str().into());
    }
    event
}
