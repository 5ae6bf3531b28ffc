//! What somebody who is signed in sees of their own passkeys, and does about them.

use super::{PasskeyError, stored};
use crate::args;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::own_factors::{Holder, end_others};
use crate::authn::{Factor, OwnAccount, OwnAccountRead};
use crate::authz::Grant;
use crate::crypto::Field;
use crate::kernel::id::PasskeyId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, RealmTx, Tenants};

#[derive(Clone, Debug)]
pub struct OwnPasskey {
    pub id: PasskeyId,
    pub name: String,
    /// It asks for a PIN or a fingerprint.
    pub verifies: bool,
    pub created: Timestamp,
    pub used: Option<Timestamp>,
}

/// The caller's passkeys, oldest first.
///
/// # Errors
/// Only when the store cannot be read.
pub async fn own_passkeys<P: OwnAccountRead>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<OwnPasskey>, PasskeyError> {
    let me = Holder::of(grant)?;
    let look = tenants.read(grant, move |tx| {
        let sql = "SELECT id, name, created, used, credential FROM passkeys
                   WHERE person = $1 ORDER BY created, id";
        let rows = tx.query(sql, args![Value::Id(me.id)], |row| {
            let sealed: (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(4)?);
            Ok((row.get::<PasskeyId>(0)?, sealed, row.get(2)?, row.get(3)?))
        })?;
        let open =
            |(id, (name, credential), created, used): (PasskeyId, (Vec<u8>, Vec<u8>), _, _)| {
                let name = tx.open_text(Field::PasskeyName, id.bytes(), &name)?.unwrap_or_default();
                let verifies =
                    stored::open_key(tx, id, &credential)?.is_some_and(|k| stored::verifies(&k));
                Ok(OwnPasskey { id, name, verifies, created, used })
            };
        rows.into_iter().map(open).collect()
    });
    look.await
}

/// A name as it is kept.
///
/// # Errors
/// [`PasskeyError::Name`] for none, and for one that is too long.
pub(super) fn name(typed: &str) -> Result<String, PasskeyError> {
    let name = typed.trim();
    let fits = (1..=limits::PASSKEY_NAME_CHARS).contains(&name.chars().count());
    (fits && !name.contains(char::is_control)).then(|| name.to_owned()).ok_or(PasskeyError::Name)
}

/// # Errors
/// [`PasskeyError::NotFound`], [`PasskeyError::Name`].
pub async fn rename<P: OwnAccount>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: PasskeyId,
    typed: &str,
) -> Result<(), PasskeyError> {
    let (me, name) = (Holder::of(grant)?, name(typed)?);
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        let sealed =
            tx.seal(Field::PasskeyName, id.bytes(), Some(person.subject), name.as_bytes())?;
        let sql = "UPDATE passkeys SET name = $1 WHERE id = $2 AND person = $3";
        if tx.execute(sql, args![&sealed, id, Value::Id(me.id)])? == 0 {
            return Err(PasskeyError::NotFound);
        }
        let mut event = about(catalogue::PASSKEY_RENAMED, id);
        let sealed = || Some("[sealed]".into());
        event.changes.insert("name".into(), Change { old: sealed(), new: sealed() });
        Ok::<_, PasskeyError>(((), event.into()))
    });
    written.await.map(|_| ())
}

/// All the person's other sessions end: one of them may be why the passkey has to go.
///
/// # Errors
/// [`PasskeyError::NotFound`]; [`PasskeyError::Obligatory`] when it is the last second factor of
/// somebody who must have one.
pub async fn remove<P: OwnAccount>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: PasskeyId,
) -> Result<(), PasskeyError> {
    let me = Holder::of(grant)?;
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        let sql = "DELETE FROM passkeys WHERE id = $1 AND person = $2";
        if tx.execute(sql, args![id, Value::Id(me.id)])? == 0 {
            return Err(PasskeyError::NotFound);
        }
        let needs = person.needs(tx, me.realm)?;
        if needs.must_have_second && !needs.has_second() {
            return Err(PasskeyError::Obligatory);
        }
        end_others(tx, me)?;
        let removed = AuditEvents::from(about(catalogue::PASSKEY_REMOVED, id));
        if needs.has_second() {
            return Ok(((), removed));
        }
        let codes = "DELETE FROM recovery_codes WHERE person = $1";
        tx.execute(codes, args![Value::Id(me.id)])?;
        let mut disabled = Event::new(catalogue::TWO_FACTOR_DISABLED);
        disabled.custom_fields.insert("factor".into(), Factor::Passkey.name().into());
        Ok::<_, PasskeyError>(((), removed.and(disabled)))
    });
    written.await.map(|_| ())
}

fn about(action: catalogue::Action, id: PasskeyId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("passkey", id.to_string()));
    event
}
