//! One's own sessions.

use super::model::UserError;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AccountRead, AccountWrite};
use crate::authz::{Grant, Principal};
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{SessionId, UserId};
use crate::store::{Sql, SqlMut};
use crate::tenants::{RealmTx, Tenants};

#[derive(Clone, Debug)]
pub struct OwnSession {
    pub id: SessionId,
    pub current: bool,
    pub created: Timestamp,
    pub seen: Timestamp,
    pub ip: String,
    pub user_agent: String,
}

fn person(principal: &Principal) -> Result<(UserId, SessionId), UserError> {
    match principal {
        Principal::User { id, session, .. } => Ok((*id, *session)),
        _ => Err(UserError::NotFound),
    }
}

/// The caller's sessions, newest first.
pub async fn own_sessions(
    tenants: &Tenants,
    grant: &Grant<AccountRead>,
) -> Result<Vec<OwnSession>, UserError> {
    let (id, current) = person(&grant.caller().principal)?;
    tenants
        .read(grant, move |tx| {
            let sql = "SELECT id, created, seen, client FROM sessions WHERE user = $1
                       ORDER BY seen DESC LIMIT 100";
            let rows = tx.query(sql, args![id], |row| {
                Ok((row.get::<SessionId>(0)?, row.get(1)?, row.get(2)?, row.get::<Vec<u8>>(3)?))
            })?;
            rows.into_iter()
                .map(|(session, created, seen, client)| {
                    let client = tx.open_text(Field::SessionClient, session.bytes(), &client)?;
                    let (ip, user_agent) = parts(&client.unwrap_or_default());
                    let current = session == current;
                    Ok(OwnSession { id: session, current, created, seen, ip, user_agent })
                })
                .collect()
        })
        .await
}

fn parts(client: &str) -> (String, String) {
    let json: serde_json::Value = serde_json::from_str(client).unwrap_or_default();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    (text("ip"), text("userAgent"))
}

/// Ends one of the caller's own sessions.
pub async fn end_own_session(
    tenants: &Tenants,
    grant: &Grant<AccountWrite>,
    session: SessionId,
) -> Result<(), UserError> {
    let (id, _) = person(&grant.caller().principal)?;
    let written = tenants.write(grant, move |tx| {
        let sql = "DELETE FROM sessions WHERE id = $1 AND user = $2";
        if tx.execute(sql, args![session, id])? == 0 {
            return Err(UserError::NotFound);
        }
        let mut event = Event::new(catalogue::SESSION_ENDED);
        event.resource = Some(Resource::new("session", session.to_string()));
        Ok::<_, UserError>(((), event.into()))
    });
    written.await.map(|_| ())
}
