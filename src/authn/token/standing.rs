//! A session of an application, as it is now.

use std::time::Duration;

use crate::authn::person::Person;
use crate::authn::{Authenticated, AuthnError, Factors, SessionPolicy, SignInPolicy};
use crate::authz::Realm;
use crate::kernel::id::{SessionId, TenantId};
use crate::kernel::{Timestamp, limits};
use crate::store::Value;
use crate::tenants::RealmTx;

pub(super) struct Standing {
    pub session: SessionId,
    pub person: [u8; 16],
    pub who: Authenticated,
    pub factors: Factors,
    pub seen: Timestamp,
    began: Timestamp,
    times: SessionPolicy,
    token_life: Duration,
}

impl Standing {
    /// # Errors
    /// [`AuthnError::Unauthenticated`] when there is no such session, it is over, or the person was
    /// disabled.
    pub fn read(
        tx: &impl RealmTx,
        tenant: TenantId,
        column: &str,
        value: Value<'_>,
        installation: SessionPolicy,
        now: Timestamp,
    ) -> Result<Self, AuthnError> {
        let sql = format!(
            "SELECT id, user, created, seen, proven, factors FROM sessions
             WHERE {column} = $1 AND client_kind = 'api'"
        );
        let row = tx.query_one(&sql, &[value], |row| {
            let (id, person, began) = (row.get(0)?, row.get::<[u8; 16]>(1)?, row.get(2)?);
            Ok((id, person, began, row.get(3)?, row.get(4)?, row.get::<String>(5)?))
        })?;
        let (session, person, began, seen, proven, factors) =
            row.ok_or(AuthnError::Unauthenticated)?;
        let realm = Realm::Tenant(tenant);
        let found = Person::by_id(tx, realm, person)?.filter(|person| person.active);
        let found = found.ok_or(AuthnError::Unauthenticated)?;
        let factors = Factors::parse(&factors);
        // A session from before a second factor was needed would be a path around it.
        if !factors.are_enough(tx, realm, &found)? {
            return Err(AuthnError::Unauthenticated);
        }
        let principal = found.principal(realm, session);
        let policy = SignInPolicy::read(tx)?;
        let token_life = Duration::from_secs(u64::from(policy.access_token_minutes.max(1)) * 60);
        let standing = Self {
            session,
            person,
            who: Authenticated { principal, proven },
            factors,
            seen,
            began,
            times: installation.of(&policy),
            token_life: token_life.min(limits::ACCESS_TOKEN_MAX),
        };
        standing.is_alive(now).then_some(standing).ok_or(AuthnError::Unauthenticated)
    }

    pub fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.seen) < self.times.idle && !self.left(now).is_zero()
    }

    /// Until the session ends in any case.
    fn left(&self, now: Timestamp) -> Duration {
        self.times.absolute.saturating_sub(now.since(self.began))
    }

    /// How long an access token that is made now works.
    pub fn access_life(&self, now: Timestamp) -> Duration {
        self.token_life.min(self.left(now))
    }

    /// How long a refresh token that is made now works, when nothing else is asked meanwhile.
    pub fn refresh_life(&self, now: Timestamp) -> Duration {
        self.times.idle.min(self.left(now))
    }
}
