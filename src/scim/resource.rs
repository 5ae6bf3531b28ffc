//! Resources as they are answered.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::group_repo::{self, GroupRow};
use super::repo::UserRow;
use super::{ScimError, schema};
use crate::kernel::id::UserId;
use crate::tenants::RealmTx;

/// One resource, and what the `ETag` header says of it.
#[derive(Clone, Debug)]
pub struct Resource {
    pub value: Value,
    pub version: String,
}

/// A person; nothing for somebody who was erased. `base` is where this server is found.
pub fn user(tx: &impl RealmTx, row: &UserRow, base: &str) -> Result<Option<Resource>, ScimError> {
    let groups = group_repo::of_user(tx, row.id)?;
    let groups = groups.into_iter().map(|(id, name)| {
        json!({
            "value": id.to_string(),
            "$ref": format!("{base}/scim/v2/Groups/{id}"),
            "display": name,
            "type": "direct"
        })
    });
    let groups: Vec<Value> = groups.collect();
    let Some(mut value) = bare_user(tx, row, base)? else { return Ok(None) };
    if !groups.is_empty() {
        value["groups"] = groups.into();
    }
    // What an administrator changes here is part of it, so it is not a number that counts.
    let digest = Sha256::digest(value.to_string().as_bytes());
    let version = format!("W/\"{}\"", HEXLOWER.encode(&digest[..8]));
    value["meta"]["version"] = version.clone().into();
    Ok(Some(Resource { value, version }))
}

/// The same without groups and version, for filters.
pub fn bare_user(tx: &impl RealmTx, row: &UserRow, base: &str) -> Result<Option<Value>, ScimError> {
    let Some(attributes) = row.open(tx)? else { return Ok(None) };
    let mut members = Map::from_iter([
        ("schemas".to_owned(), json!([schema::USER])),
        ("id".to_owned(), row.id.to_string().into()),
    ]);
    if let Value::Object(own) = attributes.value() {
        members.extend(own);
    }
    // Disabled by an administrator: not active, whatever the provider has said.
    let active = row.active && (row.is_enabled || row.held);
    members.insert("active".to_owned(), active.into());
    let role = json!([{ "value": row.role, "primary": true }]);
    members.insert("roles".to_owned(), role);
    members.insert(
        "meta".to_owned(),
        json!({
            "resourceType": "User",
            "created": row.created,
            "lastModified": row.changed,
            "location": format!("{base}/scim/v2/Users/{}", row.id)
        }),
    );
    Ok(Some(Value::Object(members)))
}

/// A group, with those members.
pub fn group(
    tx: &impl RealmTx,
    row: &GroupRow,
    members: Option<&[UserId]>,
    base: &str,
) -> Result<Option<Resource>, ScimError> {
    let Some(details) = row.open(tx)? else { return Ok(None) };
    let version = format!("W/\"{}\"", row.version);
    let mut value = json!({
        "schemas": [schema::GROUP],
        "id": row.id.to_string(),
        "displayName": details.display_name,
        "meta": {
            "resourceType": "Group",
            "created": row.created,
            "lastModified": row.changed,
            "location": format!("{base}/scim/v2/Groups/{}", row.id),
            "version": version
        }
    });
    if let Some(external) = details.external_id {
        value["externalId"] = external.into();
    }
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        let members = members.iter().map(|id| {
            json!({
                "value": id.to_string(),
                "$ref": format!("{base}/scim/v2/Users/{id}"),
                "type": "User"
            })
        });
        value["members"] = members.collect::<Vec<_>>().into();
    }
    Ok(Some(Resource { value, version }))
}

/// Whether a condition of the request (`If-Match`, `If-None-Match`) names this version: weakly, since
/// all versions here are weak (RFC 9110, 8.8.3.2).
pub fn names(condition: &str, version: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    condition.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(version))
}

/// # Errors
/// [`ScimError::Changed`]
pub fn check_version(condition: Option<&str>, version: &str) -> Result<(), ScimError> {
    match condition {
        Some(condition) if !names(condition, version) => Err(ScimError::Changed),
        _ => Ok(()),
    }
}
