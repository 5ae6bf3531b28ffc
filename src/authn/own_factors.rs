//! What somebody who is signed in does about their own second factors. A change takes the current
//! code (or a recovery code) or, where there is no app yet, the password; all other sessions end.

use std::sync::Arc;

use secrecy::SecretString;

use super::admission::{Factor, Factors};
use super::authenticator::AppSecret;
use super::enrolment::{self, Shown};
use super::person::{Person, tables};
use super::recovery::{self, RecoveryCodes};
use super::second_factor::{Attempt, Source, check_code, spend_code};
use super::session::end_all;
use super::{AuthnError, Hasher, SecondFactor, tell};
use crate::args;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{
    AccountRead, AccountWrite, PlatformAccountRead, PlatformAccountWrite,
};
use crate::authz::{Caller, Grant, Permission, Principal, Realm, Writes};
use crate::kernel::Timestamp;
use crate::kernel::id::SessionId;
use crate::kernel::limits;
use crate::mail::Letter;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, DoorError, RealmTx, Tenants, WriteTx};

/// A permission to see one's own account, in either realm.
pub trait OwnAccountRead: Permission {}
impl OwnAccountRead for AccountRead {}
impl OwnAccountRead for PlatformAccountRead {}

/// A permission to change one's own account, in either realm.
pub trait OwnAccount: Writes {}
impl OwnAccount for AccountWrite {}
impl OwnAccount for PlatformAccountWrite {}

/// What somebody has.
#[derive(Clone, Copy, Debug)]
pub struct OwnFactors {
    /// When the app was set up.
    pub authenticator: Option<Timestamp>,
    pub has_passkey: bool,
    pub recovery_codes_left: u64,
    /// They must have a second factor.
    pub obligatory: bool,
}

/// Who asks, with the session that they ask in.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    pub realm: Realm,
    pub id: [u8; 16],
    pub session: SessionId,
}

impl Holder {
    pub fn of<P>(grant: &Grant<P>) -> Result<Self, AuthnError> {
        let (id, session) = match &grant.caller().principal {
            Principal::User { id, session, .. } => (*id.bytes(), *session),
            Principal::PlatformAdmin { id, session, .. } => (*id.bytes(), *session),
            _ => return Err(AuthnError::Unauthenticated),
        };
        Ok(Self { realm: grant.realm(), id, session })
    }

    pub fn person(self, tx: &impl RealmTx) -> Result<Person, AuthnError> {
        let person = Person::by_id(tx, self.realm, self.id)?.filter(|person| person.active);
        person.ok_or(AuthnError::Unauthenticated)
    }

    /// Under which a secret that is being set up is kept.
    fn key(self) -> Vec<u8> {
        self.session.bytes().to_vec()
    }
}

/// # Errors
/// Only when the store cannot be read.
pub async fn own_factors<P: OwnAccountRead>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<OwnFactors, AuthnError> {
    let me = Holder::of(grant)?;
    let look = tenants.read(grant, move |tx| {
        let needs = me.person(tx)?.needs(tx, me.realm)?;
        let sql = "SELECT confirmed FROM authenticators WHERE person = $1";
        Ok::<_, AuthnError>(OwnFactors {
            authenticator: tx.query_one(sql, args![Value::Id(me.id)], |row| row.get(0))?,
            has_passkey: needs.has_passkey,
            recovery_codes_left: recovery::left(tx, me.id)?,
            obligatory: needs.must_have_second,
        })
    });
    look.await
}

/// The secret of an app to set up in this session: a new one, or what was shown before when a form
/// with its code comes back.
pub async fn new_authenticator<P: OwnAccount>(
    tenants: &Tenants,
    grant: &Grant<P>,
    again: bool,
) -> Result<AppSecret, AuthnError> {
    let me = Holder::of(grant)?;
    let person = tenants.read(grant, move |tx| me.person(tx)).await?;
    let shown = if again { Shown::Again } else { Shown::New };
    enrolment::pending(tenants, me.realm, &person, me.key(), shown).await
}

/// Makes the app that was shown one's own, with its first code.
///
/// # Errors
/// [`AuthnError::Proof`] for a wrong proof, [`AuthnError::WrongCode`] for a wrong code of the new
/// app, [`AuthnError::Ticket`] when it was shown too long ago.
pub async fn confirm_authenticator<P: OwnAccount>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    proof: SecretString,
    code: SecretString,
) -> Result<RecoveryCodes, AuthnError> {
    let (me, proven) = prove(tenants, hasher, grant, proof).await?;
    let person = tenants.read(grant, move |tx| me.person(tx)).await?;
    let request = &grant.caller().request;
    let source = Source::Session(me.session);
    let attempt = Attempt { realm: me.realm, person: &person, source, request };
    enrolment::check_first(&attempt, tenants, me.key(), code.clone()).await?;
    let codes = RecoveryCodes::generate(tenants.runtime());
    let new = codes.clone();
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        let spent = proven.spend(tx, me.realm, &person)?;
        let enabled = enrolment::confirm(tx, &me.key(), &person, &code)?;
        let made = new.store(tx, me.id)?;
        end_others(tx, me)?;
        add_to_session(tx, me, Factor::Authenticator)?;
        Ok::<_, AuthnError>(((), spent.and(enabled).and(made)))
    });
    written.await?;
    Ok(codes)
}

/// # Errors
/// [`AuthnError::Obligatory`] for who must have one and has no passkey, [`AuthnError::Proof`].
pub async fn remove_authenticator<P: OwnAccount>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    proof: SecretString,
) -> Result<(), AuthnError> {
    let (me, proven) = prove(tenants, hasher, grant, proof).await?;
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        let needs = person.needs(tx, me.realm)?;
        if needs.must_have_second && !needs.has_passkey {
            return Err(AuthnError::Obligatory);
        }
        let spent = proven.spend(tx, me.realm, &person)?;
        let id = Value::Id(me.id);
        if tx.execute("DELETE FROM authenticators WHERE person = $1", args![id])? == 0 {
            return Err(AuthnError::Ticket);
        }
        if !needs.has_passkey {
            tx.execute("DELETE FROM recovery_codes WHERE person = $1", args![id])?;
        }
        end_others(tx, me)?;
        let mut event = Event::new(catalogue::TWO_FACTOR_DISABLED);
        event.custom_fields.insert("factor".into(), Factor::Authenticator.name().into());
        Ok::<_, AuthnError>(((), spent.and(event)))
    });
    written.await.map(|_| ())
}

/// New recovery codes; the old ones end.
///
/// # Errors
/// [`AuthnError::Proof`]; [`AuthnError::Ticket`] for who has no second factor to recover.
pub async fn new_recovery_codes<P: OwnAccount>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    proof: SecretString,
) -> Result<RecoveryCodes, AuthnError> {
    let (me, proven) = prove(tenants, hasher, grant, proof).await?;
    let codes = RecoveryCodes::generate(tenants.runtime());
    let new = codes.clone();
    let written = tenants.write(grant, move |tx| {
        let person = me.person(tx)?;
        if !person.needs(tx, me.realm)?.has_second() {
            return Err(AuthnError::Ticket);
        }
        let spent = proven.spend(tx, me.realm, &person)?;
        let made = new.store(tx, me.id)?;
        end_others(tx, me)?;
        Ok::<_, AuthnError>(((), spent.and(made)))
    });
    written.await?;
    Ok(codes)
}

/// Whether all of these are unused recovery codes of whoever asks.
pub async fn are_own_recovery_codes<P: OwnAccountRead>(
    tenants: &Tenants,
    grant: &Grant<P>,
    texts: Vec<String>,
) -> Result<bool, AuthnError> {
    let me = Holder::of(grant)?;
    let look = tenants.read(grant, move |tx| {
        let person = me.person(tx)?;
        for text in &texts {
            if !recovery::is_unused(tx, &person, text)? {
                return Ok(false);
            }
        }
        Ok::<_, AuthnError>(!texts.is_empty())
    });
    look.await
}

/// Takes away all that somebody has beside the password, and all their sessions. The next sign-in
/// of somebody who must have a second factor sets one up.
///
/// # Errors
/// Only when the store cannot be written.
pub fn reset_factors<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: [u8; 16],
) -> Result<Event, AuthnError> {
    let id = Value::Id(person);
    let mut taken = 0;
    for table in ["authenticators", "passkeys", "recovery_codes", "factor_failures"] {
        let rows = tx.execute(&format!("DELETE FROM {table} WHERE person = $1"), args![id])?;
        taken += if table == "authenticators" || table == "passkeys" { rows } else { 0 };
    }
    end_all(tx, realm, person, None)?;
    let at = tx.runtime().now();
    tell(tx, realm, person, &Letter::FactorsReset { at })?;
    let mut event = Event::new(catalogue::TWO_FACTOR_RESET);
    event.custom_fields.insert("factors".into(), taken.into());
    Ok(event)
}

/// What was shown for a change.
#[derive(Clone)]
enum Proven {
    /// The hash that the password fitted.
    Password(String),
    Code(SecondFactor),
}

impl Proven {
    /// Holds it against what is there now, and uses it up.
    fn spend<P>(
        &self,
        tx: &mut WriteTx<'_, P>,
        realm: Realm,
        person: &Person,
    ) -> Result<AuditEvents, AuthnError> {
        match self {
            Self::Code(code) => Ok(spend_code(tx, realm, person, code)?.1),
            // Whoever set an app up meanwhile has more to show than a password.
            Self::Password(hash) => {
                let fits = *hash == person.password && !has_app(tx, person)?;
                fits.then(AuditEvents::none).ok_or(AuthnError::Proof)
            }
        }
    }
}

fn has_app(tx: &impl Sql, person: &Person) -> Result<bool, AuthnError> {
    let sql = "SELECT count(*) FROM authenticators WHERE person = $1";
    Ok(tx.count(sql, args![Value::Id(person.id)])? > 0)
}

/// Whether the session's person has proven themselves a short while ago.
fn is_fresh(tx: &impl RealmTx, me: Holder, now: Timestamp) -> Result<bool, AuthnError> {
    let sql = format!("SELECT proven FROM {} WHERE id = $1", tables(me.realm).1);
    let proven = tx.query_one(&sql, args![me.session], |row| row.get::<Timestamp>(0))?;
    Ok(proven.is_some_and(|proven| proven.plus(limits::STEP_UP) > now))
}

async fn prove<P: OwnAccount>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    proof: SecretString,
) -> Result<(Holder, Proven), AuthnError> {
    let (me, now) = (Holder::of(grant)?, tenants.runtime().now());
    let look = tenants.read(grant, move |tx| {
        let person = me.person(tx)?;
        let needs = person.needs(tx, me.realm)?;
        let has_app = needs.has_authenticator;
        // A password is one factor: for whoever has a passkey it counts only beside a proof of it.
        let is_alone = needs.has_passkey && !has_app && !is_fresh(tx, me, now)?;
        Ok::<_, AuthnError>((person, has_app, is_alone))
    });
    let (person, has_app, is_alone) = look.await?;
    if is_alone {
        return Err(AuthnError::NotConfirmed);
    }
    let caller: &Arc<Caller> = grant.caller();
    let wrong = |error| match error {
        AuthnError::WrongCode => AuthnError::Proof,
        other => other,
    };
    if has_app {
        let shown = SecondFactor::typed(&proof);
        let (realm, request) = (me.realm, &caller.request);
        let checked = check_code(tenants, realm, &person, me.session, shown.clone(), request);
        checked.await.map_err(wrong)?;
        return Ok((me, Proven::Code(shown)));
    }
    let hash = person.password.clone();
    let fits = hasher.verify(proof, Some(hash.clone())).await.map_err(DoorError::from)?;
    let request = &caller.request;
    let source = Source::Session(me.session);
    let attempt = Attempt { realm: me.realm, person: &person, source, request };
    attempt.judge(tenants, Factor::Password, move |_| Ok(fits)).await.map_err(wrong)?;
    Ok((me, Proven::Password(hash)))
}

pub(super) fn end_others<P>(tx: &mut WriteTx<'_, P>, me: Holder) -> Result<(), AuthnError> {
    end_all(tx, me.realm, me.id, Some(me.session))?;
    Ok(())
}

/// The session that asks has this factor too. That it was set up proves nothing: whoever is at an
/// open session can do that.
pub(super) fn add_to_session<P>(
    tx: &mut WriteTx<'_, P>,
    me: Holder,
    factor: Factor,
) -> Result<(), AuthnError> {
    let sessions = tables(me.realm).1;
    let sql = format!("SELECT factors FROM {sessions} WHERE id = $1");
    let proven = tx.query_one(&sql, args![me.session], |row| row.get::<String>(0))?;
    let proven = Factors::parse(&proven.ok_or(AuthnError::Unauthenticated)?).and(factor).names();
    let sql = format!("UPDATE {sessions} SET factors = $1 WHERE id = $2");
    tx.execute(&sql, args![&proven, me.session])?;
    Ok(())
}
