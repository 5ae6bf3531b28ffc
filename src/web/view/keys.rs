//! API keys: list, creation, the page that shows a new key once.

use askama::Template;

use super::{Choice, Chrome, Field, KeyState};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/keys`; `POST` creates one (`name`, `role`, `scope` …, `networks`, `expires`).
#[derive(Template)]
#[template(path = "keys/list.html")]
pub struct KeysPage {
    pub chrome: Chrome,
    pub rows: Vec<KeyRow>,
    /// The form, for who may create; open when it was refused.
    pub form: Option<KeyForm>,
}

pub struct KeyRow {
    pub id: String,
    pub name: String,
    /// The last characters of the token, to tell keys apart.
    pub hint: String,
    pub rights: KeyRights,
    /// Where it works from; everywhere when there is none.
    pub networks: Vec<String>,
    pub created: Timestamp,
    /// While the secret before the present one works.
    pub former_until: Option<Timestamp>,
    pub last_used: Option<Timestamp>,
    /// An address.
    pub last_used_from: Option<String>,
    pub uses: u64,
    pub expires: Option<Timestamp>,
    pub state: KeyState,
    pub may_rotate: bool,
    pub may_revoke: bool,
}

/// What a key may do.
pub enum KeyRights {
    /// The role's code.
    Role(String),
    /// Names of permissions.
    Scopes(Vec<String>),
}

/// Permissions of one part of the product, to pick from.
pub struct ScopeGroup {
    /// The domain's code.
    pub domain: &'static str,
    pub scopes: Vec<ScopeChoice>,
}

pub struct ScopeChoice {
    pub code: &'static str,
    pub description: &'static str,
    pub is_picked: bool,
}

pub struct KeyForm {
    pub name: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
    /// What the person may give, by domain.
    pub scopes: Vec<ScopeGroup>,
    /// None was picked where one has to be.
    pub lacks_permissions: bool,
    /// One a line.
    pub networks: Field,
    /// A date, `2027-01-31`; empty for never.
    pub expires: Field,
}

impl KeyForm {
    pub fn new(roles: Vec<Choice>, scopes: Vec<ScopeGroup>) -> Self {
        let (name, role, networks, expires) = Default::default();
        Self { name, role, roles, scopes, lacks_permissions: false, networks, expires }
    }

    pub fn is_refused(&self) -> bool {
        let fields = [&self.name, &self.role, &self.networks, &self.expires];
        fields.iter().any(|field| field.error.is_some())
    }

    pub fn has_picked(&self) -> bool {
        self.scopes.iter().flat_map(|group| &group.scopes).any(|scope| scope.is_picked)
    }
}

/// `GET /t/{slug}/keys/{id}/rotate`; `POST` gives the key a new secret (`overlap`, seconds).
#[derive(Template)]
#[template(path = "keys/rotate.html")]
pub struct KeyRotatePage {
    pub chrome: Chrome,
    pub id: String,
    pub name: String,
    pub overlap: Field,
    pub overlaps: Vec<Choice>,
}

/// The answer to the creation or to a rotation, never to a GET: the token is shown this once. Send it with
/// `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "keys/created.html")]
pub struct KeyCreatedPage {
    pub chrome: Chrome,
    pub name: String,
    pub rights: KeyRights,
    pub expires: Option<Timestamp>,
    /// After a rotation: until when the former secret works.
    pub former_until: Option<Timestamp>,
    /// The secret itself. Taken from its zeroising wrapper at the last moment.
    pub token: String,
    /// A `curl` line that proves the key works, where the key may be asked about; see [`example`].
    pub example: Option<String>,
}

impl KeyCreatedPage {
    pub fn title(&self) -> &'static str {
        if self.former_until.is_some() { "key-rotated-title" } else { "key-created-title" }
    }
}

/// Asks who one is, with a key that stands in `$STRONGROOM_KEY`.
pub fn example(origin: &str, slug: &str) -> String {
    format!(
        "curl -k {origin}/api/v1/me/{slug} \\\n  \
         -H \"Authorization: Bearer $STRONGROOM_KEY\""
    )
}
