//! The table `approvals`; what is sealed stays sealed here.

use super::list::Party;
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::ApprovalId;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// A request as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub id: ApprovalId,
    pub details: Vec<u8>,
    pub requester: Party,
    pub state: String,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub decided: Option<Timestamp>,
    pub decider: Option<Party>,
    pub answer: Option<Vec<u8>>,
}

const COLUMNS: &str = "SELECT id, details, requester_kind, requester, state, created, expires,
                              decided, decider_kind, decider, answer
                       FROM approvals";

fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    let decider: (Option<String>, Option<String>) = (row.get(8)?, row.get(9)?);
    Ok(Stored {
        id: row.get(0)?,
        details: row.get(1)?,
        requester: Party { kind: row.get(2)?, id: row.get(3)? },
        state: row.get(4)?,
        created: row.get(5)?,
        expires: row.get(6)?,
        decided: row.get(7)?,
        decider: decider.0.zip(decider.1).map(|(kind, id)| Party { kind, id }),
        answer: row.get(10)?,
    })
}

/// What waits first, then what was decided last.
pub fn all(tx: &impl Sql, most: usize) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY state <> 'waiting', created DESC LIMIT $1");
    tx.query(&sql, args![i64::try_from(most).unwrap_or(i64::MAX)], read)
}

pub fn find(tx: &impl Sql, id: ApprovalId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], read)
}

pub fn expired(tx: &impl Sql, now: Timestamp) -> Result<Vec<Stored>, StoreError> {
    tx.query(&format!("{COLUMNS} WHERE state = 'waiting' AND expires <= $1"), args![now], read)
}

pub fn waiting(tx: &impl Sql, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM approvals WHERE state = 'waiting' AND expires > $1";
    tx.count(sql, args![now])
}

pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO approvals
             (id, details, requester_kind, requester, state, created, expires)
         VALUES ($1, $2, $3, $4, 'waiting', $5, $6)",
        args![
            new.id,
            &new.details,
            &new.requester.kind,
            &new.requester.id,
            new.created,
            new.expires
        ],
    )?;
    Ok(())
}

/// What was decided about a request that waits.
pub struct Decision<'a> {
    pub state: &'a str,
    pub decider: &'a Party,
    pub answer: Option<&'a [u8]>,
    pub now: Timestamp,
}

/// Whether it waited still: of two who decide at once, one is too late.
pub fn decide(
    tx: &mut impl SqlMut,
    id: ApprovalId,
    decision: &Decision<'_>,
) -> Result<bool, StoreError> {
    let Decision { state, decider, answer, now } = decision;
    let sql = "UPDATE approvals
               SET state = $1, decided = $2, decider_kind = $3, decider = $4, answer = $5
               WHERE id = $6 AND state = 'waiting'";
    let changed = tx.execute(sql, args![*state, *now, &decider.kind, &decider.id, *answer, id])?;
    Ok(changed == 1)
}
