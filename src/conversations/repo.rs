//! The tables `conversations` and `messages`; everything sealed stays sealed here.

use super::ConversationState;
use super::message::AuthorType;
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{ConversationId, KeyId, MessageId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};

/// A conversation as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub id: ConversationId,
    /// The person's key, under which everything is sealed.
    pub subject_key: Option<KeyId>,
    pub subject: Vec<u8>,
    pub custom_fields: Option<Vec<u8>>,
    pub channel: String,
    pub tags: Vec<String>,
    pub state: ConversationState,
    /// All that were ever added: the next one is numbered by it.
    pub messages: u64,
    /// Those of them that retention has removed.
    pub expired: u64,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub closed: Option<Timestamp>,
}

impl Stored {
    /// Messages that are there.
    pub fn present(&self) -> u64 {
        self.messages.saturating_sub(self.expired)
    }
}

/// A message as it is stored.
pub struct StoredMessage {
    pub id: MessageId,
    pub seq: u64,
    pub author_type: AuthorType,
    pub author: Option<Vec<u8>>,
    pub body: Vec<u8>,
    pub sent: Timestamp,
    pub created: Timestamp,
}

/// What of a list can be found without opening anything.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub state: Option<ConversationState>,
    /// Blind indexes of a reference and of an e-mail address; either may hit.
    pub person: Option<(&'a [u8; 32], &'a [u8; 32])>,
}

const COLUMNS: &str = "SELECT id, data_subject, subject, custom_fields, channel, tags, state,
    messages, created, updated, closed, expired FROM conversations";

pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO conversations (id, data_subject, subject, custom_fields, channel, tags,
            state, messages, created, updated, closed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            new.id,
            new.subject_key,
            &new.subject,
            new.custom_fields.as_ref(),
            &new.channel,
            &tags_text(&new.tags),
            new.state.name(),
            new.messages.cast_signed(),
            new.created,
            new.updated,
            new.closed,
        ],
    )?;
    Ok(())
}

pub fn find(tx: &impl Sql, id: ConversationId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], stored)
}

/// The next conversations, newest first.
pub fn page(
    tx: &impl Sql,
    wanted: Wanted<'_>,
    before: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let mut conditions = Vec::new();
    let mut args: Vec<Value<'_>> = Vec::new();
    if let Some(state) = wanted.state {
        args.push(Value::from(state.name()));
        conditions.push(format!("state = ${}", args.len()));
    }
    if let Some((reference, email)) = wanted.person {
        args.extend([Value::from(reference), Value::from(email)]);
        conditions.push(format!(
            "data_subject IN (SELECT id FROM data_subjects
                WHERE reference_hash = ${} OR email_hash = ${})",
            args.len() - 1,
            args.len()
        ));
    }
    if let Some(before) = before {
        args.push(Value::from(before));
        conditions.push(format!("id < ${}", args.len()));
    }
    let filter = if conditions.is_empty() { "" } else { " WHERE " };
    args.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX)));
    let conditions = conditions.join(" AND ");
    let sql = format!("{COLUMNS}{filter}{conditions} ORDER BY id DESC LIMIT ${}", args.len());
    tx.query(&sql, &args, stored)
}

/// Writes what of a conversation can change.
pub fn update(tx: &mut impl SqlMut, changed: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET subject = $1, custom_fields = $2, tags = $3, state = $4,
            messages = $5, updated = $6, closed = $7 WHERE id = $8",
        args![
            &changed.subject,
            changed.custom_fields.as_ref(),
            &tags_text(&changed.tags),
            changed.state.name(),
            changed.messages.cast_signed(),
            changed.updated,
            changed.closed,
            changed.id,
        ],
    )?;
    Ok(())
}

/// Deletes a conversation; its messages go with it.
pub fn delete(tx: &mut impl SqlMut, id: ConversationId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM conversations WHERE id = $1", args![id])?;
    Ok(())
}

/// State, conversations, messages in them.
pub fn totals(tx: &impl Sql) -> Result<Vec<(ConversationState, u64, u64)>, StoreError> {
    let sql = "SELECT state, count(*), CAST(sum(messages - expired) AS BIGINT) FROM conversations
        GROUP BY state";
    tx.query(sql, &[], |row| Ok((state(row, 0)?, row.get(1)?, row.get(2)?)))
}

pub fn insert_message(
    tx: &mut impl SqlMut,
    conversation: ConversationId,
    new: &StoredMessage,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO messages (conversation, seq, id, author_type, author, body, sent, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            conversation,
            new.seq.cast_signed(),
            new.id,
            new.author_type.name(),
            new.author.as_ref(),
            &new.body,
            new.sent,
            new.created,
        ],
    )?;
    Ok(())
}

/// Messages with numbers above `after`, oldest first: at most `limit`, and none after those that
/// together have `bytes`, so that a page of long messages fits into memory.
pub fn messages(
    tx: &impl Sql,
    conversation: ConversationId,
    after: u64,
    limit: usize,
    bytes: usize,
) -> Result<Vec<StoredMessage>, StoreError> {
    let mut found: Vec<StoredMessage> = Vec::new();
    let mut size = 0;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tx.for_each(
        "SELECT id, seq, author_type, author, body, sent, created FROM messages
         WHERE conversation = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        args![conversation, after.cast_signed(), limit],
        |row| {
            if size < bytes {
                let message = message(row)?;
                size += message.body.len();
                found.push(message);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// The number of the oldest message that is there.
pub fn first_message(
    tx: &impl Sql,
    conversation: ConversationId,
) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT seq FROM messages WHERE conversation = $1 ORDER BY seq LIMIT 1";
    tx.query_one(sql, args![conversation], |row| row.get(0))
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let tags: String = row.get(5)?;
    Ok(Stored {
        id: row.get(0)?,
        subject_key: row.get(1)?,
        subject: row.get(2)?,
        custom_fields: row.get(3)?,
        channel: row.get(4)?,
        tags: serde_json::from_str(&tags).map_err(|_| damaged())?,
        state: state(row, 6)?,
        messages: row.get(7)?,
        created: row.get(8)?,
        updated: row.get(9)?,
        closed: row.get(10)?,
        expired: row.get(11)?,
    })
}

fn message(row: &Row<'_>) -> Result<StoredMessage, StoreError> {
    Ok(StoredMessage {
        id: row.get(0)?,
        seq: row.get(1)?,
        author_type: AuthorType::parse(&row.get::<String>(2)?).ok_or_else(damaged)?,
        author: row.get(3)?,
        body: row.get(4)?,
        sent: row.get(5)?,
        created: row.get(6)?,
    })
}

fn state(row: &Row<'_>, column: usize) -> Result<ConversationState, StoreError> {
    ConversationState::parse(&row.get::<String>(column)?).ok_or_else(damaged)
}

fn tags_text(tags: &[String]) -> String {
    serde_json::Value::from(tags).to_string()
}

fn damaged() -> StoreError {
    StoreError::Sql("a conversation's row is damaged".into())
}
