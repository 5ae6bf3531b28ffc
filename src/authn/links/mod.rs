//! One-time links: a token in an address, stored as SHA-256, used once in its time. Opening one shows
//! a page with a button, and only the button uses it: mail scanners open links too.
//!
//! No link begins a session by itself. One to sign in with is a first factor like a password, and
//! what else is needed is decided by [`admit`](super::admit); the others do not sign in at all.

mod address;
mod ask;
mod repo;
mod reset;
mod setup;
mod sign_in;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use address::{ask_for_address, confirm_address, look_at_address_link};
pub use ask::{Ask, AskFor, Way, ask_for_link};
pub(crate) use ask::{from_stranger, may_have_another};
pub(crate) use repo::{
    NewLink, end_all_of, find, insert, open_links, revoke, spend, supersede, tidy,
};
pub use reset::{look_at_reset_link, reset_password};
pub use setup::{LinkFor, consume, create, look};
pub use sign_in::{look_at_sign_in_link, sign_in_by_link};

use super::person::Person;
use crate::crypto::token::Token;
use crate::kernel::id::{KeyId, LinkId};
use crate::kernel::{Timestamp, limits};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first administrator and the first tenant.
    Setup,
    /// An administrator's first password.
    Password,
    SignIn,
    /// A new password for somebody who forgot the old one.
    Reset,
    Invitation,
    /// The address of somebody who registers.
    Registration,
    /// The new address of somebody who changes it.
    Address,
}

impl Purpose {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Password => "password",
            Self::SignIn => "sign-in",
            Self::Reset => "reset",
            Self::Invitation => "invitation",
            Self::Registration => "registration",
            Self::Address => "address",
        }
    }

    pub const fn life(self) -> Duration {
        match self {
            Self::Setup | Self::Password => limits::SETUP_LINK_LIFE,
            Self::SignIn => limits::SIGN_IN_LINK_LIFE,
            Self::Reset => limits::RESET_LINK_LIFE,
            Self::Invitation => limits::INVITATION_LIFE,
            Self::Registration | Self::Address => limits::ADDRESS_LINK_LIFE,
        }
    }

    /// Where a link leads, below `/platform` or `/t/{slug}`; the token follows.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Setup => "/setup",
            Self::Password => "/password",
            Self::SignIn => "/login/link",
            Self::Reset => "/login/reset/choose",
            Self::Invitation => "/join",
            Self::Registration => "/register/confirm",
            Self::Address => "/email",
        }
    }

    /// The address of a link, as mails and pages give it: path and query.
    pub fn link(self, base: &str, token: &Token) -> String {
        format!("{base}{}?token={}", self.path(), token.reveal("").as_str())
    }
}

/// What somebody who is not there yet was asked, or has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The code of a role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A link that can still be used.
#[derive(Clone)]
pub struct Link {
    pub id: LinkId,
    pub person: Option<[u8; 16]>,
    /// The hash that the person had when it was made.
    pub(super) password: Option<String>,
    /// Empty once the person was erased.
    pub address: Option<String>,
    pub details: Details,
    pub(super) browser: Option<[u8; 32]>,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// What opening a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Fine,
    /// It was asked for in another browser, and stays good for that one.
    Elsewhere,
    /// Nobody has the address that it was sent to.
    Nobody,
    /// Used before, past its time, or never one.
    Over,
}

/// Whom a link is about.
pub(crate) struct About<'a> {
    pub id: [u8; 16],
    pub subject: KeyId,
    pub password: &'a str,
}

impl<'a> From<&'a Person> for About<'a> {
    fn from(person: &'a Person) -> Self {
        Self { id: person.id, subject: person.subject, password: &person.password }
    }
}
