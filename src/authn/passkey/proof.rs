//! Somebody who is known already proves it is them with one of their passkeys: as the second factor
//! of a sign-in, or before a sensitive act.

use webauthn_rs::prelude::{AuthenticationResult, PublicKeyCredential, SecurityKey};

use super::ceremony::{self, Asked, Binding, State};
use super::stored::{self, Stored};
use super::{Answer, PasskeyError, Reason, RelyingParty, parse};
use crate::authn::{AuthnError, Factor, Person};
use crate::authz::Realm;
use crate::kernel::id::PasskeyId;
use crate::tenants::{Tenants, WriteTx};

/// A passkey that answered rightly, and has not been counted as used yet.
#[derive(Clone)]
pub struct Shown {
    pub passkey: PasskeyId,
    factor: Factor,
    before: Vec<u8>,
    after: SecurityKey,
}

impl Shown {
    pub(super) fn new(passkey: Stored, result: &AuthenticationResult) -> Self {
        let Stored { id, key: mut after, sealed: before, .. } = passkey;
        after.update_credential(result);
        let factor = match result.user_verified() {
            true => Factor::Passkey,
            false => Factor::SecurityKey,
        };
        Self { passkey: id, factor, before, after }
    }

    pub fn factor(&self) -> Factor {
        self.factor
    }

    /// Uses it up, in the transaction of what it leads to.
    ///
    /// # Errors
    /// [`AuthnError::Passkey`] when the passkey was used or removed since it answered.
    pub fn spend<P>(&self, tx: &mut WriteTx<'_, P>, person: &Person) -> Result<(), AuthnError> {
        stored::used(tx, self.passkey, person, &self.before, &self.after)
    }
}

/// Asks for any passkey of this person.
///
/// # Errors
/// [`PasskeyError::NotFound`] for somebody without one.
pub async fn ask_person(
    tenants: &Tenants,
    realm: Realm,
    party: &RelyingParty,
    binding: &Binding,
    person: [u8; 16],
) -> Result<Asked, PasskeyError> {
    let keys = tenants.credentials(realm, move |tx| stored::of_person(tx, person)).await?;
    if keys.is_empty() {
        return Err(PasskeyError::NotFound);
    }
    let (mut options, state) = party.webauthn.start_securitykey_authentication(&keys)?;
    // A phone or a laptop is as good as a key of its own.
    options.public_key.hints = None;
    let options = serde_json::to_value(&options).unwrap_or_default();
    let state = State::Prove(state);
    ceremony::begin(tenants, realm, binding, Some(person), &state, options).await
}

/// What the browser answered to [`ask_person`].
///
/// # Errors
/// [`PasskeyError::Refused`].
pub async fn check_person(
    tenants: &Tenants,
    realm: Realm,
    party: &RelyingParty,
    binding: &Binding,
    person: [u8; 16],
    answer: &Answer,
) -> Result<Shown, PasskeyError> {
    let state = ceremony::end(tenants, realm, binding, &answer.ceremony, Some(person)).await?;
    let State::Prove(state) = state else { return Err(PasskeyError::Refused(Reason::Ceremony)) };
    let answer: PublicKeyCredential = parse(&answer.answer)?;
    let webauthn = party.webauthn.clone();
    let look = tenants.credentials(realm, move |tx| {
        let passkey = stored::by_credential(tx, answer.get_credential_id())?;
        let passkey = passkey.filter(|passkey| passkey.person == person);
        let passkey = passkey.ok_or(PasskeyError::Refused(Reason::Unknown))?;
        let result = webauthn.finish_securitykey_authentication(&answer, &state)?;
        Ok(Shown::new(passkey, &result))
    });
    look.await
}
