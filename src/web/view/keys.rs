//! API keys: list, creation, the page that shows a new key once.

use askama::Template;

use super::{Choice, Chrome, Field, KeyState};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/keys`; `POST` creates one (`name`, `role`, `expires`).
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
    /// The role's code.
    pub role: String,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
    pub uses: u64,
    pub expires: Option<Timestamp>,
    pub state: KeyState,
    pub may_revoke: bool,
}

pub struct KeyForm {
    pub name: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
    /// A date, `2027-01-31`; empty for never.
    pub expires: Field,
}

impl KeyForm {
    pub fn new(roles: Vec<Choice>) -> Self {
        let (name, role, expires) = Default::default();
        Self { name, role, roles, expires }
    }

    pub fn is_refused(&self) -> bool {
        [&self.name, &self.role, &self.expires].iter().any(|field| field.error.is_some())
    }
}

/// The answer to the creation, never to a GET: the token is shown this once. Send it with
/// `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "keys/created.html")]
pub struct KeyCreatedPage {
    pub chrome: Chrome,
    pub name: String,
    /// The role's code.
    pub role: String,
    pub expires: Option<Timestamp>,
    /// The secret itself. Taken from its zeroising wrapper at the last moment.
    pub token: String,
    /// A `curl` line that proves the key works; see [`example`].
    pub example: String,
}

/// Lists conversations with a key that stands in `$STRONGROOM_KEY`.
pub fn example(origin: &str, slug: &str) -> String {
    format!(
        "curl -k {origin}/api/v1/conversations/{slug} \\\n  \
         -H \"Authorization: Bearer $STRONGROOM_KEY\""
    )
}
