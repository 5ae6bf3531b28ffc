//! What does not go back in time with a restored file: who may get in, and how, is as it was just
//! before; what was under way is over.

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{ApiKeyId, UserId};
use crate::store::{RawReadTx, Sql, SqlMut, Staged, StoreError};

/// Whatever was under way when the backup was made.
const OVER: [&str; 10] = [
    "used_refresh_tokens",
    "sso_sessions",
    "sso_requests",
    "sign_ins",
    "enrolments",
    "ceremonies",
    "links",
    "mail",
    "idempotency",
    "exports",
];
/// Of a tenant, as they are today: factors, providers, sign-in policy, roles; what was seen and used
/// once; how long data is kept, what is held, who was erased; who witnesses the log.
const AS_TODAY: [&str; 19] = [
    "settings",
    "roles",
    "authenticators",
    "recovery_codes",
    "passkeys",
    "factor_failures",
    "sign_in_failures",
    "devices",
    "identity_providers",
    "provider_domains",
    "sso_keys",
    "sso_seen",
    "identities",
    "witnesses",
    "log_retention",
    // Nothing is deleted that is held today, and nobody is erased without it being said.
    "legal_holds",
    "retention_policies",
    "retention_clock",
    "erasures",
];
/// What the rows that were taken over may name in vain.
const DANGLING: [&str; 3] = [
    "DELETE FROM identities WHERE user NOT IN (SELECT id FROM users)",
    "DELETE FROM sso_tests WHERE provider NOT IN (SELECT id FROM identity_providers)",
    "DELETE FROM scim_users WHERE user NOT IN (SELECT id FROM users)",
];

/// Ends sessions and everything else that was under way. `sessions` names their table.
pub(super) fn end_what_was_under_way(
    staged: &mut Staged,
    tables: &[&str],
) -> Result<(), StoreError> {
    staged.empty(tables)?;
    staged.change(|tx| {
        tx.execute("DELETE FROM approvals WHERE state = 'waiting'", &[])?;
        Ok(())
    })
}

pub(super) fn of_tenant(staged: &mut Staged) -> Result<(), StoreError> {
    let tables: Vec<_> = OVER.into_iter().chain(["sessions"]).collect();
    end_what_was_under_way(staged, &tables)
}

pub(super) fn of_platform(staged: &mut Staged) -> Result<(), StoreError> {
    let missing = ["sso_sessions", "sso_requests", "used_refresh_tokens"];
    let tables: Vec<_> = OVER
        .into_iter()
        .filter(|table| !missing.contains(table))
        .chain(["admin_sessions"])
        .collect();
    end_what_was_under_way(staged, &tables)
}

/// Takes over from the file in use who may get in.
pub(super) fn as_today(
    staged: &mut Staged,
    live: &RawReadTx<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    staged.take_over(live, &AS_TODAY)?;
    let members = live.query("SELECT id, state, role, password FROM users", &[], |row| {
        Ok((row.get::<UserId>(0)?, row.get::<String>(1)?, row.get(2)?, row.get(3)?))
    })?;
    let keys = live.query("SELECT id, revoked, expires, role FROM api_keys", &[], |row| {
        Ok((row.get::<ApiKeyId>(0)?, row.get(1)?, row.get(2)?, row.get::<String>(3)?))
    })?;
    staged.change(|tx| {
        // Who is not there today was removed since, or is a guess of whoever made the backup.
        tx.execute("UPDATE users SET state = 'disabled'", &[])?;
        for (id, state, role, password) in &members {
            let (role, password): (&String, &String) = (role, password);
            tx.execute(
                "UPDATE users SET state = $1, role = $2, password = $3 WHERE id = $4",
                args![state.as_str(), role.as_str(), password.as_str(), *id],
            )?;
        }
        let revoked: Vec<(ApiKeyId, Option<Timestamp>)> =
            tx.query("SELECT id, revoked FROM api_keys", &[], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        for (id, before) in revoked {
            let today = keys.iter().find(|key| key.0 == id);
            let (until, expires, role): (Option<Timestamp>, Option<Timestamp>, Option<&str>) =
                match today {
                    Some((_, revoked, expires, role)) => (*revoked, *expires, Some(role)),
                    None => (before.or(Some(now)), None, None),
                };
            tx.execute("UPDATE api_keys SET revoked = $1 WHERE id = $2", args![until, id])?;
            if let Some(role) = role {
                let sql = "UPDATE api_keys SET expires = $1, role = $2 WHERE id = $3";
                tx.execute(sql, args![expires, role, id])?;
            }
        }
        for sql in DANGLING {
            tx.execute(sql, &[])?;
        }
        Ok(())
    })
}
