//! The table `roles`, and who has a role.

use super::RoleError;
use super::model::{RoleView, names};
use crate::args;
use crate::authz::{Flag, Permissions};
use crate::kernel::Timestamp;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// A role of the tenant's own, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub code: String,
    pub name: String,
    pub description: String,
    pub permissions: Permissions,
}

impl Stored {
    pub fn view(self) -> RoleView {
        let Self { code, name, description, permissions } = self;
        let permissions = names(permissions);
        RoleView { code, name, description, built_in: false, permissions, members: 0, api_keys: 0 }
    }

    fn names(&self) -> String {
        names(self.permissions).join(" ")
    }
}

const COLUMNS: &str = "SELECT code, name, description, permissions FROM roles";

pub fn all(tx: &impl Sql) -> Result<Vec<Stored>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY code"), &[], stored)
}

pub fn find(tx: &impl Sql, code: &str) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE code = $1"), args![code], stored)
}

pub fn count(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM roles", &[])
}

pub fn insert(tx: &mut impl SqlMut, new: &Stored, now: Timestamp) -> Result<(), RoleError> {
    let inserted = tx.execute(
        "INSERT INTO roles (code, name, description, permissions, created, changed)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![&new.code, &new.name, &new.description, &new.names(), now, now],
    );
    match inserted {
        Err(StoreError::Constraint(_)) => Err(RoleError::Taken),
        other => Ok(other.map(|_| ())?),
    }
}

pub fn update(tx: &mut impl SqlMut, new: &Stored, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE roles SET name = $1, description = $2, permissions = $3, changed = $4
               WHERE code = $5";
    tx.execute(sql, args![&new.name, &new.description, &new.names(), now, &new.code]).map(|_| ())
}

pub fn delete(tx: &mut impl SqlMut, code: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM roles WHERE code = $1", args![code]).map(|_| ())
}

/// How many have each role: of members, and of API keys that are not revoked.
pub fn holders(tx: &impl Sql) -> Result<Vec<(String, u64, u64)>, StoreError> {
    let sql = "SELECT role, count(*), 0 FROM users GROUP BY role
               UNION ALL
               SELECT role, 0, count(*) FROM api_keys WHERE role IS NOT NULL AND revoked IS NULL GROUP BY role";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let names: String = row.get(3)?;
    Ok(Stored {
        code: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        // A permission that a later release took away is gone from the role too.
        permissions: names.split_whitespace().filter_map(Flag::parse).collect(),
    })
}
