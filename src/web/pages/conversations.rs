//! The list of conversations, and its search.

use serde::Deserialize;

use crate::audit::catalogue;
use crate::authz::permission::{ConversationCreate, ConversationRead};
use crate::conversations::{
    self, Conversation, ConversationFilter, ConversationPage, DataSubject, PageRequest,
};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::web::messages::Messages;
use crate::web::view::chrome::Section;
use crate::web::view::conversations::{ConversationRow, ConversationsPage, Person};
use crate::web::view::query::Pager;
use crate::web::view::state::ConversationState;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let listed = Audit::Events(&[catalogue::CONVERSATION_LISTED, catalogue::CONVERSATION_SEARCHED]);
    vec![
        Route::console(Method::Get, "/t/{tenant}/conversations", listed, list)
            .says("List and search conversations"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    search: String,
    state: String,
    cursor: String,
}

async fn list(call: Call<ConversationRead>) -> Answer {
    let asked: Asked = call.input.query()?;
    let search = asked.search.trim().to_owned();
    let state = ConversationState::from_code(&asked.state);
    let page = find(&call, &search, state, &asked.cursor).await?;
    let chrome = frame::tenant(&call, "nav-conversations", Section::Conversations).await?;
    let path = format!("{}/conversations", chrome.base());
    let href = |cursor: &str| ConversationsPage::page(&path, &search, state, cursor);
    let pager = Pager {
        newest: (!asked.cursor.is_empty()).then(|| href("")),
        newer: None,
        older: page.next_cursor.as_deref().map(href),
    };
    let rows = page.items.into_iter().map(row).collect();
    let may_create = call.also::<ConversationCreate>().is_some();
    respond::page(&ConversationsPage { chrome, search, state, rows, pager, may_create })
}

/// The conversations of the person whose reference or address was typed; when there is no such
/// person, those with the text in their subject.
async fn find(
    call: &Call<ConversationRead>,
    search: &str,
    state: Option<ConversationState>,
    cursor: &str,
) -> Result<ConversationPage, Failure> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = ConversationFilter {
        state: state.and_then(|state| conversations::ConversationState::parse(state.code())),
        ..ConversationFilter::default()
    };
    let page = PageRequest { limit: None, cursor: text(cursor) };
    let (tenants, grant) = (&call.app.tenants, &call.grant);
    // References and addresses are one word.
    if !search.contains(char::is_whitespace) {
        let by_person = ConversationFilter { data_subject: text(search), ..filter.clone() };
        let found = conversations::list(tenants, grant, by_person, page.clone()).await?.value;
        if search.is_empty() || !found.items.is_empty() {
            return Ok(found);
        }
    }
    let by_subject = ConversationFilter { q: text(search), ..filter };
    Ok(conversations::list(tenants, grant, by_subject, page).await?.value)
}

fn row(conversation: Conversation) -> ConversationRow {
    ConversationRow {
        id: conversation.id.to_string(),
        subject: subject(&conversation),
        person: person(conversation.data_subject.as_ref()),
        state: state(&conversation),
        channel: conversation.channel,
        messages: conversation.message_count,
        last_activity: conversation.updated_at,
    }
}

/// The subject line, or words in its place once it is erased.
pub fn subject(conversation: &Conversation) -> String {
    let erased = || Messages::english().text("conversation-erased").into_owned();
    conversation.subject.clone().unwrap_or_else(erased)
}

pub fn state(conversation: &Conversation) -> ConversationState {
    let code = conversation.state.name();
    ConversationState::from_code(code).unwrap_or(ConversationState::Closed)
}

pub fn person(person: Option<&DataSubject>) -> Person {
    match person {
        None => Person::Unknown,
        Some(DataSubject { id: Some(id), name, email }) => {
            Person::Known { id: id.clone(), name: name.clone(), email: email.clone() }
        }
        Some(DataSubject { id: None, .. }) => Person::Erased,
    }
}
