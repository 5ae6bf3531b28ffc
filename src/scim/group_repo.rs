//! SQL of groups and who is in them.

use serde::{Deserialize, Serialize};

use super::{ScimError, repo};
use crate::args;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{GroupId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

/// What a provider says about a group, beside who is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupDetails {
    pub display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

pub struct GroupRow {
    pub id: GroupId,
    details: Vec<u8>,
    pub version: i64,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub members: u64,
}

impl GroupRow {
    pub fn open(&self, tx: &impl RealmTx) -> Result<Option<GroupDetails>, ScimError> {
        let text = tx.open_text(Field::ScimGroup, self.id.bytes(), &self.details)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

const GROUPS: &str = "SELECT id, details, version, created, changed,
    (SELECT count(*) FROM scim_members m WHERE m.team = scim_groups.id) FROM scim_groups";

fn group_row(row: &Row<'_>) -> Result<GroupRow, StoreError> {
    Ok(GroupRow {
        id: row.get(0)?,
        details: row.get(1)?,
        version: row.get(2)?,
        created: row.get(3)?,
        changed: row.get(4)?,
        members: row.get(5)?,
    })
}

pub fn group(tx: &impl Sql, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
    tx.query_one(&format!("{GROUPS} WHERE id = $1"), args![id], group_row)
}

pub fn groups_from(tx: &impl Sql, skip: i64, limit: i64) -> Result<Vec<GroupRow>, StoreError> {
    let sql = format!("{GROUPS} ORDER BY id LIMIT $1 OFFSET $2");
    tx.query(&sql, args![limit, skip], group_row)
}

/// Candidates by blind index or by a member.
pub fn groups_by(
    tx: &impl RealmTx,
    attribute: &str,
    text: &str,
) -> Result<Option<Vec<GroupId>>, ScimError> {
    let (kind, sql) = match attribute {
        "id" => {
            let id = text.parse::<GroupId>().ok();
            return Ok(Some(id.into_iter().collect()));
        }
        "displayname" => ("scim-group", "SELECT id FROM scim_groups WHERE name_hash = $1"),
        "externalid" => ("scim-external", "SELECT id FROM scim_groups WHERE external_hash = $1"),
        "members.value" | "members" => {
            let Ok(user) = text.parse::<UserId>() else { return Ok(Some(Vec::new())) };
            return Ok(Some(repo::groups_of(tx, user)?));
        }
        _ => return Ok(None),
    };
    let hash = tx.lookup_hash(kind, text)?;
    Ok(Some(tx.query(&format!("{sql} ORDER BY id"), args![&hash], |row| row.get(0))?))
}

const TAKEN: ScimError = ScimError::Taken(
    "another group has this displayName: rules know groups by their names, so names are unique here",
);

/// Writes a group down; a row is made when there is none.
pub fn keep<P>(
    tx: &mut WriteTx<'_, P>,
    id: GroupId,
    details: &GroupDetails,
) -> Result<(), ScimError> {
    if repo::group_by_name(tx, &details.display_name)?.is_some_and(|other| other != id) {
        return Err(TAKEN);
    }
    let now = tx.runtime().now();
    let text = serde_json::to_string(details)
        .map_err(|_| StoreError::Sql("a group could not be written".into()))?;
    let sealed = tx.seal(Field::ScimGroup, id.bytes(), None, text.as_bytes())?;
    let name = tx.lookup_hash("scim-group", &details.display_name)?;
    let external = details.external_id.as_ref();
    let external = external.map(|text| tx.lookup_hash("scim-external", text)).transpose()?;
    tx.execute(
        "INSERT INTO scim_groups (id, name_hash, external_hash, details, version, created, changed)
         VALUES ($1, $2, $3, $4, 1, $5, $6)
         ON CONFLICT (id) DO UPDATE SET name_hash = excluded.name_hash,
             external_hash = excluded.external_hash, details = excluded.details,
             version = version + 1, changed = excluded.changed",
        args![id, &name, external.as_ref(), &sealed, now, now],
    )?;
    Ok(())
}

pub fn delete<P>(tx: &mut WriteTx<'_, P>, id: GroupId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM scim_members WHERE team = $1", args![id])?;
    tx.execute("DELETE FROM scim_groups WHERE id = $1", args![id]).map(|_| ())
}

pub fn members(tx: &impl Sql, id: GroupId) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT user FROM scim_members WHERE team = $1 ORDER BY user";
    tx.query(sql, args![id], |row| row.get(0))
}

/// Those of these who are kept, and not gone.
pub fn known(tx: &impl Sql, users: &[UserId]) -> Result<usize, StoreError> {
    let mut known = 0;
    for some in users.chunks(500) {
        let (places, args) = repo::ids(some);
        let sql = format!(
            "SELECT count(*) FROM scim_users WHERE name_hash IS NOT NULL AND user IN ({places})"
        );
        known += usize::try_from(tx.count(&sql, &args)?).unwrap_or(usize::MAX);
    }
    Ok(known)
}

pub fn add<P>(tx: &mut WriteTx<'_, P>, id: GroupId, user: UserId) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO scim_members (team, user) VALUES ($1, $2) ON CONFLICT (team, user) DO NOTHING";
    Ok(tx.execute(sql, args![id, user])? > 0)
}

pub fn remove<P>(tx: &mut WriteTx<'_, P>, id: GroupId, user: UserId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM scim_members WHERE team = $1 AND user = $2";
    Ok(tx.execute(sql, args![id, user])? > 0)
}

/// Names of the groups that somebody is in.
pub fn of_user(tx: &impl RealmTx, user: UserId) -> Result<Vec<(GroupId, String)>, ScimError> {
    let sql = "SELECT g.id, g.details FROM scim_members m JOIN scim_groups g ON g.id = m.team
               WHERE m.user = $1 ORDER BY g.id";
    let rows = tx.query(sql, &[Value::from(user)], |row| {
        Ok((row.get::<GroupId>(0)?, row.get::<Vec<u8>>(1)?))
    })?;
    let mut named = Vec::new();
    for (id, details) in rows {
        let text = tx.open_text(Field::ScimGroup, id.bytes(), &details)?;
        let details: Option<GroupDetails> = text.and_then(|text| serde_json::from_str(&text).ok());
        named.extend(details.map(|details| (id, details.display_name)));
    }
    Ok(named)
}
