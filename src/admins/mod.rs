//! Platform administrators: they make and freeze tenants and have no way into a tenant's data.

use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::{AuthnError, Hasher, consume_setup_link};
use crate::authz::Grant;
use crate::authz::permission::PlatformAdminManage;
use crate::crypto::Field;
use crate::kernel::id::{AdminId, KeyId};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{AuditEvents, DoorError, RealmTx, Tenants, WriteTx};
use crate::users::{NewMember, Prepared, UserError};

/// Makes a platform administrator; with a setup link's token, uses the link up with it.
pub async fn create(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<PlatformAdminManage>,
    new: NewMember,
    setup_link: Option<String>,
) -> Result<AdminId, AdminError> {
    let new = new.prepare(hasher).await?;
    let subject = tenants.new_subject(grant.realm()).await?;
    let written = tenants.write(grant, move |tx| {
        let mut events = AuditEvents::none();
        if let Some(token) = &setup_link {
            consume_setup_link(tx, token)?;
            events = Event::new(catalogue::SETUP_COMPLETED).into();
        }
        let id = insert(tx, subject, &new)?;
        Ok::<_, AdminError>((id, events.and(event(catalogue::PLATFORM_ADMIN_CREATED, id))))
    });
    Ok(written.await?.value)
}

/// Sets a new password for an administrator who is locked out and ends all their sessions.
pub async fn reset(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<PlatformAdminManage>,
    who: NewMember,
) -> Result<AdminId, AdminError> {
    let who = who.prepare(hasher).await?;
    let written = tenants.write(grant, move |tx| {
        let hash = tx.lookup_hash("email", &who.email)?;
        let found =
            tx.query_one("SELECT id FROM admins WHERE email_hash = $1", args![&hash], |row| {
                row.get(0)
            })?;
        let id: AdminId = found.ok_or(UserError::NotFound)?;
        let sql = "UPDATE admins SET password = $1, state = 'active' WHERE id = $2";
        tx.execute(sql, args![&who.password_hash, id])?;
        tx.execute("DELETE FROM admin_sessions WHERE user = $1", args![id])?;
        Ok::<_, AdminError>((id, event(catalogue::PLATFORM_ADMIN_RESET, id).into()))
    });
    Ok(written.await?.value)
}

/// Whether anybody can sign in to the platform yet.
pub async fn any(tenants: &Tenants) -> Result<bool, DoorError> {
    tenants
        .credentials(crate::authz::Realm::Platform, |tx| {
            Ok(tx.count("SELECT count(*) FROM admins", &[])? > 0)
        })
        .await
}

fn insert(
    tx: &mut WriteTx<'_, PlatformAdminManage>,
    subject: KeyId,
    new: &Prepared,
) -> Result<AdminId, AdminError> {
    let (id, now) = (tx.runtime().id::<AdminId>(), tx.runtime().now());
    let hash = tx.lookup_hash("email", &new.email)?;
    let email = tx.seal(Field::AdminEmail, id.bytes(), Some(subject), new.email.as_bytes())?;
    let name = tx.seal(Field::AdminName, id.bytes(), Some(subject), new.name.as_bytes())?;
    let inserted = tx.execute(
        "INSERT INTO admins (id, subject, email_hash, email, name, password, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7)",
        args![id, subject, &hash, &email, &name, &new.password_hash, now],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(UserError::Taken.into()),
        other => other.map(|_| id).map_err(|error| DoorError::from(error).into()),
    }
}

fn event(action: catalogue::Action, id: AdminId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("platform_admin", id.to_string()));
    event
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Link(#[from] AuthnError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AdminError);

impl crate::kernel::Fault for AdminError {
    fn kind(&self) -> crate::kernel::ErrorKind {
        match self {
            Self::User(error) => error.kind(),
            Self::Link(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::User(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::User(error) => error.field(),
            _ => None,
        }
    }
}
