//! Where nothing but single sign-on lets people in: who is out from then on, and the one account that
//! still comes in by itself, seen by everybody.

use super::AuthnError;
use super::admission::{Factor, Proof};
use super::device::words_of;
use super::notice::tell;
use super::person::{Person, tables};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::{Realm, Role};
use crate::kernel::id::UserId;
use crate::kernel::{Timestamp, limits};
use crate::mail::Letter;
use crate::store::{Sql, SqlMut, StoreError, Value};
use crate::tenants::{AuditEvents, SystemWrite, WriteTx};

/// The row of `settings` that says when the emergency account was used last.
const USED: &str = "emergency-used";

/// Which sessions and sign-ins under way no identity provider is behind; of everybody but one person.
fn local(column: &str, person: &str) -> String {
    let provider = [Factor::Provider, Factor::ProviderMfa];
    let none =
        provider.map(|factor| format!("' ' || {column} || ' ' NOT LIKE '% {} %'", factor.name()));
    format!("{} AND {person} <> $1", none.join(" AND "))
}

/// How many sessions would end if nothing but single sign-on counted, for everybody but one person.
pub fn without_provider(tx: &impl Sql, realm: Realm, except: UserId) -> Result<u64, StoreError> {
    let sql =
        format!("SELECT count(*) FROM {} WHERE {}", tables(realm).1, local("factors", "user"));
    tx.count(&sql, args![except])
}

/// Ends those sessions, and the sign-ins under way; answers with how many sessions there were.
pub fn end_without_provider<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    except: UserId,
) -> Result<usize, StoreError> {
    let waiting = format!("DELETE FROM sign_ins WHERE {}", local("proven", "person"));
    tx.execute(&waiting, args![except])?;
    let sql = format!("DELETE FROM {} WHERE {}", tables(realm).1, local("factors", "user"));
    tx.execute(&sql, args![except])
}

/// Ends what somebody holds on a provider's word: sessions, and sign-ins under way; answers with how
/// many sessions there were.
pub fn end_with_provider<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: UserId,
) -> Result<usize, StoreError> {
    let nobody = UserId::from_bytes([0; 16]);
    let waiting =
        format!("DELETE FROM sign_ins WHERE NOT ({}) AND person = $2", local("proven", "person"));
    tx.execute(&waiting, args![nobody, person])?;
    let sql = format!(
        "DELETE FROM {} WHERE NOT ({}) AND user = $2",
        tables(realm).1,
        local("factors", "user")
    );
    tx.execute(&sql, args![nobody, person])
}

/// Writes down that the emergency account came in, and tells every other owner.
pub(super) fn used(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    person: &Person,
    proof: &Proof,
) -> Result<AuditEvents, AuthnError> {
    let now = tx.runtime().now();
    tx.execute(
        "INSERT INTO settings (name, value, changed) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed",
        args![USED, "{}", now],
    )?;
    let (browser, ip) = words_of(&proof.request);
    let letter = Letter::EmergencyUsed { at: now, browser, ip };
    for owner in other_owners(tx, person.id)? {
        tell(tx, realm, owner, &letter)?;
    }
    let mut event = Event::new(catalogue::BREAK_GLASS_USED);
    event.resource = Some(Resource::new("user", person.actor().id));
    event.custom_fields.insert("factors".into(), proof.factors.names().into());
    Ok(event.into())
}

fn other_owners(tx: &impl Sql, person: [u8; 16]) -> Result<Vec<[u8; 16]>, StoreError> {
    let sql = "SELECT id FROM users WHERE role = $1 AND state = 'active' AND id <> $2";
    tx.query(sql, args![Role::Owner.name(), Value::Id(person)], |row| row.get(0))
}

/// When the emergency account was used, for as long as everybody is to see it.
pub fn last_emergency(tx: &impl Sql, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT changed FROM settings WHERE name = $1";
    let last = tx.query_one(sql, args![USED], |row| row.get::<Timestamp>(0))?;
    Ok(last.filter(|last| now.since(*last) < limits::EMERGENCY_SHOWN))
}
