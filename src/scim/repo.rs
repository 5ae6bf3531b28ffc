//! SQL of provisioning.

use super::{ScimError, ScimSettings, UserAttributes, settings};
use crate::args;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{GroupId, KeyId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};
use crate::tenants::{RealmTx, WriteTx};

/// Somebody whom provisioning keeps, or has kept.
pub struct Kept {
    /// They were removed by the provider.
    pub is_gone: bool,
    pub active: bool,
    pub held: bool,
    pub given: String,
}

pub fn kept(tx: &impl Sql, id: UserId) -> Result<Option<Kept>, StoreError> {
    let found = any(tx, id)?;
    Ok(found.filter(|kept| !kept.is_gone))
}

/// The same, of somebody who is gone too.
pub fn any(tx: &impl Sql, id: UserId) -> Result<Option<Kept>, StoreError> {
    let sql = "SELECT name_hash IS NULL, active, held, given FROM scim_users WHERE user = $1";
    tx.query_one(sql, args![id], |row| {
        let (is_gone, active) = (row.get(0)?, row.get(1)?);
        Ok(Kept { is_gone, active, held: row.get(2)?, given: row.get(3)? })
    })
}

/// A person as the answers need them.
pub struct UserRow {
    pub id: UserId,
    attributes: Vec<u8>,
    pub active: bool,
    pub held: bool,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub role: String,
    pub is_enabled: bool,
}

impl UserRow {
    /// Nothing when the person was erased.
    pub fn open(&self, tx: &impl RealmTx) -> Result<Option<UserAttributes>, ScimError> {
        let text = tx.open_text(Field::ScimUser, self.id.bytes(), &self.attributes)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

const USERS: &str = "SELECT s.user, s.attributes, s.active, s.held, s.created, s.changed, u.role,
    u.state = 'active' FROM scim_users s JOIN users u ON u.id = s.user
    WHERE s.name_hash IS NOT NULL";

fn user_row(row: &Row<'_>) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.get(0)?,
        attributes: row.get(1)?,
        active: row.get(2)?,
        held: row.get(3)?,
        created: row.get(4)?,
        changed: row.get(5)?,
        role: row.get(6)?,
        is_enabled: row.get(7)?,
    })
}

pub fn user(tx: &impl Sql, id: UserId) -> Result<Option<UserRow>, StoreError> {
    tx.query_one(&format!("{USERS} AND s.user = $1"), args![id], user_row)
}

/// The next in the order of their ids.
pub fn users_after(
    tx: &impl Sql,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserRow>, StoreError> {
    let after = after.unwrap_or(UserId::from_bytes([0; 16]));
    let sql = format!("{USERS} AND s.user > $1 ORDER BY s.user LIMIT $2");
    tx.query(&sql, args![after, limit], user_row)
}

pub fn users_from(tx: &impl Sql, skip: i64, limit: i64) -> Result<Vec<UserRow>, StoreError> {
    let sql = format!("{USERS} ORDER BY s.user LIMIT $1 OFFSET $2");
    tx.query(&sql, args![limit, skip], user_row)
}

pub fn all_users(tx: &impl Sql) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT user FROM scim_users WHERE name_hash IS NOT NULL ORDER BY user";
    tx.query(sql, args![], |row| row.get(0))
}

pub fn count_users(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM scim_users WHERE name_hash IS NOT NULL", args![])
}

pub fn user_name_hash(tx: &impl RealmTx, name: &str) -> Result<[u8; 32], ScimError> {
    Ok(tx.lookup_hash("scim-user", name)?)
}

/// Whose `column` has this blind index: candidates, since it takes capitals for small letters.
pub fn users_by(
    tx: &impl RealmTx,
    attribute: &str,
    text: &str,
) -> Result<Option<Vec<UserId>>, ScimError> {
    let (kind, sql) = match attribute {
        "id" => {
            let id = text.parse::<UserId>().ok();
            return Ok(Some(id.into_iter().collect()));
        }
        "username" => ("scim-user", "SELECT user FROM scim_users WHERE name_hash = $1"),
        "externalid" => ("scim-external", "SELECT user FROM scim_users WHERE external_hash = $1"),
        "displayname" => ("scim-display", "SELECT user FROM scim_users WHERE display_hash = $1"),
        "emails.value" | "emails" => {
            ("email", "SELECT user FROM scim_addresses WHERE address_hash = $1")
        }
        "groups.value" | "groups" => {
            let Ok(group) = text.parse::<GroupId>() else { return Ok(Some(Vec::new())) };
            let sql = "SELECT user FROM scim_members WHERE team = $1 ORDER BY user";
            return Ok(Some(tx.query(sql, args![group], |row| row.get(0))?));
        }
        _ => return Ok(None),
    };
    let hash = tx.lookup_hash(kind, text)?;
    Ok(Some(tx.query(&format!("{sql} ORDER BY user"), args![&hash], |row| row.get(0))?))
}

/// Writes down what a provider says about somebody; a row is made when there is none.
pub fn keep<P>(
    tx: &mut WriteTx<'_, P>,
    id: UserId,
    subject: KeyId,
    attributes: &UserAttributes,
    role: &str,
) -> Result<(), ScimError> {
    let now = tx.runtime().now();
    let text = attributes.value().to_string();
    let sealed = tx.seal(Field::ScimUser, id.bytes(), Some(subject), text.as_bytes())?;
    let name = user_name_hash(tx, &attributes.user_name)?;
    let hash =
        |kind, text: Option<&String>| text.map(|text| tx.lookup_hash(kind, text)).transpose();
    let external = hash("scim-external", attributes.external_id.as_ref())?;
    let display = hash("scim-display", attributes.display_name.as_ref())?;
    let stored = tx.execute(
        "INSERT INTO scim_users
             (user, name_hash, external_hash, display_hash, attributes, active, held, given, created, changed)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)
         ON CONFLICT (user) DO UPDATE SET name_hash = excluded.name_hash,
             external_hash = excluded.external_hash, display_hash = excluded.display_hash,
             attributes = excluded.attributes, active = excluded.active, changed = excluded.changed",
        args![
            id,
            &name,
            external.as_ref(),
            display.as_ref(),
            &sealed,
            attributes.is_active(),
            role,
            now,
            now
        ],
    );
    match stored {
        Err(StoreError::Constraint(_)) => return Err(TAKEN),
        other => other?,
    };
    tx.execute("DELETE FROM scim_addresses WHERE user = $1", args![id])?;
    for address in attributes.addresses() {
        let hash = tx.lookup_hash("email", address)?;
        let sql = "INSERT INTO scim_addresses (user, address_hash) VALUES ($1, $2)
                   ON CONFLICT (user, address_hash) DO NOTHING";
        tx.execute(sql, args![id, &hash])?;
    }
    Ok(())
}

const TAKEN: ScimError = ScimError::Taken("somebody else here has this userName");

/// # Errors
/// [`ScimError::Taken`]
pub fn check_user_name(
    tx: &impl RealmTx,
    name: &str,
    own: Option<UserId>,
) -> Result<(), ScimError> {
    let hash = user_name_hash(tx, name)?;
    let sql = "SELECT user FROM scim_users WHERE name_hash = $1";
    let found = tx.query_one(sql, args![&hash], |row| row.get::<UserId>(0))?;
    found.is_none_or(|found| own == Some(found)).then_some(()).ok_or(TAKEN)
}

pub fn set_given<P>(tx: &mut WriteTx<'_, P>, id: UserId, role: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE scim_users SET given = $1 WHERE user = $2", args![role, id]).map(|_| ())
}

pub fn set_held<P>(tx: &mut WriteTx<'_, P>, id: UserId, held: bool) -> Result<(), StoreError> {
    tx.execute("UPDATE scim_users SET held = $1 WHERE user = $2", args![held, id]).map(|_| ())
}

/// Forgets what the provider said about somebody, and which groups they were in.
pub fn forget<P>(tx: &mut WriteTx<'_, P>, id: UserId) -> Result<(), StoreError> {
    let now = tx.runtime().now();
    let sql = "UPDATE scim_groups SET version = version + 1, changed = $1
               WHERE id IN (SELECT team FROM scim_members WHERE user = $2)";
    tx.execute(sql, args![now, id])?;
    tx.execute("DELETE FROM scim_members WHERE user = $1", args![id])?;
    tx.execute("DELETE FROM scim_addresses WHERE user = $1", args![id])?;
    let sql = "UPDATE scim_users SET name_hash = NULL, external_hash = NULL, display_hash = NULL,
               attributes = NULL, active = 0, changed = $1 WHERE user = $2";
    tx.execute(sql, args![now, id]).map(|_| ())
}

/// The key under which what is personal about a member is sealed.
pub fn subject(tx: &impl Sql, id: UserId) -> Result<Option<KeyId>, StoreError> {
    tx.query_one("SELECT subject FROM users WHERE id = $1", args![id], |row| row.get(0))
}

pub fn groups_of(tx: &impl Sql, user: UserId) -> Result<Vec<GroupId>, StoreError> {
    let sql = "SELECT team FROM scim_members WHERE user = $1 ORDER BY team";
    tx.query(sql, args![user], |row| row.get(0))
}

pub fn group_by_name(tx: &impl RealmTx, name: &str) -> Result<Option<GroupId>, ScimError> {
    let hash = tx.lookup_hash("scim-group", name)?;
    let sql = "SELECT id FROM scim_groups WHERE name_hash = $1";
    Ok(tx.query_one(sql, args![&hash], |row| row.get(0))?)
}

pub fn count_groups(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM scim_groups", args![])
}

/// Names of groups, the oldest first.
pub fn group_names(tx: &impl RealmTx, most: usize) -> Result<Vec<String>, ScimError> {
    let rows = super::group_repo::groups_from(tx, 0, i64::try_from(most).unwrap_or(i64::MAX))?;
    let mut names = Vec::new();
    for row in rows {
        names.extend(row.open(tx)?.map(|details| details.display_name));
    }
    Ok(names)
}

pub fn last_change(tx: &impl Sql) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(changed) FROM (SELECT max(changed) AS changed FROM scim_users
               UNION ALL SELECT max(changed) FROM scim_groups)";
    Ok(tx.query_one(sql, args![], |row| row.get::<Option<Timestamp>>(0))?.flatten())
}

pub fn is_provider_domain(tx: &impl Sql, domain: &str) -> Result<bool, StoreError> {
    Ok(tx.count("SELECT count(*) FROM provider_domains WHERE domain = $1", args![domain])? > 0)
}

pub fn provider_domains(tx: &impl Sql) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT domain FROM provider_domains ORDER BY domain", args![], |row| row.get(0))
}

pub fn settings(tx: &impl Sql) -> Result<ScimSettings, StoreError> {
    let sql = "SELECT value FROM settings WHERE name = $1";
    let found = tx.query_one(sql, args![settings::SETTING], |row| row.get::<String>(0))?;
    let Some(text) = found else { return Ok(ScimSettings::default()) };
    serde_json::from_str(&text).map_err(|_| StoreError::Sql("unreadable settings of SCIM".into()))
}

pub fn set_settings<P>(tx: &mut WriteTx<'_, P>, to: &ScimSettings) -> Result<(), StoreError> {
    let value = serde_json::to_string(to)
        .map_err(|_| StoreError::Sql("settings of SCIM could not be written".into()))?;
    let now = tx.runtime().now();
    tx.execute(
        "INSERT INTO settings (name, value, changed) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
        args![settings::SETTING, &value, now],
    )?;
    Ok(())
}

/// Ids as arguments of a statement with a list.
pub fn ids(ids: &[UserId]) -> (String, Vec<Value<'static>>) {
    let places: Vec<_> = (1..=ids.len()).map(|at| format!("${at}")).collect();
    (places.join(", "), ids.iter().map(|id| Value::from(*id)).collect())
}
