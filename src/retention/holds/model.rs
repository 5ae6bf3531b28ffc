//! What a legal hold is.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::approvals::Party;
use crate::kernel::Timestamp;
use crate::kernel::id::HoldId;

/// What a hold covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HoldScope {
    /// Everything that the tenant keeps.
    Tenant,
    /// A customer with all their conversations.
    DataSubject,
    /// A member's account and sign-in records; not the conversations that they took part in.
    Member,
    /// One conversation, and with it the key of its person.
    Conversation,
}

impl HoldScope {
    pub const ALL: [Self; 4] = [Self::DataSubject, Self::Conversation, Self::Member, Self::Tenant];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::DataSubject => "data-subject",
            Self::Member => "member",
            Self::Conversation => "conversation",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A hold to be set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewHold {
    pub scope: HoldScope,
    /// The application's own reference of the person, or the person's id here; a member's id or
    /// e-mail address; a conversation's id. Absent for the tenant.
    #[serde(default)]
    pub target: Option<String>,
    /// Why: the case, who asked for it. 1 to 2,000 bytes; sealed, and not in the audit log.
    pub reason: String,
    /// When it ends by itself; without it, when somebody lifts it.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// When somebody is to look at whether it is still needed.
    #[serde(default)]
    pub review_at: Option<Timestamp>,
}

/// What to change; what is left out stays, null takes the date away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldChanges {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Timestamp>")]
    pub ends_at: Option<Option<Timestamp>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Timestamp>")]
    pub review_at: Option<Option<Timestamp>>,
}

/// Tells null from a field that is not there.
pub fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Why a hold is lifted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// 1 to 2,000 bytes; sealed like the hold's own reason.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HoldState {
    InForce,
    Lifted,
}

impl HoldState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Lifted => "lifted",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::InForce, Self::Lifted].into_iter().find(|state| state.name() == name)
    }
}

/// A legal hold.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub id: HoldId,
    pub scope: HoldScope,
    /// The id of the person, member or conversation; null for the tenant.
    pub target: Option<String>,
    pub state: HoldState,
    pub reason: String,
    pub set_by: Party,
    pub set_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub review_at: Option<Timestamp>,
    pub lifted_at: Option<Timestamp>,
    /// Null when its time ended.
    pub lifted_by: Option<Party>,
    pub lift_reason: Option<String>,
    /// What was changed about it, the oldest first.
    pub history: Vec<HoldChange>,
}

impl Hold {
    /// Whether somebody was to look at it by `now`.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == HoldState::InForce && self.review_at.is_some_and(|review| review <= now)
    }
}

/// A change of a hold: its dates from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldChange {
    pub at: Timestamp,
    pub by: Party,
    pub ends_at: Option<Timestamp>,
    pub review_at: Option<Timestamp>,
}

/// A page of holds, the newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldPage {
    pub items: Vec<Hold>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

/// Which holds, and which part of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    #[serde(default)]
    pub state: Option<HoldState>,
    #[serde(default)]
    pub limit: Option<usize>,
    #[serde(default)]
    pub cursor: Option<String>,
}
