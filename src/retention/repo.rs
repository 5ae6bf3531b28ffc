//! SQL of policies, runs and what is due; everything sealed stays sealed here.

use std::collections::BTreeMap;

use super::class::Class;
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{ConversationId, KeyId, RetentionRunId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};

pub struct StoredPolicy {
    pub days: Option<u32>,
    pub changed: Timestamp,
}

/// The policies that somebody has changed.
pub fn policies(tx: &impl Sql) -> Result<BTreeMap<Class, StoredPolicy>, StoreError> {
    let rows = tx.query("SELECT class, days, changed FROM retention_policies", &[], |row| {
        let class: String = row.get(0)?;
        Ok((Class::parse(&class), StoredPolicy { days: row.get(1)?, changed: row.get(2)? }))
    })?;
    Ok(rows.into_iter().filter_map(|(class, policy)| Some((class?, policy))).collect())
}

pub fn set_policy(
    tx: &mut impl SqlMut,
    class: Class,
    days: Option<u32>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO retention_policies (class, days, changed) VALUES ($1, $2, $3)
         ON CONFLICT (class) DO UPDATE SET days = excluded.days, changed = excluded.changed",
        args![class.name(), days, now],
    )?;
    Ok(())
}

/// A run as it is stored.
#[derive(Clone)]
pub struct StoredRun {
    pub id: RetentionRunId,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    pub report: Vec<u8>,
}

const RUNS: &str = "SELECT id, started, finished, report FROM retention_runs";

pub fn insert_run(tx: &mut impl SqlMut, run: &StoredRun) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO retention_runs (id, started, finished, report) VALUES ($1, $2, $3, $4)",
        args![run.id, run.started, run.finished, &run.report],
    )?;
    Ok(())
}

pub fn update_run(
    tx: &mut impl SqlMut,
    id: RetentionRunId,
    finished: Option<Timestamp>,
    report: &[u8],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE retention_runs SET finished = $1, report = $2 WHERE id = $3",
        args![finished, report, id],
    )?;
    Ok(())
}

/// The oldest run that did not get to its end.
pub fn unfinished_run(tx: &impl Sql) -> Result<Option<StoredRun>, StoreError> {
    let sql = format!("{RUNS} WHERE finished IS NULL ORDER BY started LIMIT 1");
    tx.query_one(&sql, &[], stored_run)
}

pub fn find_run(tx: &impl Sql, id: RetentionRunId) -> Result<Option<StoredRun>, StoreError> {
    tx.query_one(&format!("{RUNS} WHERE id = $1"), args![id], stored_run)
}

/// The next runs, the newest first.
pub fn runs(
    tx: &impl Sql,
    before: Option<RetentionRunId>,
    limit: usize,
) -> Result<Vec<StoredRun>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match before {
        Some(before) => {
            let sql = format!("{RUNS} WHERE id < $1 ORDER BY id DESC LIMIT $2");
            tx.query(&sql, args![before, limit], stored_run)
        }
        None => tx.query(&format!("{RUNS} ORDER BY id DESC LIMIT $1"), args![limit], stored_run),
    }
}

/// Forgets all but the newest `kept` runs.
pub fn forget_runs(tx: &mut impl SqlMut, kept: u32) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM retention_runs WHERE finished IS NOT NULL
            AND id NOT IN (SELECT id FROM retention_runs ORDER BY id DESC LIMIT $1)",
        args![kept],
    )?;
    Ok(())
}

fn stored_run(row: &Row<'_>) -> Result<StoredRun, StoreError> {
    Ok(StoredRun {
        id: row.get(0)?,
        started: row.get(1)?,
        finished: row.get(2)?,
        report: row.get(3)?,
    })
}

/// Keys whose person has gone, the first `most` of them.
pub fn retired_keys(tx: &impl Sql, most: u32) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT key FROM retention_keys ORDER BY retired, key LIMIT $1";
    tx.query(sql, args![most], |row| row.get(0))
}

pub fn count_retired_keys(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM retention_keys", &[])
}

/// Whether somebody is there whom a key belongs to: a restore may have brought them back.
pub fn is_named(tx: &impl Sql, key: KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM data_subjects WHERE id = $1)
        + (SELECT count(*) FROM conversations WHERE data_subject = $2)
        + (SELECT count(*) FROM users WHERE subject = $3)";
    Ok(tx.count(sql, args![key, key, key])? > 0)
}

pub fn forget_retired_key(tx: &mut impl SqlMut, key: KeyId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM retention_keys WHERE key = $1", args![key])?;
    Ok(())
}

/// Takes a person out of the data, and remembers that their key is to be destroyed.
pub fn retire_person(
    tx: &mut impl SqlMut,
    key: KeyId,
    run: RetentionRunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM data_subjects WHERE id = $1", args![key])?;
    tx.execute(
        "INSERT INTO retention_keys (key, run, retired) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO NOTHING",
        args![key, run, now],
    )?;
    Ok(())
}

pub fn has_conversations(tx: &impl Sql, person: KeyId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM
        (SELECT id FROM conversations WHERE data_subject = $1 LIMIT 1)";
    Ok(tx.count(sql, args![person])? > 0)
}

/// A conversation that is past its time.
#[derive(Clone, Copy, Debug)]
pub struct DueConversation {
    pub id: ConversationId,
    pub person: Option<KeyId>,
    pub closed: Timestamp,
    pub messages: u64,
}

/// Closed conversations from before `before`, those after `after` only, the oldest first.
pub fn due_conversations(
    tx: &impl Sql,
    before: Timestamp,
    after: (Timestamp, ConversationId),
    limit: u32,
) -> Result<Vec<DueConversation>, StoreError> {
    let sql = "SELECT id, data_subject, closed, messages - expired FROM conversations
        WHERE state = 'closed' AND closed < $1 AND (closed, id) > ($2, $3)
        ORDER BY closed, id LIMIT $4";
    tx.query(sql, args![before, after.0, after.1, limit], |row| {
        Ok(DueConversation {
            id: row.get(0)?,
            person: row.get(1)?,
            closed: row.get(2)?,
            messages: row.get(3)?,
        })
    })
}

/// Deletes a conversation; its messages go with it.
pub fn delete_conversation(tx: &mut impl SqlMut, id: ConversationId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM conversations WHERE id = $1", args![id])?;
    Ok(())
}

/// A message that is past its time.
#[derive(Clone, Copy, Debug)]
pub struct DueMessage {
    pub conversation: ConversationId,
    pub seq: u64,
    pub sent: Timestamp,
}

/// Messages from before `before`, those after `after` only, the oldest first.
pub fn due_messages(
    tx: &impl Sql,
    before: Timestamp,
    after: (Timestamp, ConversationId, u64),
    limit: u32,
) -> Result<Vec<DueMessage>, StoreError> {
    let sql = "SELECT conversation, seq, sent FROM messages
        WHERE sent < $1 AND (sent, conversation, seq) > ($2, $3, $4)
        ORDER BY sent, conversation, seq LIMIT $5";
    tx.query(sql, args![before, after.0, after.1, after.2.cast_signed(), limit], |row| {
        Ok(DueMessage { conversation: row.get(0)?, seq: row.get(1)?, sent: row.get(2)? })
    })
}

/// Deletes a message and counts it off its conversation.
pub fn delete_message(tx: &mut impl SqlMut, due: &DueMessage) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM messages WHERE conversation = $1 AND seq = $2",
        args![due.conversation, due.seq.cast_signed()],
    )?;
    tx.execute(
        "UPDATE conversations SET expired = expired + 1 WHERE id = $1",
        args![due.conversation],
    )?;
    Ok(())
}

/// Whether a hold covers the conversation `c`; the same as [`super::holds::over`] asks of one.
const HELD: &str = "EXISTS (SELECT 1 FROM legal_holds h WHERE h.lifted IS NULL
    AND (h.scope = 'tenant' OR (h.scope = 'conversation' AND h.target = c.id)
        OR (h.scope = 'data-subject' AND h.target = c.data_subject)))";
/// Whether a hold covers the records of the person `d.person`.
const HELD_PERSON: &str = "EXISTS (SELECT 1 FROM legal_holds h WHERE h.lifted IS NULL
    AND (h.scope = 'tenant' OR (h.scope = 'member'
        AND h.target = (SELECT u.subject FROM users u WHERE u.id = d.person))))";
const HELD_TENANT: &str =
    "EXISTS (SELECT 1 FROM legal_holds h WHERE h.lifted IS NULL AND h.scope = 'tenant')";

/// When devices that are past their time were last used, those that nothing holds, the first `most`.
pub fn delete_devices(
    tx: &mut impl SqlMut,
    before: Timestamp,
    most: u32,
) -> Result<Vec<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT d.id, d.seen FROM devices d WHERE d.seen < $1 AND NOT {HELD_PERSON}
         ORDER BY d.seen LIMIT $2"
    );
    let found = tx.query(&sql, args![before, most], |row| {
        Ok((row.get::<[u8; 16]>(0)?, row.get::<Timestamp>(1)?))
    })?;
    for (id, _) in &found {
        tx.execute("DELETE FROM devices WHERE id = $1", &[Value::Id(*id)])?;
    }
    Ok(found.into_iter().map(|(_, seen)| seen).collect())
}

/// The same for reports of single sign-on.
pub fn delete_sso_reports(
    tx: &mut impl SqlMut,
    before: Timestamp,
    most: u32,
) -> Result<Vec<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT id, created FROM sso_tests WHERE created < $1 AND NOT {HELD_TENANT}
         ORDER BY created LIMIT $2"
    );
    let found = tx.query(&sql, args![before, most], |row| {
        Ok((row.get::<[u8; 16]>(0)?, row.get::<Timestamp>(1)?))
    })?;
    for (id, _) in &found {
        tx.execute("DELETE FROM sso_tests WHERE id = $1", &[Value::Id(*id)])?;
    }
    Ok(found.into_iter().map(|(_, created)| created).collect())
}

/// What of a class is due, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub due: u64,
    pub messages: u64,
    pub held: u64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
}

fn counted(row: &Row<'_>) -> Result<Counted, StoreError> {
    Ok(Counted {
        due: row.get(0)?,
        messages: row.get(1)?,
        held: 0,
        oldest: row.get(2)?,
        newest: row.get(3)?,
    })
}

pub fn count_conversations(tx: &impl Sql, before: Timestamp) -> Result<Counted, StoreError> {
    let due = "FROM conversations c WHERE c.state = 'closed' AND c.closed < $1";
    let sql = format!(
        "SELECT count(*), CAST(coalesce(sum(c.messages - c.expired), 0) AS BIGINT),
            min(c.closed), max(c.closed) {due} AND NOT {HELD}"
    );
    let found = tx.query_one(&sql, args![before], counted)?.unwrap_or_default();
    let held = tx.count(&format!("SELECT count(*) {due} AND {HELD}"), args![before])?;
    Ok(Counted { held, ..found })
}

/// Persons all of whose conversations are due and not held.
pub fn count_persons(tx: &impl Sql, before: Timestamp) -> Result<u64, StoreError> {
    let goes = format!("c.state = 'closed' AND c.closed < $1 AND NOT {HELD}");
    let stays = format!("NOT (c.state = 'closed' AND c.closed < $2 AND NOT {HELD})");
    let sql = format!(
        "SELECT count(*) FROM data_subjects p
         WHERE EXISTS (SELECT 1 FROM conversations c WHERE c.data_subject = p.id AND {goes})
            AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.data_subject = p.id AND {stays})"
    );
    tx.count(&sql, args![before, before])
}

/// Messages that are due in conversations that are not: those go as a whole.
pub fn count_messages(
    tx: &impl Sql,
    before: Timestamp,
    closed_before: Option<Timestamp>,
) -> Result<Counted, StoreError> {
    let closed = closed_before.unwrap_or(Timestamp::from_micros(i64::MIN));
    let due = "FROM messages m JOIN conversations c ON c.id = m.conversation
        WHERE m.sent < $1 AND NOT (c.state = 'closed' AND c.closed < $2)";
    let sql = format!("SELECT count(*), count(*), min(m.sent), max(m.sent) {due} AND NOT {HELD}");
    let found = tx.query_one(&sql, args![before, closed], counted)?.unwrap_or_default();
    let held = tx.count(&format!("SELECT count(*) {due} AND {HELD}"), args![before, closed])?;
    Ok(Counted { held, messages: 0, ..found })
}

pub fn count_sign_in_records(tx: &impl Sql, before: Timestamp) -> Result<Counted, StoreError> {
    let devices = "FROM devices d WHERE d.seen < $1";
    let sql =
        format!("SELECT count(*), 0, min(d.seen), max(d.seen) {devices} AND NOT {HELD_PERSON}");
    let devices_due = tx.query_one(&sql, args![before], counted)?.unwrap_or_default();
    let devices_held =
        tx.count(&format!("SELECT count(*) {devices} AND {HELD_PERSON}"), args![before])?;
    let reports = "FROM sso_tests WHERE created < $1";
    let sql =
        format!("SELECT count(*), 0, min(created), max(created) {reports} AND NOT {HELD_TENANT}");
    let reports_due = tx.query_one(&sql, args![before], counted)?.unwrap_or_default();
    let reports_held =
        tx.count(&format!("SELECT count(*) {reports} AND {HELD_TENANT}"), args![before])?;
    Ok(Counted {
        due: devices_due.due + reports_due.due,
        messages: 0,
        held: devices_held + reports_held,
        oldest: [devices_due.oldest, reports_due.oldest].into_iter().flatten().min(),
        newest: [devices_due.newest, reports_due.newest].into_iter().flatten().max(),
    })
}

/// The oldest conversations that would go.
pub fn sample_conversations(
    tx: &impl Sql,
    before: Timestamp,
    most: u32,
) -> Result<Vec<(ConversationId, Option<KeyId>, Timestamp)>, StoreError> {
    let sql = format!(
        "SELECT c.id, c.data_subject, c.closed FROM conversations c
         WHERE c.state = 'closed' AND c.closed < $1 AND NOT {HELD}
         ORDER BY c.closed, c.id LIMIT $2"
    );
    tx.query(&sql, args![before, most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// The conversations with the oldest messages that would go.
pub fn sample_messages(
    tx: &impl Sql,
    before: Timestamp,
    closed_before: Option<Timestamp>,
    most: u32,
) -> Result<Vec<(ConversationId, Option<KeyId>, Timestamp)>, StoreError> {
    let closed = closed_before.unwrap_or(Timestamp::from_micros(i64::MIN));
    let sql = format!(
        "SELECT c.id, c.data_subject, m.sent FROM messages m
         JOIN conversations c ON c.id = m.conversation
         WHERE m.sent < $1 AND NOT (c.state = 'closed' AND c.closed < $2) AND NOT {HELD}
         ORDER BY m.sent LIMIT $3"
    );
    tx.query(&sql, args![before, closed, most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}
