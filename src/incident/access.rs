//! What there is that lets somebody in.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Event;

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Of browsers and of applications' tokens.
    pub sessions: u64,
    /// Sign-ins that wait for another factor or for an identity provider.
    pub sign_ins: u64,
    /// One-time links: to sign in, for a new password, to confirm an address, to set up. Of one
    /// person: those about them, and those that they handed out.
    pub links: u64,
    pub invitations: u64,
    /// API keys, those for provisioning (SCIM) among them. Of one person: the keys whose secret they
    /// were shown.
    pub keys: u64,
    /// Keys for provisioning alone.
    pub provisioning_keys: u64,
}

impl Access {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn describe(&self, event: &mut Event) {
        for (name, count) in [
            ("sessions", self.sessions),
            ("signIns", self.sign_ins),
            ("links", self.links),
            ("invitations", self.invitations),
            ("keys", self.keys),
            ("provisioningKeys", self.provisioning_keys),
        ] {
            event.custom_fields.insert(name.into(), count.into());
        }
    }
}

impl AddAssign for Access {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.sign_ins += other.sign_ins;
        self.links += other.links;
        self.invitations += other.invitations;
        self.keys += other.keys;
        self.provisioning_keys += other.provisioning_keys;
    }
}

/// What there is in the whole installation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub access: Access,
    pub tenants: u64,
    /// How many of them were looked into: all, unless there was too little time.
    pub looked_into: u64,
}

/// What was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    #[serde(flatten)]
    pub access: Access,
    /// Tenants in which it was done.
    pub tenants: u64,
    /// Short names of those in which it could not be done: do it again.
    pub failed: Vec<String>,
}
