//! `/api/v1/conversations/{tenant}/…`

use actix_web::HttpResponse;
use serde::Deserialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{
    ConversationClose, ConversationCreate, ConversationDelete, ConversationRead,
    ConversationReopen, ConversationUpdate, MessageAppend, MessageRead,
};
use crate::conversations::{
    self, AppendedMessages, Conversation, ConversationChanges, ConversationFilter,
    ConversationPage, ConversationState, MessagePage, NewConversation, NewMessages, PageRequest,
};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::ConversationId;

const ALL: &str = "/api/v1/conversations/{tenant}";
const ONE: &str = "/api/v1/conversations/{tenant}/{id}";
const MESSAGES: &str = "/api/v1/conversations/{tenant}/{id}/messages";
const PAGING: [(&str, &str); 2] =
    [("limit", "1 to 1000, 50 when absent"), ("cursor", "nextCursor of the page before")];

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::CONVERSATION_CREATED]), create)
            .says("Start a conversation")
            .takes::<NewConversation>()
            .gives::<Conversation>(201),
        Route::api(
            Method::Get,
            ALL,
            Audit::Events(&[catalogue::CONVERSATION_LISTED, catalogue::CONVERSATION_SEARCHED]),
            list,
        )
        .says("List or search conversations, newest first")
        .parameters(&[
            ("state", "open or closed"),
            ("dataSubject", "the person's id in your system, or their e-mail address"),
            ("q", "text in the subject line"),
            ("tag", "a tag"),
            PAGING[0],
            PAGING[1],
        ])
        .gives::<ConversationPage>(200),
        Route::api(Method::Get, ONE, Audit::Events(&[catalogue::CONVERSATION_ACCESS]), find)
            .says("One conversation, without its messages")
            .gives::<Conversation>(200),
        Route::api(Method::Patch, ONE, Audit::Events(&[catalogue::CONVERSATION_UPDATED]), update)
            .says("Change subject line, tags or custom fields")
            .takes::<ConversationChanges>()
            .gives::<Conversation>(200),
        Route::api(Method::Delete, ONE, Audit::Events(&[catalogue::CONVERSATION_DELETED]), delete)
            .says("Delete a conversation and its messages for good")
            .gives_nothing(),
        Route::api(Method::Post, MESSAGES, Audit::Events(&[catalogue::MESSAGE_APPENDED]), append)
            .says("Append one message or an array of up to 1,000")
            .takes::<NewMessages>()
            .gives::<AppendedMessages>(201),
        Route::api(Method::Get, MESSAGES, Audit::Events(&[catalogue::MESSAGE_ACCESS]), read)
            .says("Read messages, oldest first")
            .parameters(&PAGING)
            .gives::<MessagePage>(200),
        Route::api(
            Method::Post,
            "/api/v1/conversations/{tenant}/{id}/close",
            Audit::Events(&[catalogue::CONVERSATION_CLOSED]),
            close,
        )
        .says("Close a conversation; closing it again changes nothing")
        .gives::<Conversation>(200),
        Route::api(
            Method::Post,
            "/api/v1/conversations/{tenant}/{id}/reopen",
            Audit::Events(&[catalogue::CONVERSATION_REOPENED]),
            reopen,
        )
        .says("Reopen a closed conversation")
        .gives::<Conversation>(200),
    ]
}

fn id<P>(call: &Call<P>) -> Result<ConversationId, Failure> {
    call.input.id("id")
}

async fn create(call: Call<ConversationCreate>) -> Answer {
    let (new, key) = (call.input.json()?, call.input.idempotency_key()?);
    let created = conversations::create(&call.app.tenants, &call.grant, new, key).await?.value;
    let location = format!("/api/v1/conversations/{}/{}", call.tenant.slug, created.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(created))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListQuery {
    state: Option<ConversationState>,
    data_subject: Option<String>,
    q: Option<String>,
    tag: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(call: Call<ConversationRead>) -> Answer {
    let ListQuery { state, data_subject, q, tag, limit, cursor } = call.input.query()?;
    let filter = ConversationFilter { state, data_subject, q, tag };
    let page = PageRequest { limit, cursor };
    reply::ok(&conversations::list(&call.app.tenants, &call.grant, filter, page).await?.value)
}

async fn find(call: Call<ConversationRead>) -> Answer {
    reply::ok(&conversations::find(&call.app.tenants, &call.grant, id(&call)?).await?.value)
}

async fn update(call: Call<ConversationUpdate>) -> Answer {
    let (id, changes) = (id(&call)?, call.input.json()?);
    reply::ok(&conversations::update(&call.app.tenants, &call.grant, id, changes).await?.value)
}

async fn delete(call: Call<ConversationDelete>) -> Answer {
    conversations::delete(&call.app.tenants, &call.grant, id(&call)?).await?;
    reply::nothing()
}

async fn append(call: Call<MessageAppend>) -> Answer {
    let (id, key) = (id(&call)?, call.input.idempotency_key()?);
    let messages: NewMessages = call.input.json()?;
    let tenants = &call.app.tenants;
    let appended = conversations::append_messages(tenants, &call.grant, id, messages, key).await?;
    reply::created(&appended.value)
}

async fn read(call: Call<MessageRead>) -> Answer {
    let (id, page) = (id(&call)?, call.input.query()?);
    reply::ok(&conversations::read_messages(&call.app.tenants, &call.grant, id, page).await?.value)
}

async fn close(call: Call<ConversationClose>) -> Answer {
    reply::ok(&conversations::close(&call.app.tenants, &call.grant, id(&call)?).await?.value)
}

async fn reopen(call: Call<ConversationReopen>) -> Answer {
    reply::ok(&conversations::reopen(&call.app.tenants, &call.grant, id(&call)?).await?.value)
}
