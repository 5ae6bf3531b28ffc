//! From sealed rows to what a caller gets, and back.

use serde::{Deserialize, Serialize};

use super::repo::{Stored, StoredMessage};
use super::subjects_repo::{self, StoredSubject};
use super::{Author, Conversation, ConversationError, DataSubject, Message, NewAuthor};
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::KeyId;
use crate::retention::holds;
use crate::store::StoreError;
use crate::tenants::{RealmTx, WriteTx};

/// The sealed part of an author.
#[derive(Default, Serialize, Deserialize)]
struct AuthorText {
    id: Option<String>,
    name: Option<String>,
}

/// Seals under the person's key when there is one.
///
/// # Errors
/// [`ConversationError::Erased`] once that key was destroyed.
pub fn seal<P>(
    tx: &WriteTx<'_, P>,
    field: Field,
    row: &[u8; 16],
    subject: Option<KeyId>,
    text: &[u8],
) -> Result<Vec<u8>, ConversationError> {
    tx.seal(field, row, subject, text).map_err(|error| match error {
        CryptoError::KeyDestroyed if subject.is_some() => ConversationError::Erased,
        other => other.into(),
    })
}

/// Nothing when nothing is known of the author but the type.
pub fn seal_author<P>(
    tx: &WriteTx<'_, P>,
    row: &[u8; 16],
    subject: Option<KeyId>,
    author: &NewAuthor,
) -> Result<Option<Vec<u8>>, ConversationError> {
    if author.id.is_none() && author.name.is_none() {
        return Ok(None);
    }
    let text = AuthorText { id: author.id.clone(), name: author.name.clone() };
    let json = serde_json::to_vec(&text).map_err(|_| CryptoError::Unreadable)?;
    seal(tx, Field::AuthorName, row, subject, &json).map(Some)
}

pub fn conversation(tx: &impl RealmTx, stored: Stored) -> Result<Conversation, ConversationError> {
    let subject = subject(tx, &stored)?;
    let message_count = stored.present();
    let custom_fields = match &stored.custom_fields {
        Some(sealed) => tx.open_text(Field::ConversationCustom, stored.id.bytes(), sealed)?,
        None => None,
    };
    let custom_fields = match custom_fields {
        Some(json) => serde_json::from_str(&json).map_err(|_| CryptoError::Unreadable)?,
        None => serde_json::Map::new(),
    };
    let data_subject = match stored.subject_key {
        Some(key) => subjects_repo::find(tx, key)?.map(|person| data_subject(tx, &person)),
        None => None,
    };
    Ok(Conversation {
        id: stored.id,
        hold: holds::over(tx, stored.id, stored.subject_key)?.is_some(),
        erased: subject.is_none(),
        subject,
        channel: stored.channel,
        data_subject: data_subject.transpose()?,
        tags: stored.tags,
        custom_fields,
        state: stored.state,
        message_count,
        created_at: stored.created,
        updated_at: stored.updated,
        closed_at: stored.closed,
    })
}

/// The subject line; `None` when the person was erased.
pub fn subject(tx: &impl RealmTx, stored: &Stored) -> Result<Option<String>, CryptoError> {
    tx.open_text(Field::ConversationSubject, stored.id.bytes(), &stored.subject)
}

pub fn data_subject(tx: &impl RealmTx, person: &StoredSubject) -> Result<DataSubject, CryptoError> {
    let text = |field, sealed: Option<&Vec<u8>>| match sealed {
        Some(sealed) => tx.open_text(field, person.key.bytes(), sealed),
        None => Ok(None),
    };
    Ok(DataSubject {
        id: text(Field::SubjectReference, Some(&person.reference))?,
        name: text(Field::SubjectName, person.name.as_ref())?,
        email: text(Field::SubjectEmail, person.email.as_ref())?,
    })
}

pub fn messages(
    tx: &impl RealmTx,
    stored: Vec<StoredMessage>,
) -> Result<Vec<Message>, ConversationError> {
    stored.into_iter().map(|stored| Ok(message(tx, stored)?)).collect()
}

fn message(tx: &impl RealmTx, stored: StoredMessage) -> Result<Message, StoreError> {
    let row = stored.id.bytes();
    let body = tx.open_text(Field::MessageBody, row, &stored.body)?;
    let author = match &stored.author {
        Some(sealed) => tx.open_text(Field::AuthorName, row, sealed)?,
        None => None,
    };
    let author: AuthorText = match author {
        Some(json) => serde_json::from_str(&json).map_err(|_| CryptoError::Unreadable)?,
        None => AuthorText::default(),
    };
    Ok(Message {
        id: stored.id,
        seq: stored.seq,
        author: Author { kind: stored.author_type, id: author.id, name: author.name },
        erased: body.is_none(),
        body,
        sent_at: stored.sent,
        created_at: stored.created,
    })
}
