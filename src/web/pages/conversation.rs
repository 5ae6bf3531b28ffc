//! One conversation: its transcript, new messages, closing, reopening, deleting.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::conversations::{person, state, subject};
use super::new_conversation::{given, lines};
use super::{also, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{
    AuditRead, ConversationClose, ConversationDelete, ConversationRead, ConversationReopen,
    MessageAppend, MessageRead,
};
use crate::authz::{Permission, Principal};
use crate::conversations::{
    self, AuthorType, Conversation, ConversationError, Message, NewAuthor, NewMessage, NewMessages,
    PageRequest,
};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::ConversationId;
use crate::tenants::Written;
use crate::web::messages::Messages;
use crate::web::problems::{plain, sentence};
use crate::web::view::chrome::Section;
use crate::web::view::conversations::{
    Conversation as Facts, ConversationPage, ConversationRights, Message as Line, MessageForm,
    Transcript,
};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::query::{self, Pager};
use crate::web::view::state::{self as codes, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/conversations/{id}";
const ADD: &str = "/t/{tenant}/conversations/{id}/messages";
const CLOSE: &str = "/t/{tenant}/conversations/{id}/close";
const REOPEN: &str = "/t/{tenant}/conversations/{id}/reopen";
const DELETE: &str = "/t/{tenant}/conversations/{id}/delete";

pub fn routes() -> Vec<Route> {
    let read = Audit::Events(&[catalogue::MESSAGE_ACCESS, catalogue::CONVERSATION_ACCESS]);
    let added = Audit::Events(&[catalogue::MESSAGE_APPENDED, catalogue::MESSAGE_ACCESS]);
    let closed = Audit::Events(&[catalogue::CONVERSATION_CLOSED]);
    let reopened = Audit::Events(&[catalogue::CONVERSATION_REOPENED]);
    let asked = Audit::Events(&[catalogue::CONVERSATION_ACCESS]);
    let deleted = Audit::Events(&[catalogue::CONVERSATION_DELETED]);
    vec![
        Route::console(Method::Get, PATH, read, view)
            .says("One conversation, with its messages for who may read them"),
        Route::console(Method::Post, ADD, added, add).says("Add a message to a conversation"),
        Route::console(Method::Post, CLOSE, closed, close).says("Close a conversation"),
        Route::console(Method::Post, REOPEN, reopened, reopen).says("Open a conversation again"),
        Route::console(Method::Get, DELETE, asked, confirm)
            .says("Ask before deleting a conversation"),
        Route::console(Method::Post, DELETE, deleted, delete)
            .says("Delete a conversation for good"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    cursor: String,
}

async fn view(call: Call<ConversationRead>) -> Answer {
    let asked: Asked = call.input.query()?;
    let name = match call.principal() {
        Principal::User { name, .. } => name.clone(),
        _ => String::new(),
    };
    let reply = MessageForm { author_name: Field::value(name), ..MessageForm::default() };
    show(&call, &asked.cursor, reply, StatusCode::OK).await
}

async fn show<P: Permission>(
    call: &Call<P>,
    cursor: &str,
    reply: MessageForm,
    status: StatusCode,
) -> Answer {
    let id = call.input.id("id")?;
    let (conversation, transcript, entry) = read(call, id, cursor).await?;
    let facts = facts(&conversation);
    let mut chrome = frame::tenant(call, "nav-conversations", Section::Conversations).await?;
    chrome.title.clone_from(&facts.subject);
    let writable = facts.state == codes::ConversationState::Open && !conversation.erased;
    let may = ConversationRights {
        add_message: writable && call.also::<MessageAppend>().is_some(),
        close: match facts.state {
            codes::ConversationState::Open => call.also::<ConversationClose>().is_some(),
            codes::ConversationState::Closed => call.also::<ConversationReopen>().is_some(),
        },
        delete: !conversation.hold && call.also::<ConversationDelete>().is_some(),
        open_entry: call.also::<AuditRead>().is_some(),
    };
    let recorded = Some(entry);
    let page = ConversationPage { chrome, conversation: facts, transcript, recorded, may, reply };
    respond::page_with(status, &page)
}

/// The conversation, as much of what was said as the person may read, and the entry about it.
async fn read<P: Permission>(
    call: &Call<P>,
    id: ConversationId,
    cursor: &str,
) -> Result<(Conversation, Transcript, u64), Failure> {
    let tenants = &call.app.tenants;
    let Some(grant) = call.also::<MessageRead>() else {
        let grant = also::<_, ConversationRead>(call)?;
        let found = conversations::find(tenants, &grant, id).await?;
        return Ok((found.value, Transcript::NotAllowed, found.entry));
    };
    let page = PageRequest { limit: None, cursor: given(cursor) };
    let found = conversations::transcript(tenants, &grant, id, page).await?;
    let (read, entry) = (found.value, found.entry);
    if read.conversation.erased {
        return Ok((read.conversation, Transcript::Erased, entry));
    }
    let path = format!("/t/{}/conversations/{id}", call.tenant.slug);
    let href = |cursor: String| query::href(&path, &[("cursor", &cursor)]);
    let pager = Pager {
        newest: read.later.is_some().then(|| path.clone()),
        newer: read.later.map(href),
        older: read.earlier.map(href),
    };
    let messages = read.messages.into_iter().map(line).collect();
    Ok((read.conversation, Transcript::Readable { messages, pager }, entry))
}

fn facts(conversation: &Conversation) -> Facts {
    let custom = conversation.custom_fields.iter();
    Facts {
        id: conversation.id.to_string(),
        subject: subject(conversation),
        person: person(conversation.data_subject.as_ref()),
        channel: conversation.channel.clone(),
        state: state(conversation),
        tags: conversation.tags.clone(),
        created: conversation.created_at,
        last_activity: conversation.updated_at,
        closed: conversation.closed_at,
        messages: conversation.message_count,
        hold: conversation.hold,
        custom_fields: custom.map(|(name, value)| (name.clone(), plain(value))).collect(),
    }
}

fn line(message: Message) -> Line {
    let erased = || Messages::english().text("transcript-erased").into_owned();
    Line {
        seq: message.seq,
        author: codes::AuthorType::from_code(message.author.kind.name())
            .unwrap_or(codes::AuthorType::System),
        name: message.author.name,
        sent: message.sent_at,
        body: message.body.unwrap_or_else(erased),
    }
}

#[derive(Deserialize)]
struct Reply {
    author_type: String,
    #[serde(default)]
    author_name: String,
    body: String,
}

async fn add(call: Call<MessageAppend>) -> Answer {
    let form: Reply = call.input.form()?;
    let (tenants, id) = (&call.app.tenants, call.input.id("id")?);
    let kind = AuthorType::parse(&form.author_type).unwrap_or(AuthorType::Agent);
    let author = NewAuthor { kind, id: None, name: given(&form.author_name) };
    let body = lines(&form.body);
    if body.trim().is_empty() {
        return refuse(&call, form, "body", FieldError::Required).await;
    }
    let message = NewMessages::One(Box::new(NewMessage { author, body, sent_at: None }));
    match conversations::append_messages(tenants, &call.grant, id, message, None).await {
        Ok(_) => Ok(respond::see_other(&with_notice(&here(&call, id), Notice::MessageAdded))),
        Err(ConversationError::Invalid { field, problem }) => {
            refuse(&call, form, field, sentence(&problem)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The page again, with what was typed.
async fn refuse(call: &Call<MessageAppend>, form: Reply, field: &str, error: FieldError) -> Answer {
    let mut reply = MessageForm {
        author_type: Field::value(form.author_type),
        author_name: Field::value(form.author_name),
        body: Field::value(form.body),
    };
    let control = if field == "body" { &mut reply.body } else { &mut reply.author_name };
    control.error = Some(error);
    show(call, "", reply, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn close(call: Call<ConversationClose>) -> Answer {
    let id = call.input.id("id")?;
    let written = conversations::close(&call.app.tenants, &call.grant, id).await?;
    let notice = said(&written, Notice::ConversationClosed);
    Ok(respond::see_other(&with_notice(&here(&call, id), notice)))
}

async fn reopen(call: Call<ConversationReopen>) -> Answer {
    let id = call.input.id("id")?;
    let written = conversations::reopen(&call.app.tenants, &call.grant, id).await?;
    let notice = said(&written, Notice::ConversationReopened);
    Ok(respond::see_other(&with_notice(&here(&call, id), notice)))
}

/// What was done, or that nothing had to be: then there is no entry either.
fn said<T>(written: &Written<T>, done: Notice) -> Notice {
    if written.last_entry < written.first_entry { Notice::NothingChanged } else { done }
}

fn here<P>(call: &Call<P>, id: ConversationId) -> String {
    format!("/t/{}/conversations/{id}", call.tenant.slug)
}

async fn confirm(call: Call<ConversationDelete>) -> Answer {
    let id = call.input.id("id")?;
    let grant = also::<_, ConversationRead>(&call)?;
    let found = conversations::find(&call.app.tenants, &grant, id).await?;
    let here = here(&call, id);
    respond::page(&ConfirmPage {
        chrome: frame::tenant(&call, "conversation-delete", Section::Conversations).await?,
        act: ConfirmAct::DeleteConversation,
        subject: subject(&found.value),
        action: format!("{here}/delete"),
        cancel: here,
    })
}

async fn delete(call: Call<ConversationDelete>) -> Answer {
    conversations::delete(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    let list = format!("/t/{}/conversations", call.tenant.slug);
    Ok(respond::see_other(&with_notice(&list, Notice::ConversationDeleted)))
}
