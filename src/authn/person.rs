//! Somebody who can sign in: a member of a tenant or a platform administrator.

use super::AuthnError;
use super::policy::SignInPolicy;
use super::rights::rights;
use crate::args;
use crate::authz::{Principal, Realm, Rights, Role};
use crate::crypto::Field;
use crate::kernel::id::{AdminId, KeyId, SessionId, UserId};
use crate::store::{Row, Sql, StoreError, Value};
use crate::tenants::RealmTx;

#[derive(Clone)]
pub struct Person {
    pub id: [u8; 16],
    pub subject: KeyId,
    pub name: String,
    /// Empty once the person was erased.
    pub email: String,
    pub rights: Rights,
    pub active: bool,
    /// The hash.
    pub(super) password: String,
}

/// Which tables hold the people and sessions of a realm.
pub const fn tables(realm: Realm) -> (&'static str, &'static str) {
    match realm {
        Realm::Platform => ("admins", "admin_sessions"),
        Realm::Tenant(_) => ("users", "sessions"),
    }
}

/// What a sign-in of somebody takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub has_authenticator: bool,
    pub has_passkey: bool,
    /// By role or by the tenant's policy.
    pub must_have_second: bool,
}

impl Needs {
    pub fn has_second(self) -> bool {
        self.has_authenticator || self.has_passkey
    }

    /// Whether one factor is not enough.
    pub fn takes_two(self) -> bool {
        self.has_second() || self.must_have_second
    }
}

impl Person {
    pub(crate) fn by_email(
        tx: &impl RealmTx,
        realm: Realm,
        email: &str,
    ) -> Result<Option<Self>, AuthnError> {
        let hash = tx.lookup_hash("email", email)?;
        Self::find(tx, realm, "email_hash", Value::Blob(&hash))
    }

    pub fn by_id(
        tx: &impl RealmTx,
        realm: Realm,
        id: [u8; 16],
    ) -> Result<Option<Self>, AuthnError> {
        Self::find(tx, realm, "id", Value::Id(id))
    }

    fn find(
        tx: &impl RealmTx,
        realm: Realm,
        column: &str,
        value: Value<'_>,
    ) -> Result<Option<Self>, AuthnError> {
        let sql = format!(
            "SELECT id, subject, name, email, password, state = 'active', role FROM {}
             WHERE {column} = $1",
            tables(realm).0
        );
        let Some(row) = tx.query_one(&sql, &[value], read)? else { return Ok(None) };
        row.open(tx, realm).map(Some)
    }

    /// Of the password; a link for another one is void once it changes.
    pub(crate) fn password_hash(&self) -> &str {
        &self.password
    }

    /// Whether there is a password that could be typed: in the place of a hash stands something that
    /// is none for whoever never chose one.
    pub fn has_password(&self) -> bool {
        self.password.starts_with('$')
    }

    /// What it takes to sign in, as things are now.
    pub fn needs(&self, tx: &impl Sql, realm: Realm) -> Result<Needs, AuthnError> {
        let id = Value::Id(self.id);
        let authenticators = "SELECT count(*) FROM authenticators WHERE person = $1";
        let passkeys = "SELECT count(*) FROM passkeys WHERE person = $1";
        let policy = SignInPolicy::read(tx)?;
        Ok(Needs {
            has_authenticator: tx.count(authenticators, args![id])? > 0,
            has_passkey: tx.count(passkeys, args![id])? > 0,
            must_have_second: policy.wants_second_factor(realm, self.rights.permissions()),
        })
    }

    pub(super) fn principal(&self, realm: Realm, session: SessionId) -> Principal {
        let (subject, name) = (self.subject, self.name.clone());
        match realm {
            Realm::Platform => Principal::PlatformAdmin {
                id: AdminId::from_bytes(self.id),
                session,
                subject,
                name,
                // Whoever has no role of the platform has the one that sees least.
                role: platform_role(self.rights.role()).unwrap_or(Role::PlatformSupport),
            },
            Realm::Tenant(tenant) => {
                let (id, rights) = (UserId::from_bytes(self.id), self.rights.clone());
                Principal::User { tenant, id, session, subject, name, rights }
            }
        }
    }
}

fn platform_role(code: &str) -> Option<Role> {
    Role::PLATFORM.into_iter().find(|role| role.name() == code)
}

struct Sealed {
    id: [u8; 16],
    subject: KeyId,
    name: Vec<u8>,
    email: Vec<u8>,
    password: String,
    active: bool,
    role: String,
}

fn read(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        id: row.get(0)?,
        subject: row.get(1)?,
        name: row.get(2)?,
        email: row.get(3)?,
        password: row.get(4)?,
        active: row.get(5)?,
        role: row.get(6)?,
    })
}

impl Sealed {
    fn open(self, tx: &impl RealmTx, realm: Realm) -> Result<Person, AuthnError> {
        let Self { id, subject, name, email, password, active, role } = self;
        let (name_field, email_field, rights) = match realm {
            Realm::Platform => {
                let role = platform_role(&role).ok_or(AuthnError::Unauthenticated)?;
                (Field::AdminName, Field::AdminEmail, Rights::from(role))
            }
            Realm::Tenant(_) => (Field::UserName, Field::UserEmail, rights(tx, &role)?),
        };
        let name = tx.open_text(name_field, &id, &name)?.unwrap_or_default();
        let email = tx.open_text(email_field, &id, &email)?.unwrap_or_default();
        Ok(Person { id, subject, name, email, rights, active, password })
    }
}
