//! Passkeys in the file: sealed under the person's key, found by the hash of the credential's id.

use webauthn_rs::prelude::{SecurityKey, Uuid};
use zeroize::Zeroizing;

use super::PasskeyError;
use crate::args;
use crate::authn::{AuthnError, Person};
use crate::crypto::mac::sha256;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::PasskeyId;
use crate::store::{Row, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

pub(super) struct Stored {
    pub id: PasskeyId,
    pub person: [u8; 16],
    pub key: SecurityKey,
    /// As it lies in the file: when it is another later, the passkey was used meanwhile.
    pub sealed: Vec<u8>,
}

const COLUMNS: &str = "SELECT id, person, credential FROM passkeys WHERE";

/// The passkey with this credential id.
pub(super) fn by_credential(
    tx: &impl RealmTx,
    credential: &[u8],
) -> Result<Option<Stored>, PasskeyError> {
    let sql = format!("{COLUMNS} credential_hash = $1");
    let row = tx.query_one(&sql, args![&sha256(credential)], read)?;
    row.map_or(Ok(None), |row| open(tx, row))
}

/// Somebody's passkeys.
pub(super) fn of_person(
    tx: &impl RealmTx,
    person: [u8; 16],
) -> Result<Vec<SecurityKey>, PasskeyError> {
    let sql = format!("{COLUMNS} person = $1 ORDER BY created");
    let rows = tx.query(&sql, args![Value::Id(person)], read)?;
    let opened = rows.into_iter().map(|row| open(tx, row));
    Ok(opened.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(|one| one.key).collect())
}

type Sealed = (PasskeyId, [u8; 16], Vec<u8>);

fn read(row: &Row<'_>) -> Result<Sealed, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn open(tx: &impl RealmTx, (id, person, sealed): Sealed) -> Result<Option<Stored>, PasskeyError> {
    let key = open_key(tx, id, &sealed)?;
    Ok(key.map(|key| Stored { id, person, key, sealed }))
}

/// Nothing for a person who was erased.
pub(super) fn open_key(
    tx: &impl RealmTx,
    id: PasskeyId,
    sealed: &[u8],
) -> Result<Option<SecurityKey>, CryptoError> {
    let bytes = match tx.open(Field::PasskeyCredential, id.bytes(), sealed) {
        Ok(bytes) => bytes,
        Err(CryptoError::KeyDestroyed) => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| CryptoError::Unreadable)
}

pub(super) fn seal<P>(
    tx: &WriteTx<'_, P>,
    id: PasskeyId,
    person: &Person,
    key: &SecurityKey,
) -> Result<Vec<u8>, CryptoError> {
    let bytes = Zeroizing::new(serde_json::to_vec(key).map_err(|_| CryptoError::Unreadable)?);
    tx.seal(Field::PasskeyCredential, id.bytes(), Some(person.subject), &bytes)
}

/// Keeps what changed about a passkey by its use.
///
/// # Errors
/// [`AuthnError::Passkey`] when it was used, changed or removed meanwhile.
pub(super) fn used<P>(
    tx: &mut WriteTx<'_, P>,
    id: PasskeyId,
    person: &Person,
    before: &[u8],
    after: &SecurityKey,
) -> Result<(), AuthnError> {
    let (sealed, now) = (seal(tx, id, person, after)?, tx.runtime().now());
    let sql = "UPDATE passkeys SET credential = $1, used = $2
               WHERE id = $3 AND person = $4 AND credential = $5";
    let whose = Value::Id(person.id);
    match tx.execute(sql, args![&sealed, now, id, whose, before])? {
        0 => Err(AuthnError::Passkey),
        _ => Ok(()),
    }
}

/// What passkeys keep in the place of a name (WebAuthn's user handle). It finds nobody without
/// this realm's keys, and does not say when the account was made, as the id would.
pub(super) fn handle(tx: &impl RealmTx, person: [u8; 16]) -> Result<Uuid, CryptoError> {
    let id = Uuid::from_bytes(person).to_string();
    let hash = tx.lookup_hash("passkey-user-handle", &id)?;
    Ok(Uuid::from_bytes(std::array::from_fn(|n| hash[n])))
}

/// Whether the device knows a PIN or a fingerprint, and so is enough by itself.
pub(super) fn verifies(key: &SecurityKey) -> bool {
    // The library keeps what it learnt at registration to itself, but writes it down.
    serde_json::to_value(key).is_ok_and(|key| key["cred"]["user_verified"] == true)
}
