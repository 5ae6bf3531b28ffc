//! How people of a tenant (or of the platform) have to sign in: set by its owners, kept in its file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args;
use crate::authz::{Flag, Permissions, Realm};
use crate::kernel::id::UserId;
use crate::store::{Sql, StoreError};

/// The row of `settings` that holds it.
pub const SETTING: &str = "sign-in";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SignInPolicy {
    /// Everybody needs a second factor, not only owners.
    pub second_factor_for_all: bool,
    /// Minutes without a request after which a session ends; the installation's when absent.
    pub idle_minutes: Option<u32>,
    /// Hours after sign-in when a session ends in any case; the installation's when absent.
    pub absolute_hours: Option<u32>,
    /// Minutes that an access token works.
    pub access_token_minutes: u32,
    /// People may ask for a link to sign in with.
    pub magic_links: bool,
    /// A passkey that asks for PIN or fingerprint is enough by itself.
    pub passkeys_alone: bool,
    /// People with an address of `registration_domains` may register themselves.
    pub registration: bool,
    /// Lower-case domains of e-mail addresses; nobody may register when there is none.
    pub registration_domains: Vec<String>,
    /// Destroying, exporting everything and making an owner wait for a second person.
    pub four_eyes: bool,
    /// Passwords, links and passkeys let nobody in but the emergency account: everybody else comes
    /// by an identity provider.
    pub single_sign_on_only: bool,
    /// The emergency account: an owner with a second factor of their own.
    pub break_glass: Option<UserId>,
}

impl Default for SignInPolicy {
    fn default() -> Self {
        Self {
            second_factor_for_all: false,
            idle_minutes: None,
            absolute_hours: None,
            access_token_minutes: 15,
            magic_links: true,
            passkeys_alone: true,
            registration: false,
            registration_domains: Vec::new(),
            four_eyes: false,
            single_sign_on_only: false,
            break_glass: None,
        }
    }
}

impl SignInPolicy {
    /// As it is now.
    pub fn read(tx: &impl Sql) -> Result<Self, StoreError> {
        let sql = "SELECT value FROM settings WHERE name = $1";
        let found = tx.query_one(sql, args![SETTING], |row| row.get::<String>(0))?;
        let Some(text) = found else { return Ok(Self::default()) };
        serde_json::from_str(&text).map_err(|_| StoreError::Sql("unreadable sign-in policy".into()))
    }

    /// With single sign-on as it was: that is not set along with the rest.
    #[must_use]
    pub fn keeping_single_sign_on(self, before: &Self) -> Self {
        let Self { single_sign_on_only, break_glass, .. } = *before;
        Self { single_sign_on_only, break_glass, ..self }
    }

    /// Whether the person may sign in, and keep a session, that no identity provider stands behind.
    /// The emergency account is for the day on which there is no provider.
    pub fn admits_without_provider(&self, realm: Realm, person: [u8; 16]) -> bool {
        realm == Realm::Platform || !self.single_sign_on_only || self.is_break_glass(person)
    }

    /// Whether people may register themselves. They would get a password that lets nobody in.
    pub fn admits_newcomers(&self) -> bool {
        self.registration && !self.single_sign_on_only
    }

    /// Whether nothing may be taken away from the person: without them, and without the provider,
    /// nobody gets in any more.
    pub fn protects(&self, person: [u8; 16]) -> bool {
        self.single_sign_on_only && self.is_break_glass(person)
    }

    /// Whether the person is the emergency account.
    pub fn is_break_glass(&self, person: [u8; 16]) -> bool {
        self.break_glass.is_some_and(|account| *account.bytes() == person)
    }

    /// Whether somebody with these rights has to have a second factor: whoever may do what only
    /// owners may, under whatever name.
    pub fn wants_second_factor(&self, realm: Realm, permissions: Permissions) -> bool {
        let owns = [Flag::RoleManage, Flag::SignInManage, Flag::SsoManage, Flag::AuditShred];
        realm == Realm::Platform
            || self.second_factor_for_all
            || owns.into_iter().any(|flag| permissions.has(flag))
    }
}
