//! What does not go back in time with a restored file: who may get in, and how, is as it was just
//! before; what was under way is over.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

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
/// once; what provisioning knows of members; how long data is kept, what is held, who was erased, and
/// what may name them under a key that is still there; who witnesses the log.
const AS_TODAY: [&str; 26] = [
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
    "sso_tests",
    "identities",
    "scim_users",
    "scim_addresses",
    "scim_groups",
    "scim_members",
    "witnesses",
    "log_retention",
    // Nothing is deleted that is held today, and nobody is erased without it being said.
    "legal_holds",
    "retention_policies",
    "retention_clock",
    "retention_runs",
    "erasures",
    "saved_searches",
];
/// Of a member and of an API key, as they are today: all but when they were made.
const OF_USERS: [&str; 8] =
    ["subject", "email_hash", "email", "name", "password", "role", "state", "signed_in"];
const OF_API_KEYS: [&str; 13] = [
    "token_hash",
    "hint",
    "name",
    "role",
    "expires",
    "revoked",
    "scopes",
    "networks",
    "former_hash",
    "former_until",
    "rotated",
    "made_by",
    "former_by",
];
/// What providers say of a member; it is lost with whom a restore leaves behind.
const OF_LEFT: [&str; 4] = ["identities", "scim_users", "scim_addresses", "scim_members"];
/// What the rows that were taken over may name in vain.
const DANGLING: [&str; 7] = [
    "DELETE FROM identities WHERE user NOT IN (SELECT id FROM users)",
    "DELETE FROM sso_tests WHERE provider NOT IN (SELECT id FROM identity_providers)",
    "DELETE FROM identities WHERE provider NOT IN (SELECT id FROM identity_providers)",
    "DELETE FROM scim_users WHERE user NOT IN (SELECT id FROM users)",
    "DELETE FROM scim_addresses WHERE user NOT IN (SELECT user FROM scim_users)",
    "DELETE FROM scim_members WHERE user NOT IN (SELECT user FROM scim_users)",
    "DELETE FROM scim_members WHERE team NOT IN (SELECT id FROM scim_groups)",
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

/// Members and API keys of the file in use that a restore leaves behind, because the restored one
/// does not know them. When it is undone they are as they were; whoever is missing for another
/// reason was removed in between.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Left {
    users: BTreeSet<UserId>,
    api_keys: BTreeSet<ApiKeyId>,
}

impl Left {
    pub fn behind(live: &RawReadTx<'_>, staged: &RawReadTx<'_>) -> Result<Self, StoreError> {
        let (known_users, known_keys) = (users(staged)?, api_keys(staged)?);
        Ok(Self {
            users: users(live)?.difference(&known_users).copied().collect(),
            api_keys: api_keys(live)?.difference(&known_keys).copied().collect(),
        })
    }
}

fn users(tx: &impl Sql) -> Result<BTreeSet<UserId>, StoreError> {
    let ids = tx.query("SELECT id FROM users", &[], |row| row.get::<UserId>(0))?;
    Ok(ids.into_iter().collect())
}

fn api_keys(tx: &impl Sql) -> Result<BTreeSet<ApiKeyId>, StoreError> {
    let ids = tx.query("SELECT id FROM api_keys", &[], |row| row.get::<ApiKeyId>(0))?;
    Ok(ids.into_iter().collect())
}

/// Takes over from the file in use who may get in.
pub(super) fn as_today(
    staged: &mut Staged,
    live: &RawReadTx<'_>,
    left: &Left,
    now: Timestamp,
) -> Result<(), StoreError> {
    staged.change(|tx| set_aside(tx, left))?;
    staged.take_over(live, &AS_TODAY)?;
    let addresses = live.query("SELECT id, email_hash FROM users", &[], |row| {
        Ok((row.get::<UserId>(0)?, row.get::<Vec<u8>>(1)?))
    })?;
    staged.change(|tx| {
        // Addresses may have gone from one to another, and no two have the same for a moment.
        let sql = "UPDATE users SET email_hash = id WHERE (id = $1 OR email_hash = $2)
                   AND EXISTS (SELECT 1 FROM users WHERE id = $1)";
        for (id, hash) in &addresses {
            tx.execute(sql, args![*id, hash])?;
        }
        Ok(())
    })?;
    staged.amend(live, "users", &OF_USERS)?;
    staged.amend(live, "api_keys", &OF_API_KEYS)?;
    let (users_today, keys_today) = (users(live)?, api_keys(live)?);
    staged.change(|tx| {
        // Who is not there today was removed since, or is a guess of whoever made the backup.
        for id in users(tx)?.difference(&users_today).filter(|id| !left.users.contains(id)) {
            tx.execute("UPDATE users SET state = 'disabled' WHERE id = $1", args![*id])?;
        }
        for id in api_keys(tx)?.difference(&keys_today).filter(|id| !left.api_keys.contains(id)) {
            let sql = "UPDATE api_keys SET revoked = coalesce(revoked, $1) WHERE id = $2";
            tx.execute(sql, args![now, *id])?;
        }
        for table in OF_LEFT {
            tx.execute(&format!("INSERT OR IGNORE INTO {table} SELECT * FROM left_{table}"), &[])?;
            tx.execute(&format!("DROP TABLE left_{table}"), &[])?;
        }
        for sql in DANGLING {
            tx.execute(sql, &[])?;
        }
        Ok(())
    })
}

/// Keeps what the file in use cannot know of members who were left behind.
fn set_aside(tx: &mut impl SqlMut, left: &Left) -> Result<(), StoreError> {
    for table in OF_LEFT {
        let sql = format!("CREATE TEMP TABLE left_{table} AS SELECT * FROM {table} WHERE 0");
        tx.execute(&sql, &[])?;
        for id in &left.users {
            let sql = format!("INSERT INTO left_{table} SELECT * FROM {table} WHERE user = $1");
            tx.execute(&sql, args![*id])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate;

    /// A new column has to be decided about: does it say who gets in?
    #[test]
    fn every_column_of_who_gets_in_is_decided_about() {
        let directory = tempfile::tempdir().unwrap();
        let key = crate::crypto::Key32::from_slice(&[7; 32]).unwrap();
        let path = directory.path().join("tenant.db");
        let staged = Staged::create(&path, &key, migrate::TENANT).unwrap();
        for (table, carried) in [("users", &OF_USERS[..]), ("api_keys", &OF_API_KEYS[..])] {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let mut found: Vec<String> =
                staged.read(|tx| tx.query(&sql, &[], |row| row.get(0))).unwrap();
            let mut decided: Vec<_> = carried.iter().chain(&["id", "created"]).copied().collect();
            found.sort_unstable();
            decided.sort_unstable();
            assert_eq!(found, decided, "{table}");
        }
    }
}
