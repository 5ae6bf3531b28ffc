//! Statements about what ends, and who is told.

use crate::args;
use crate::authn::{self, AuthnError};
use crate::authz::Flag;
use crate::kernel::id::UserId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, StoreError};

/// The certificate (DER) with which this tenant's requests are signed; none before there is a key.
pub fn own_certificate(tx: &impl Sql) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT certificate FROM sso_keys WHERE state = 'current'";
    tx.query_one(sql, &[], |row| row.get(0))
}

/// Whether it is time to warn of a thing again; if so, it is written down.
pub fn is_due(tx: &mut impl SqlMut, thing: &str, now: Timestamp) -> Result<bool, StoreError> {
    let since = now.minus(limits::SSO_WARNING_AGAIN);
    let sql = "SELECT count(*) FROM sso_warnings WHERE thing = $1 AND warned > $2";
    if tx.count(sql, args![thing, since])? > 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO sso_warnings (thing, warned) VALUES ($1, $2)
         ON CONFLICT (thing) DO UPDATE SET warned = excluded.warned",
        args![thing, now],
    )?;
    Ok(true)
}

/// Forgets what was warned of so long ago that it would be warned of again anyway.
pub fn tidy(tx: &mut impl SqlMut, now: Timestamp) -> Result<(), StoreError> {
    let since = now.minus(limits::SSO_WARNING_AGAIN);
    tx.execute("DELETE FROM sso_warnings WHERE warned <= $1", args![since]).map(|_| ())
}

/// The active members who could do something about it.
pub fn managers(tx: &impl Sql) -> Result<Vec<UserId>, AuthnError> {
    let sql = "SELECT id, role FROM users WHERE state = 'active' ORDER BY id";
    let all = tx.query(sql, &[], |row| Ok((row.get::<UserId>(0)?, row.get::<String>(1)?)))?;
    let mut found = Vec::new();
    for (id, role) in all {
        if authn::rights(tx, &role)?.permissions().has(Flag::SsoManage) {
            found.push(id);
        }
    }
    Ok(found)
}
