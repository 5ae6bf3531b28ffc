//! Starting a conversation in the console.

use serde::Deserialize;

use super::{also, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{ConversationCreate, MessageAppend};
use crate::conversations::{
    self, AuthorType, ConversationError, NewAuthor, NewConversation, NewDataSubject, NewMessage,
    NewMessages,
};
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::web::messages::Messages;
use crate::web::problems::sentence;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::conversations::NewConversationPage;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::state::{self, Notice};
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/conversations/new";
/// Where a conversation takes place when the form does not say.
const CHANNEL: &str = "console";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("an empty form; nobody's data is touched");
    let created = Audit::Events(&[catalogue::CONVERSATION_CREATED, catalogue::MESSAGE_APPENDED]);
    vec![
        Route::console(Method::Get, PATH, quiet, form).says("Form for a new conversation"),
        Route::console(Method::Post, PATH, created, create).says("Start a conversation"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    subject: String,
    channel: String,
    person_id: String,
    person_name: String,
    person_email: String,
    author_type: String,
    message: String,
}

async fn form(call: Call<ConversationCreate>) -> Answer {
    let chrome = chrome(&call).await?;
    respond::page(&page(chrome, &Form::default()))
}

async fn chrome(call: &Call<ConversationCreate>) -> Result<Chrome, Failure> {
    frame::tenant(call, "conversation-new", Section::Conversations).await
}

async fn create(call: Call<ConversationCreate>) -> Answer {
    let form: Form = call.input.form()?;
    let mut page = page(chrome(&call).await?, &form);
    if is_refused(&mut page) {
        return respond::refused(&page);
    }
    let tenants = &call.app.tenants;
    let created = match conversations::create(tenants, &call.grant, form.conversation(), None).await
    {
        Ok(created) => created.value,
        Err(ConversationError::Invalid { field, problem }) => {
            mark(&mut page, field, &problem)?;
            return respond::refused(&page);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(message) = form.first_message() {
        let grant = also::<_, MessageAppend>(&call)?;
        let message = NewMessages::One(Box::new(message));
        conversations::append_messages(tenants, &grant, created.id, message, None).await?;
    }
    let path = format!("/t/{}/conversations/{}", call.tenant.slug, created.id);
    Ok(respond::see_other(&with_notice(&path, Notice::ConversationCreated)))
}

fn page(chrome: Chrome, form: &Form) -> NewConversationPage {
    NewConversationPage {
        chrome,
        subject: Field::value(&form.subject),
        channel: Field::value(&form.channel),
        person_id: Field::value(&form.person_id),
        person_name: Field::value(&form.person_name),
        person_email: Field::value(&form.person_email),
        author_type: Field::default(),
        authors: authors(&form.author_type),
        message: Field::value(&form.message),
    }
}

/// Customers begin most conversations, so they stand first.
fn authors(selected: &str) -> Vec<Choice> {
    use state::AuthorType::{Agent, Customer, System};
    let choice = |author: state::AuthorType| Choice {
        value: author.code().to_owned(),
        label: Messages::english().text(author.message()).into_owned(),
        selected: author.code() == selected,
    };
    [Customer, Agent, System].map(choice).into()
}

/// What can be said without asking the domain.
fn is_refused(page: &mut NewConversationPage) -> bool {
    if page.subject.value.trim().is_empty() {
        page.subject.error = Some(FieldError::Required);
    }
    let person = [&page.person_name, &page.person_email];
    if page.person_id.value.trim().is_empty() && person.iter().any(|field| !field.value.is_empty())
    {
        page.person_id.error = Some(FieldError::PersonId);
    }
    page.subject.error.is_some() || page.person_id.error.is_some()
}

fn mark(page: &mut NewConversationPage, field: &str, problem: &str) -> Result<(), Failure> {
    let control = match field {
        "subject" => &mut page.subject,
        "channel" => &mut page.channel,
        "dataSubject.id" => &mut page.person_id,
        "dataSubject.name" => &mut page.person_name,
        "dataSubject.email" => &mut page.person_email,
        "body" => &mut page.message,
        _ => {
            return Err(
                ConversationError::Invalid { field: "form", problem: problem.into() }.into()
            );
        }
    };
    control.error = Some(match field {
        "dataSubject.email" if !control.value.contains('@') => FieldError::Email,
        _ => sentence(problem),
    });
    Ok(())
}

impl Form {
    fn conversation(&self) -> NewConversation {
        let person = given(&self.person_id).map(|id| NewDataSubject {
            id,
            name: given(&self.person_name),
            email: given(&self.person_email),
        });
        NewConversation {
            subject: self.subject.trim().to_owned(),
            channel: given(&self.channel.to_lowercase()).or(Some(CHANNEL.to_owned())),
            data_subject: person,
            ..NewConversation::default()
        }
    }

    fn first_message(&self) -> Option<NewMessage> {
        let kind = AuthorType::parse(&self.author_type).unwrap_or(AuthorType::Customer);
        let name = match kind {
            AuthorType::Customer => given(&self.person_name),
            AuthorType::Agent | AuthorType::System => None,
        };
        let author = NewAuthor { kind, id: None, name };
        let body = lines(&self.message);
        (!body.trim().is_empty()).then_some(NewMessage { author, body, sent_at: None })
    }
}

/// A text without blanks around it; `None` when nothing is left.
pub fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Browsers send line breaks as CR LF.
pub fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
