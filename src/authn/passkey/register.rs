//! Registering a passkey.

use serde_json::Value as Json;
use webauthn_rs::prelude::{RegisterPublicKeyCredential, SecurityKey};

use super::ceremony::{self, Asked, Binding, State};
use super::{Answer, PasskeyError, Reason, RelyingParty, own, parse, stored};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::own_factors::{Holder, add_to_session, end_others};
use crate::authn::{Factor, OwnAccount, Person};
use crate::authz::Grant;
use crate::crypto::Field;
use crate::crypto::mac::sha256;
use crate::kernel::id::PasskeyId;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, Tenants, WriteTx};

/// What comes of it.
pub struct NewPasskey {
    pub id: PasskeyId,
    /// It is the person's first second factor.
    pub first: bool,
}

/// Whether a device is to keep the new passkey. One without a PIN or fingerprint will not, and can
/// only be a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    OnDevice,
    Nowhere,
}

/// Asks the person's browser for a new passkey. `place` says where it is for, beside the person's
/// address: one person may have accounts in several tenants of one installation.
///
/// # Errors
/// [`PasskeyError::TooMany`].
pub async fn ask_to_register<P: OwnAccount>(
    tenants: &Tenants,
    grant: &Grant<P>,
    party: &RelyingParty,
    binding: &Binding,
    place: &str,
    kept: Kept,
) -> Result<Asked, PasskeyError> {
    let me = Holder::of(grant)?;
    let look = tenants.read(grant, move |tx| {
        let person = me.person(tx)?;
        let keys = stored::of_person(tx, me.id)?;
        if keys.len() >= limits::PASSKEYS {
            return Err(PasskeyError::TooMany);
        }
        Ok((stored::handle(tx, me.id)?, person, keys))
    });
    let (handle, person, keys) = look.await?;
    let known = keys.iter().map(|key| key.cred_id().clone()).collect();
    let name = format!("{} · {place}", person.email);
    let (options, state) = party.webauthn.start_securitykey_registration(
        handle,
        &name,
        &person.name,
        Some(known),
        None,
        None,
    )?;
    let mut options = serde_json::to_value(&options).unwrap_or_default();
    for_any_device(&mut options["publicKey"], kept);
    let state = State::Register(state);
    ceremony::begin(tenants, me.realm, binding, Some(me.id), &state, options).await
}

/// What the library asks of security keys, opened to phones and computers. What is kept on the
/// device works without a name typed in, and takes a PIN or a fingerprint; what is not can still be
/// a second factor, after the name was given.
fn for_any_device(options: &mut Json, kept: Kept) {
    if let Some(options) = options.as_object_mut() {
        options.remove("hints");
    }
    let kept = match kept {
        Kept::OnDevice => "preferred",
        Kept::Nowhere => "discouraged",
    };
    options["authenticatorSelection"]["residentKey"] = kept.into();
    let protection = "userVerificationOptionalWithCredentialIDList";
    options["extensions"]["credentialProtectionPolicy"] = protection.into();
}

/// Keeps what the person's browser answered. All their other sessions end.
///
/// # Errors
/// [`PasskeyError::Refused`], [`PasskeyError::Name`], [`PasskeyError::TooMany`].
pub async fn register<P: OwnAccount>(
    tenants: &Tenants,
    grant: &Grant<P>,
    party: &RelyingParty,
    binding: &Binding,
    name: &str,
    answer: &Answer,
) -> Result<NewPasskey, PasskeyError> {
    let (me, name) = (Holder::of(grant)?, own::name(name)?);
    let state = ceremony::end(tenants, me.realm, binding, &answer.ceremony, Some(me.id)).await?;
    let State::Register(state) = state else {
        return Err(PasskeyError::Refused(Reason::Ceremony));
    };
    let answer: RegisterPublicKeyCredential = parse(&answer.answer)?;
    let key = party.webauthn.finish_securitykey_registration(&answer, &state)?;
    let id = tenants.runtime().id::<PasskeyId>();
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        let had_second = person.needs(tx, me.realm)?.has_second();
        insert(tx, id, &person, &key, &name)?;
        let factor = factor(&key);
        end_others(tx, me)?;
        add_to_session(tx, me, factor)?;
        Ok::<_, PasskeyError>((NewPasskey { id, first: !had_second }, said(id, factor, had_second)))
    });
    Ok(written.await?.value)
}

fn factor(key: &SecurityKey) -> Factor {
    match stored::verifies(key) {
        true => Factor::Passkey,
        false => Factor::SecurityKey,
    }
}

fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    id: PasskeyId,
    person: &Person,
    key: &SecurityKey,
    name: &str,
) -> Result<(), PasskeyError> {
    let (whose, hash) = (Value::Id(person.id), sha256(key.cred_id().as_slice()));
    let count = "SELECT count(*) FROM passkeys WHERE person = $1";
    if tx.count(count, args![whose])? >= limits::PASSKEYS as u64 {
        return Err(PasskeyError::TooMany);
    }
    // Somebody else's: whoever sends it has copied it.
    if tx.count("SELECT count(*) FROM passkeys WHERE credential_hash = $1", args![&hash])? > 0 {
        return Err(PasskeyError::Refused(Reason::Unknown));
    }
    let credential = stored::seal(tx, id, person, key)?;
    let name = tx.seal(Field::PasskeyName, id.bytes(), Some(person.subject), name.as_bytes())?;
    let now = tx.runtime().now();
    tx.execute(
        "INSERT INTO passkeys (id, person, credential_hash, credential, name, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![id, whose, &hash, &credential, &name, now],
    )?;
    Ok(())
}

fn said(id: PasskeyId, factor: Factor, had_second: bool) -> AuditEvents {
    let mut added = Event::new(catalogue::PASSKEY_ADDED);
    added.resource = Some(Resource::new("passkey", id.to_string()));
    added.custom_fields.insert("factor".into(), factor.name().into());
    if had_second {
        return added.into();
    }
    let mut enabled = Event::new(catalogue::TWO_FACTOR_ENABLED);
    enabled.custom_fields.insert("factor".into(), factor.name().into());
    AuditEvents::from(added).and(enabled)
}
