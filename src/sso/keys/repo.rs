//! The table `sso_keys`.

use zeroize::Zeroizing;

use super::{KeyState, SsoKey, SsoKeyError};
use crate::args;
use crate::authn::saml::{Certificate, ServiceKey};
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::SsoKeyId;
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{ReadTx, RealmTx, WriteTx};

const COLUMNS: &str = "SELECT id, state, certificate, created, expires, private FROM sso_keys";

struct Stored {
    id: SsoKeyId,
    state: String,
    certificate: Vec<u8>,
    created: Timestamp,
    expires: Timestamp,
    private: Vec<u8>,
}

fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    Ok(Stored {
        id: row.get(0)?,
        state: row.get(1)?,
        certificate: row.get(2)?,
        created: row.get(3)?,
        expires: row.get(4)?,
        private: row.get(5)?,
    })
}

impl Stored {
    fn state(&self) -> Result<KeyState, SsoKeyError> {
        KeyState::of(&self.state).ok_or(SsoKeyError::Broken)
    }

    fn show(&self) -> Result<SsoKey, SsoKeyError> {
        let certificate = Certificate::from_der(&self.certificate);
        let certificate = certificate.map_err(|_| SsoKeyError::Broken)?;
        Ok(SsoKey {
            id: self.id,
            state: self.state()?,
            certificate: certificate.pem(),
            fingerprint: certificate.fingerprint,
            created_at: self.created,
            expires_at: self.expires,
        })
    }
}

pub(super) fn all(tx: &ReadTx<'_>) -> Result<Vec<SsoKey>, SsoKeyError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY id"), &[], read)?;
    rows.iter().map(Stored::show).collect()
}

pub(super) fn one(tx: &impl Sql, id: SsoKeyId) -> Result<SsoKey, SsoKeyError> {
    let found = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], read)?;
    found.ok_or(SsoKeyError::NotFound)?.show()
}

/// With their private halves, the one in use first.
pub(super) fn opened(tx: &impl RealmTx) -> Result<Vec<(KeyState, ServiceKey)>, SsoKeyError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY state, id"), &[], read)?;
    let open = |stored: Stored| {
        let private = tx.open(Field::SsoPrivateKey, stored.id.bytes(), &stored.private)?;
        let (state, private) = (stored.state()?, Zeroizing::new(private.to_vec()));
        Ok((state, ServiceKey::from_parts(private, stored.certificate)?))
    };
    rows.into_iter().map(open).collect()
}

pub(super) fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    id: SsoKeyId,
    state: KeyState,
    key: &ServiceKey,
) -> Result<SsoKey, SsoKeyError> {
    let certificate = Certificate::from_der(key.certificate());
    let certificate = certificate.map_err(|_| SsoKeyError::Broken)?;
    let private = tx.seal(Field::SsoPrivateKey, id.bytes(), None, key.pkcs8())?;
    let now = tx.runtime().now();
    tx.execute(
        "INSERT INTO sso_keys (id, state, certificate, private, created, expires)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![id, state.name(), key.certificate(), &private, now, certificate.not_after],
    )?;
    one(tx, id)
}

pub(super) fn count(tx: &impl Sql, state: KeyState) -> Result<u64, SsoKeyError> {
    Ok(tx.count("SELECT count(*) FROM sso_keys WHERE state = $1", args![state.name()])?)
}

/// The next one signs from now on, the current one is the former.
pub(super) fn put_to_use(tx: &mut impl SqlMut, id: SsoKeyId) -> Result<(), SsoKeyError> {
    tx.execute("UPDATE sso_keys SET state = 'former' WHERE state = 'current'", &[])?;
    tx.execute("UPDATE sso_keys SET state = 'current' WHERE id = $1", args![id])?;
    Ok(())
}

pub(super) fn remove(tx: &mut impl SqlMut, id: SsoKeyId) -> Result<(), SsoKeyError> {
    tx.execute("DELETE FROM sso_keys WHERE id = $1", args![id])?;
    Ok(())
}
