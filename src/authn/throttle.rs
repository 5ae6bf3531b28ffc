//! Slowing down who guesses at an account, without locking its person out.
//!
//! Every attempt counts as a failure from its beginning, so that a hundred at once are a hundred and
//! not one, and is forgiven when it succeeds. After [`limits::FAILURES_FREE`] the next one has to
//! wait, twice as long each time. What is typed into the address field is counted, whether or not
//! there is such an account. A browser that the person is known in is counted by itself: somebody
//! else's guessing does not keep them out.

use std::time::Duration;

use super::AuthnError;
use super::device::is_known;
use super::person::Person;
use crate::args;
use crate::authz::{Realm, RequestContext};
use crate::kernel::id::DeviceId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, SystemWrite, Tenants, WriteTx};

/// What is tried. Each is counted by itself: a right password does not forgive wrong codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Password,
    SecondFactor,
}

impl Step {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second-factor",
        }
    }
}

/// Whose sign-in it would be.
#[derive(Clone, Debug)]
pub enum Account {
    /// By the address that was typed.
    Of(Realm, String),
    /// Somebody of a tenant that there is not: counted with the platform, so that it takes as long
    /// and is refused as often as one that there is.
    Stranger { tenant: String, email: String },
}

impl Account {
    pub const fn realm(&self) -> Realm {
        match self {
            Self::Of(realm, _) => *realm,
            Self::Stranger { .. } => Realm::Platform,
        }
    }

    fn key(&self, tx: &impl RealmTx) -> Result<[u8; 32], DoorError> {
        Ok(match self {
            Self::Of(_, email) => tx.lookup_hash("email", email)?,
            Self::Stranger { tenant, email } => {
                tx.lookup_hash("stranger", &format!("{tenant}\0{email}"))?
            }
        })
    }
}

/// An attempt that counts as a failure until it is forgiven.
#[derive(Clone, Debug)]
pub struct Attempt {
    account: [u8; 32],
    step: Step,
    device: Option<DeviceId>,
}

/// Counts an attempt, and finds whose account it is.
///
/// # Errors
/// [`AuthnError::TryLater`] when it is too early for another one.
pub async fn begin(
    tenants: &Tenants,
    account: Account,
    step: Step,
    request: &RequestContext,
) -> Result<(Attempt, Option<Person>), AuthnError> {
    let (realm, cookie) = (account.realm(), request.device().map(str::to_owned));
    let count = tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
        let now = tx.runtime().now();
        let person = find(tx, &account)?;
        let device = match &person {
            Some(person) => {
                is_known(tx, person.id, cookie.as_deref(), now).map_err(behind_doors)?
            }
            None => None,
        };
        let attempt = Attempt { account: account.key(tx)?, step, device };
        Ok(attempt.count(tx, now)?.map(|()| (attempt, person)))
    });
    match count.await? {
        Ok(begun) => Ok(begun),
        Err(wait) => {
            tenants.record_throttled_sign_in(realm, request, step.name()).await;
            Err(AuthnError::TryLater(wait))
        }
    }
}

fn find(tx: &WriteTx<'_, SystemWrite>, account: &Account) -> Result<Option<Person>, DoorError> {
    let Account::Of(realm, email) = account else { return Ok(None) };
    Person::by_email(tx, *realm, email).map_err(behind_doors)
}

fn behind_doors(error: AuthnError) -> DoorError {
    match error {
        AuthnError::Door(error) => error,
        _ => DoorError::Store(StoreError::Sql("an account cannot be read".into())),
    }
}

impl Attempt {
    /// Counts it, or says how many seconds are missing.
    fn count(
        &self,
        tx: &mut WriteTx<'_, SystemWrite>,
        now: Timestamp,
    ) -> Result<Result<(), u64>, DoorError> {
        let (step, device) = (self.step.name(), self.device());
        let sql = "SELECT failures, last FROM sign_in_failures
                   WHERE account = $1 AND step = $2 AND device = $3";
        let found = tx.query_one(sql, args![&self.account, step, device], |row| {
            Ok((row.get::<u32>(0)?, row.get::<Timestamp>(1)?))
        })?;
        let (failures, last) =
            found.filter(|(_, last)| now.since(*last) < limits::FAILURES_LIFE).unwrap_or((0, now));
        let missing = delay(failures).saturating_sub(now.since(last));
        if !missing.is_zero() {
            return Ok(Err(missing.as_secs() + u64::from(missing.subsec_nanos() > 0)));
        }
        let sql = "INSERT INTO sign_in_failures (account, step, device, failures, last)
                   VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (account, step, device)
                   DO UPDATE SET failures = excluded.failures, last = excluded.last";
        tx.execute(sql, args![&self.account, step, device, failures.saturating_add(1), now])?;
        Ok(Ok(()))
    }

    /// For the transaction of what the attempt leads to.
    pub fn forgive(&self, tx: &mut WriteTx<'_, SystemWrite>) -> Result<(), StoreError> {
        let sql = "DELETE FROM sign_in_failures WHERE account = $1 AND step = $2 AND device = $3";
        tx.execute(sql, args![&self.account, self.step.name(), self.device()])?;
        Ok(())
    }

    fn device(&self) -> &[u8] {
        self.device.as_ref().map_or(&[], |device| device.bytes())
    }
}

/// How long after the last of so many failures the next attempt has to wait.
fn delay(failures: u32) -> Duration {
    let Some(more) = failures.checked_sub(limits::FAILURES_FREE) else { return Duration::ZERO };
    let doubled = 2_u64.checked_pow(more).map_or(limits::FAILURE_DELAY, Duration::from_secs);
    doubled.min(limits::FAILURE_DELAY)
}

/// Forgets failures of long ago; called by a job.
pub fn forget_failures(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    let before = now.minus(limits::FAILURES_LIFE);
    tx.execute("DELETE FROM sign_in_failures WHERE last <= $1", args![before])?;
    Ok(())
}

/// Whether anybody of this realm is known in the browser: its people get in while others flood it.
pub async fn is_known_to_anybody(
    tenants: &Tenants,
    realm: Realm,
    request: &RequestContext,
) -> Result<bool, DoorError> {
    let Some(mark) = request.device().and_then(super::device::mark_hash) else {
        return Ok(false);
    };
    let since = tenants.runtime().now().minus(limits::DEVICE_LIFE);
    let look = tenants.credentials(realm, move |tx| {
        let sql = "SELECT count(*) FROM devices WHERE mark_hash = $1 AND seen > $2";
        Ok::<_, DoorError>(tx.count(sql, args![&mark, since])? > 0)
    });
    look.await
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
