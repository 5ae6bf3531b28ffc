//! Invitations.

use askama::Template;

use super::{Choice, Chrome, Field};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/members/invitations`; `POST` invites (`name`, `email`, `role`).
#[derive(Template)]
#[template(path = "invitations.html")]
pub struct InvitationsPage {
    pub chrome: Chrome,
    pub rows: Vec<InvitationRow>,
    /// The form, for who may invite; open when it was refused.
    pub form: Option<InvitationForm>,
    pub may_invite: bool,
    /// Nobody gets in by an invitation.
    pub by_provider_only: bool,
    /// Just made, to hand over: shown this once.
    pub link: Option<NewLink>,
    /// Whether invitations go out by mail.
    pub mails: bool,
}

pub struct InvitationRow {
    pub id: String,
    pub name: Option<String>,
    pub email: String,
    /// What the role is called.
    pub role: String,
    pub invited: Timestamp,
    pub expires: Timestamp,
}

pub struct InvitationForm {
    pub name: Field,
    pub email: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
}

impl InvitationForm {
    pub fn is_refused(&self) -> bool {
        [&self.name, &self.email, &self.role].iter().any(|field| field.error.is_some())
    }
}

pub struct NewLink {
    pub email: String,
    pub url: String,
}
