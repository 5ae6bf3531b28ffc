//! What was asked of a browser, until it answers: kept sealed, for five minutes, for one answer.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, SecurityKeyAuthentication, SecurityKeyRegistration,
};
use zeroize::Zeroizing;

use super::{PasskeyError, Reason};
use crate::args;
use crate::authz::Realm;
use crate::crypto::Field;
use crate::crypto::mac::sha256;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{DoorError, RealmTx, SystemWrite, Tenants, WriteTx};

/// The cookie of the page that asks: an answer counts only beside the same one.
#[derive(Clone)]
pub struct Binding(pub String);

/// What the script of a page gets: options for the browser, and what stands for them here.
pub struct Asked {
    pub(super) secret: Zeroizing<String>,
    pub(super) options: Json,
}

impl Asked {
    /// As a page's script expects it.
    pub fn json(&self) -> Json {
        json!({ "ceremony": self.secret.as_str(), "publicKey": self.options["publicKey"] })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum State {
    Register(SecurityKeyRegistration),
    /// Of somebody who is known already.
    Prove(SecurityKeyAuthentication),
    SignIn(DiscoverableAuthentication),
}

fn id(secret: &str, binding: &Binding) -> [u8; 32] {
    sha256(&[secret.as_bytes(), b"\0", binding.0.as_bytes()].concat())
}

/// The row that a ceremony's state is sealed to.
fn row(id: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|n| id[n])
}

/// Begins a ceremony.
pub(super) async fn begin(
    tenants: &Tenants,
    realm: Realm,
    binding: &Binding,
    person: Option<[u8; 16]>,
    state: &State,
    options: Json,
) -> Result<Asked, PasskeyError> {
    let secret = Zeroizing::new(HEXLOWER.encode(&tenants.runtime().bytes::<32>()));
    let id = id(&secret, binding);
    let state = Zeroizing::new(serde_json::to_vec(state).unwrap_or_default());
    let write = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        make_room(tx)?;
        let sealed = tx.seal(Field::CeremonyState, &row(&id), None, &state)?;
        let (person, expires) = (person, tx.runtime().now().plus(limits::CEREMONY_LIFE));
        let sql = "INSERT INTO ceremonies (id, person, state, expires) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, args![&id, person.map(Value::Id), &sealed, expires])?;
        Ok(())
    });
    write.await?;
    Ok(Asked { secret, options })
}

/// Removes those whose time is over, and the oldest when there are too many: whoever begins them by
/// the thousand has shown nothing yet.
fn make_room(tx: &mut WriteTx<'_, SystemWrite>) -> Result<(), DoorError> {
    let now = tx.runtime().now();
    tx.execute("DELETE FROM ceremonies WHERE expires <= $1", args![now])?;
    if tx.count("SELECT count(*) FROM ceremonies", &[])? >= limits::CEREMONIES {
        let oldest = "DELETE FROM ceremonies WHERE id IN
                          (SELECT id FROM ceremonies ORDER BY expires LIMIT 1)";
        tx.execute(oldest, &[])?;
    }
    Ok(())
}

/// Ends the ceremony that an answer belongs to; whatever the answer is worth, it was the only one.
pub(super) async fn end(
    tenants: &Tenants,
    realm: Realm,
    binding: &Binding,
    secret: &str,
    person: Option<[u8; 16]>,
) -> Result<State, PasskeyError> {
    let id = id(secret, binding);
    let write = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        let now = tx.runtime().now();
        let sql = "DELETE FROM ceremonies WHERE id = $1 AND expires > $2 RETURNING person, state";
        let found = tx.query_one(sql, args![&id, now], |row| {
            Ok((row.get::<Option<[u8; 16]>>(0)?, row.get::<Vec<u8>>(1)?))
        })?;
        let Some((_, sealed)) = found.filter(|(whose, _)| *whose == person) else {
            return Ok(None);
        };
        Ok(Some(tx.open(Field::CeremonyState, &row(&id), &sealed)?))
    });
    let gone = PasskeyError::Refused(Reason::Ceremony);
    let state = write.await?.ok_or(gone)?;
    serde_json::from_slice(&state).map_err(|_| PasskeyError::Refused(Reason::Ceremony))
}
