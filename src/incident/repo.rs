//! SQL of what lets somebody in. `person` is one member or administrator, or everybody.

use super::Access;
use crate::args;
use crate::authn::tables;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::id::{ApiKeyId, SessionId};
use crate::store::{Sql, SqlMut, StoreError, Value};
use crate::tenants::WriteTx;

type Person = Option<[u8; 16]>;

/// Whose permission keys for provisioning have.
const PROVISIONS: &str = "scopes = 'scim.provision'";
const FOR_PEOPLE: &str = "purpose <> 'invitation'";
const INVITATIONS: &str = "purpose = 'invitation'";

/// Whom a link is about, and who handed it out.
const OF_LINKS: &str = "person, made_by";

/// Arguments for `$1…`, and the condition that one of the columns is the person.
fn of(
    columns: &str,
    person: Person,
    mut args: Vec<Value<'static>>,
) -> (String, Vec<Value<'static>>) {
    let Some(person) = person else { return (String::new(), args) };
    args.push(Value::Id(person));
    (format!(" AND ${} IN ({columns})", args.len()), args)
}

/// What there is, but for the session `except`.
pub fn count(
    tx: &impl Sql,
    realm: Realm,
    person: Person,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Access, StoreError> {
    let tally = |from: &str, column: &str, args: Vec<Value<'static>>| {
        let (and, args) = of(column, person, args);
        tx.count(&format!("SELECT count(*) FROM {from}{and}"), &args)
    };
    let sessions = tables(realm).1;
    let mut access = Access {
        sessions: tally(&format!("{sessions} WHERE id <> $1"), "user", vec![kept(except)])?,
        sign_ins: tally("sign_ins WHERE expires > $1", "person", vec![now.into()])?,
        links: tally(&open_links(FOR_PEOPLE), OF_LINKS, vec![now.into()])?,
        invitations: tally(&open_links(INVITATIONS), OF_LINKS, vec![now.into()])?,
        ..Access::default()
    };
    if realm != Realm::Platform {
        if person.is_none() {
            let sql =
                "SELECT count(*) FROM sso_requests WHERE purpose <> 'logout' AND expires > $1";
            access.sign_ins += tx.count(sql, args![now])?;
        }
        access.keys = tally(&format!("api_keys WHERE {VALID}"), "made_by", vec![now.into()])?;
        let provisions = format!("api_keys WHERE {VALID} AND {PROVISIONS}");
        access.provisioning_keys = tally(&provisions, "made_by", vec![now.into()])?;
    }
    Ok(access)
}

/// Keys that open something.
const VALID: &str = "revoked IS NULL AND (expires IS NULL OR expires > $1)";

fn open_links(which: &str) -> String {
    format!("links WHERE used IS NULL AND expires > $1 AND {which}")
}

/// No session has the id of none.
fn kept(except: Option<SessionId>) -> Value<'static> {
    except.unwrap_or(SessionId::from_bytes([0; 16])).into()
}

/// Takes it away; what that was, and which keys.
pub fn revoke<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: Person,
    except: Option<SessionId>,
) -> Result<(Access, Vec<ApiKeyId>), StoreError> {
    let now = tx.runtime().now();
    let done = count(tx, realm, person, except, now)?;
    let mut keys = Vec::new();
    if realm != Realm::Platform {
        let (and, args) = of("made_by", person, vec![now.into()]);
        let sql = format!("SELECT id FROM api_keys WHERE {VALID}{and} ORDER BY id");
        keys = tx.query(&sql, &args, |row| row.get(0))?;
        revoke_keys(tx, person, now)?;
        end_requests(tx, person)?;
    }
    let sessions = tables(realm).1;
    let mut run = |sql: String, column: &str, args: Vec<Value<'static>>| {
        let (and, args) = of(column, person, args);
        tx.execute(&format!("{sql}{and}"), &args)
    };
    run(format!("DELETE FROM {sessions} WHERE id <> $1"), "user", vec![kept(except)])?;
    for table in ["sign_ins", "enrolments", "ceremonies", "devices"] {
        run(format!("DELETE FROM {table} WHERE 1 = 1"), "person", Vec::new())?;
    }
    let used = "UPDATE links SET used = $1 WHERE used IS NULL".to_owned();
    run(used, OF_LINKS, vec![now.into()])?;
    Ok((done, keys))
}

/// The secret that somebody was shown before a key got another one stops as well.
fn revoke_keys<P>(
    tx: &mut WriteTx<'_, P>,
    person: Person,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (and, args) = of("made_by", person, vec![now.into()]);
    tx.execute(&format!("UPDATE api_keys SET revoked = $1 WHERE revoked IS NULL{and}"), &args)?;
    let (and, args) = of("former_by", person, Vec::new());
    let sql = "UPDATE api_keys SET former_hash = NULL, former_until = NULL
               WHERE former_hash IS NOT NULL";
    tx.execute(&format!("{sql}{and}"), &args).map(|_| ())
}

/// Sign-ins that an identity provider has not answered yet. One of them is nobody's before that; a
/// person has those that confirm or try something out in their session.
fn end_requests<P>(tx: &mut WriteTx<'_, P>, person: Person) -> Result<(), StoreError> {
    let whose = match person {
        Some(_) => "session IN (SELECT id FROM sessions WHERE user = $1)",
        None => "purpose <> 'logout'",
    };
    let args: Vec<_> = person.map(Value::Id).into_iter().collect();
    tx.execute(&format!("DELETE FROM sso_requests WHERE {whose}"), &args).map(|_| ())
}
