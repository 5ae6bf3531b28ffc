//! One's own account.

use askama::Template;

use super::{Chrome, Field};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/account`; the password form sends `current`, `password`, `password_again`.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    pub chrome: Chrome,
    pub name: String,
    pub email: String,
    /// The role's code.
    pub role: String,
    pub id: String,
    pub password: PasswordForm,
    pub sessions: Vec<SessionRow>,
}

#[derive(Default)]
pub struct PasswordForm {
    pub current: Field,
    pub password: Field,
    pub password_again: Field,
    /// Fewest characters of a password.
    pub min: u64,
}

pub struct SessionRow {
    pub id: String,
    /// The browser that is asking.
    pub is_this: bool,
    pub ip: String,
    pub user_agent: String,
    pub started: Timestamp,
    pub last_seen: Timestamp,
}
