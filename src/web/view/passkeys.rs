//! Passkeys: one's own, and where they are asked for.

use askama::Template;

use super::{Chrome, Field};
use crate::kernel::Timestamp;

/// Whether passkeys work where somebody is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PasskeyPlace {
    Here,
    /// At another address of the same console; `page` is this one's path.
    At {
        url: String,
        page: String,
    },
    /// The installation has no name for them.
    Nowhere,
}

impl PasskeyPlace {
    pub fn is_here(&self) -> bool {
        *self == Self::Here
    }
}

/// `GET …/account/passkeys`
#[derive(Template)]
#[template(path = "account/passkeys.html")]
pub struct PasskeysPage {
    pub chrome: Chrome,
    pub place: PasskeyPlace,
    pub rows: Vec<PasskeyRow>,
    /// No passkey lets the person in by itself.
    pub by_provider_only: bool,
    /// There are passkeys, and hardly a recovery code for when they are lost.
    pub few_codes: bool,
}

pub struct PasskeyRow {
    pub id: String,
    pub name: String,
    /// It asks for a PIN or a fingerprint, and is enough by itself.
    pub verifies: bool,
    pub created: Timestamp,
    pub used: Option<Timestamp>,
}

/// `GET …/account/passkeys/new`; the form sends `name`, `ceremony` and `answer` to
/// `…/account/passkeys`.
#[derive(Template)]
#[template(path = "account/passkey_new.html")]
pub struct NewPasskeyPage {
    pub chrome: Chrome,
    pub place: PasskeyPlace,
    pub name: Field,
    /// What the device answered was not accepted.
    pub refused: bool,
}

/// `GET …/account/passkeys/{id}`; the form sends `name` to `…/rename`.
#[derive(Template)]
#[template(path = "account/passkey.html")]
pub struct PasskeyPage {
    pub chrome: Chrome,
    pub id: String,
    /// Its name so far.
    pub title: String,
    pub name: Field,
}

fn path(chrome: &Chrome) -> String {
    format!("{}/account/passkeys", chrome.base())
}

impl PasskeysPage {
    pub fn path(&self) -> String {
        path(&self.chrome)
    }
}

impl NewPasskeyPage {
    pub fn path(&self) -> String {
        path(&self.chrome)
    }
}

impl PasskeyPage {
    pub fn path(&self) -> String {
        path(&self.chrome)
    }
}
