//! Who signs in to the platform.

use askama::Template;

use super::{Choice, Chrome, Field, MemberState, SecondFactorState};
use crate::kernel::Timestamp;

/// `GET /platform/admins`; `POST` adds one (`name`, `email`, `role`).
#[derive(Template)]
#[template(path = "platform/admins.html")]
pub struct AdminsPage {
    pub chrome: Chrome,
    pub rows: Vec<AdminRow>,
    /// The form, for who may add; open when it was refused.
    pub form: Option<AdminForm>,
}

pub struct AdminRow {
    pub id: String,
    /// Empty once the person was erased.
    pub name: String,
    pub email: String,
    /// The role's code.
    pub role: String,
    pub state: MemberState,
    pub factor: SecondFactorState,
    pub last_sign_in: Option<Timestamp>,
    pub is_me: bool,
}

pub struct AdminForm {
    pub name: Field,
    pub email: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
}

impl AdminForm {
    pub fn is_refused(&self) -> bool {
        [&self.name, &self.email, &self.role].iter().any(|field| field.error.is_some())
    }
}

/// `GET /platform/admins/{id}`. The role's form goes to `…/role`; the acts to `…/disable`,
/// `…/enable` and `…/link`.
#[derive(Template)]
#[template(path = "platform/admin.html")]
pub struct AdminPage {
    pub chrome: Chrome,
    pub row: AdminRow,
    pub created: Timestamp,
    /// Roles that may be given; empty when the role cannot be changed here.
    pub roles: Vec<Choice>,
    pub role: Field,
    pub may_disable: bool,
    pub may_enable: bool,
    pub may_reset: bool,
}

/// The answer to a form, never to a GET: the link is shown this once.
#[derive(Template)]
#[template(path = "platform/admin_link.html")]
pub struct AdminLinkPage {
    pub chrome: Chrome,
    /// The address that the link is for.
    pub email: String,
    pub link: String,
    /// Where one came from, and the message that names the list above it.
    pub back: String,
    pub list: &'static str,
}
