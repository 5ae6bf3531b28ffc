//! One's own account.

use askama::Template;

use super::{Chrome, Field};

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
    /// Members change their own address, where mail can be sent to the new one.
    pub may_change_email: bool,
    /// The identity provider that signed the person in.
    pub provider: Option<String>,
    /// Absent where a password would not let them in.
    pub password: Option<PasswordForm>,
}

#[derive(Default)]
pub struct PasswordForm {
    pub current: Field,
    pub password: Field,
    pub password_again: Field,
    /// Fewest characters of a password.
    pub min: u64,
}
