//! People of a tenant.

use askama::Template;

use super::{Choice, Chrome, Field, MemberState};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/members`; `POST` adds one (`name`, `email`, `role`, `password`).
#[derive(Template)]
#[template(path = "members.html")]
pub struct MembersPage {
    pub chrome: Chrome,
    pub rows: Vec<MemberRow>,
    /// The form, for who may add; open when it was refused.
    pub form: Option<MemberForm>,
}

pub struct MemberRow {
    pub id: String,
    pub name: String,
    pub email: String,
    /// The role's code.
    pub role: String,
    pub state: MemberState,
    pub last_sign_in: Option<Timestamp>,
    /// The person who looks at the page.
    pub is_me: bool,
    /// Roles that may be given; empty when the role cannot be changed here.
    pub roles: Vec<Choice>,
    pub may_disable: bool,
}

pub struct MemberForm {
    pub name: Field,
    pub email: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
    pub password: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}

impl MemberForm {
    pub fn new(roles: Vec<Choice>, password_min: u64) -> Self {
        let (name, email, role, password) = Default::default();
        Self { name, email, role, roles, password, password_min }
    }

    pub fn is_refused(&self) -> bool {
        [&self.name, &self.email, &self.role, &self.password]
            .iter()
            .any(|field| field.error.is_some())
    }
}
