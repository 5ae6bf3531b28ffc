//! What a session and a device are, as they are listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::Timestamp;
use crate::kernel::id::{DeviceId, SessionId};

/// Somebody's session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub id: SessionId,
    pub user: Holder,
    /// `browser`, or `api` for an application that acts for the person with access tokens.
    pub client: String,
    /// What the person showed to sign in, in that order.
    pub factors: Vec<String>,
    /// Null once the person was erased.
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub started_at: Timestamp,
    /// By the minute.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used, or in any case.
    pub ends_at: Timestamp,
    /// The one that is asking.
    pub current: bool,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Holder {
    pub id: String,
    /// Null once the person was erased.
    pub name: Option<String>,
    pub email: Option<String>,
}

/// Sessions, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    pub items: Vec<Session>,
    pub next_cursor: Option<String>,
}

/// Which sessions are wanted.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    pub whose: Whose,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    #[default]
    Everybodys,
    /// Of the person with this e-mail address or id.
    One(String),
    /// Of people in whose name or e-mail address this occurs.
    Like(String),
}

/// Where somebody has signed in completely.
#[derive(Clone, Debug)]
pub struct Device {
    pub id: DeviceId,
    /// The browser that is asking.
    pub current: bool,
    /// `browser` or `api`.
    pub client: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub first_seen: Timestamp,
    pub last_sign_in: Timestamp,
}

/// Where something was used from, as `authn` writes it down.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Origin {
    ip: String,
    user_agent: String,
}

impl Origin {
    /// Address and browser; nothing of somebody who was erased.
    pub fn parts(text: Option<&str>) -> (Option<String>, Option<String>) {
        let origin: Self =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let some = |text: String| (!text.is_empty()).then_some(text);
        (some(origin.ip), some(origin.user_agent))
    }
}
