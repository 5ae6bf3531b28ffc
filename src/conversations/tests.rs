//! What the product promises about conversations, on a real installation.

use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::authz::permission::*;
use crate::authz::{Denied, Permission, Realm};
use crate::kernel::id::{ConversationId, KeyId};
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::{IdempotencyKey, StateChange, Tenant};
use crate::testing::TestServer;

const SUBJECT: &str = "Where is the parcel with the aquamarine teapot?";
const BODY: &str = "It was to come on Tuesday, says Wilhelmina Quackenbush.";
const NAME: &str = "Wilhelmina Quackenbush";
const EMAIL: &str = "wilhelmina@quackenbush.example";
const REFERENCE: &str = "customer-reference-4711";

struct Desk {
    server: TestServer,
    tenant: Tenant,
}

impl Desk {
    async fn open() -> Self {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        Self { server, tenant }
    }

    async fn grant<P: Permission>(&self) -> crate::authz::Grant<P> {
        self.server.grant(&self.tenant).await
    }

    async fn create(&self, new: NewConversation) -> Conversation {
        let grant = self.grant::<ConversationCreate>().await;
        create(&self.server.tenants, &grant, new, None).await.unwrap().value
    }

    async fn append(&self, id: ConversationId, messages: serde_json::Value) -> AppendedMessages {
        let grant = self.grant::<MessageAppend>().await;
        let messages = serde_json::from_value(messages).unwrap();
        append_messages(&self.server.tenants, &grant, id, messages, None).await.unwrap().value
    }

    async fn read(&self, id: ConversationId, page: PageRequest) -> MessagePage {
        let grant = self.grant::<MessageRead>().await;
        read_messages(&self.server.tenants, &grant, id, page).await.unwrap().value
    }

    async fn find(&self, id: ConversationId) -> Result<Conversation, ConversationError> {
        let grant = self.grant::<ConversationRead>().await;
        Ok(find(&self.server.tenants, &grant, id).await?.value)
    }

    async fn list(&self, filter: serde_json::Value, page: PageRequest) -> ConversationPage {
        let grant = self.grant::<ConversationRead>().await;
        let filter = serde_json::from_value(filter).unwrap();
        list(&self.server.tenants, &grant, filter, page).await.unwrap().value
    }

    async fn subject_key(&self, id: ConversationId) -> KeyId {
        let realm = Realm::Tenant(self.tenant.id);
        let key = self.server.tenants.credentials(realm, move |tx| {
            Ok::<_, ConversationError>(repo::find(tx, id)?.unwrap().subject_key.unwrap())
        });
        key.await.unwrap()
    }

    async fn actions(&self) -> Vec<String> {
        self.server.entries(&self.tenant).await.into_iter().map(|entry| entry.action).collect()
    }
}

fn about_wilhelmina() -> NewConversation {
    serde_json::from_value(json!({
        "subject": SUBJECT, "channel": "email", "tags": ["parcel", "late", "parcel"],
        "dataSubject": { "id": REFERENCE, "name": NAME, "email": EMAIL },
        "customFields": { "order": { "number": 17, "note": "aquamarine" } },
    }))
    .unwrap()
}

fn plain(subject: &str) -> NewConversation {
    NewConversation { subject: subject.into(), ..NewConversation::default() }
}

fn page(limit: usize, cursor: Option<String>) -> PageRequest {
    PageRequest { limit: Some(limit), cursor }
}

fn said(body: &str) -> serde_json::Value {
    json!({ "author": { "type": "customer", "id": "c-1", "name": NAME }, "body": body })
}

#[tokio::test]
async fn what_was_stored_is_read_back() {
    let desk = Desk::open().await;
    let made = desk.create(about_wilhelmina()).await;
    let appended = desk.append(made.id, json!([said(BODY), said("Hello?")])).await;
    assert_eq!(appended.items.iter().map(|item| item.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(desk.append(made.id, said("Anybody?")).await.items[0].seq, 3);

    let found = desk.find(made.id).await.unwrap();
    assert_eq!(found.subject.as_deref(), Some(SUBJECT));
    assert_eq!(found.tags, ["parcel", "late"]);
    assert_eq!(found.custom_fields["order"]["number"], 17);
    assert_eq!((found.message_count, found.erased), (3, false));
    let person = found.data_subject.unwrap();
    assert_eq!(person.id.as_deref(), Some(REFERENCE));
    assert_eq!(person.email.as_deref(), Some(EMAIL));

    let first = desk.read(made.id, page(2, None)).await;
    assert_eq!(first.items[0].body.as_deref(), Some(BODY));
    assert_eq!(first.items[0].id, appended.items[0].id);
    assert_eq!(first.items[0].author.name.as_deref(), Some(NAME));
    let rest = desk.read(made.id, page(2, first.next_cursor)).await;
    assert_eq!(rest.items.iter().map(|message| message.seq).collect::<Vec<_>>(), [3]);
    assert_eq!(rest.next_cursor, None);

    let grant = desk.grant::<MessageRead>().await;
    let last = transcript(&desk.server.tenants, &grant, made.id, page(2, None)).await.unwrap();
    assert_eq!(last.value.messages.iter().map(|m| m.seq).collect::<Vec<_>>(), [2, 3]);
    assert!(last.value.earlier.is_some() && last.value.later.is_none());
    let earlier = page(2, last.value.earlier);
    let first = transcript(&desk.server.tenants, &grant, made.id, earlier).await.unwrap();
    assert_eq!(first.value.messages[0].seq, 1);
}

#[tokio::test]
async fn nothing_personal_stands_in_any_file_or_audit_entry() {
    let desk = Desk::open().await;
    let made = desk.create(about_wilhelmina()).await;
    desk.append(made.id, said(BODY)).await;
    desk.read(made.id, PageRequest::default()).await;
    desk.list(json!({ "q": "teapot", "dataSubject": EMAIL }), PageRequest::default()).await;
    for needle in [SUBJECT, BODY, NAME, EMAIL, REFERENCE, "aquamarine"] {
        assert_eq!(desk.server.files_with(needle.as_bytes()), Vec::<std::path::PathBuf>::new());
    }
    assert!(!desk.server.files_with(b"installation").is_empty(), "the search finds what is there");
    let entries = serde_json::to_string(&desk.server.entries(&desk.tenant).await).unwrap();
    for needle in ["teapot", "Tuesday", "Quackenbush", "quackenbush", REFERENCE, "aquamarine"] {
        assert!(!entries.contains(needle), "{needle}");
    }
}

#[tokio::test]
async fn what_is_done_is_recorded() {
    let desk = Desk::open().await;
    let id = desk.create(about_wilhelmina()).await.id;
    desk.append(id, json!([said("1"), said("2")])).await;
    desk.read(id, PageRequest::default()).await;
    desk.find(id).await.unwrap();
    desk.list(json!({ "state": "open" }), PageRequest::default()).await;
    desk.list(json!({ "q": "x" }), PageRequest::default()).await;
    let tenants = &desk.server.tenants;
    let change: ConversationChanges =
        serde_json::from_value(json!({ "tags": ["new"], "subject": "Another" })).unwrap();
    let grant = desk.grant::<ConversationUpdate>().await;
    update(tenants, &grant, id, change.clone()).await.unwrap();
    update(tenants, &grant, id, change).await.unwrap(); // changes nothing, is no entry
    let grant = desk.grant::<ConversationClose>().await;
    close(tenants, &grant, id).await.unwrap();
    close(tenants, &grant, id).await.unwrap();
    let messages = serde_json::from_value(said("late")).unwrap();
    let append = desk.grant::<MessageAppend>().await;
    let refused = append_messages(tenants, &append, id, messages, None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "conversation-closed"));
    let grant = desk.grant::<ConversationReopen>().await;
    let reopened = reopen(tenants, &grant, id).await.unwrap().value;
    assert_eq!(reopened.closed_at, None);
    let grant = desk.grant::<ConversationRead>().await;
    let expected = Counts { open: 1, closed: 0, messages: 2 };
    assert_eq!(counts(tenants, &grant).await.unwrap(), expected);
    let grant = desk.grant::<ConversationDelete>().await;
    assert_eq!(delete(tenants, &grant, id).await.unwrap().value, 2);
    assert!(matches!(desk.find(id).await, Err(ConversationError::NotFound)));

    let entries = desk.server.entries(&desk.tenant).await;
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let position = actions.iter().position(|action| *action == "conversation.created").unwrap();
    assert_eq!(
        actions[position..],
        [
            "conversation.created",
            "message.appended",
            "message.access",
            "conversation.access",
            "conversation.listed",
            "conversation.searched",
            "conversation.updated",
            "conversation.closed",
            "conversation.reopened",
            "conversation.deleted",
        ]
    );
    assert_eq!(entries[position + 2].custom_fields["messageCount"], 2);
    assert_eq!(entries[position + 2].resource.as_ref().unwrap().id, id.to_string());
    assert_eq!(entries[position + 6].changes["subject"].new, Some("[sealed]".into()));
    assert_eq!(entries[position + 6].changes["tags"].new, Some(json!(["new"])));
    assert!(desk.server.verify(&desk.tenant).await.ok);
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_it() {
    let desk = Desk::open().await;
    let id = desk.create(about_wilhelmina()).await.id;
    let other = desk.server.tenant("globex").await;
    let grant = desk.server.grant::<ConversationRead>(&other).await;
    let found = find(&desk.server.tenants, &grant, id).await;
    assert!(matches!(found, Err(ConversationError::NotFound)));
    let all = ConversationFilter::default();
    let listed = list(&desk.server.tenants, &grant, all, PageRequest::default()).await.unwrap();
    assert!(listed.value.items.is_empty());
    let caller = desk.server.application(&other, crate::authz::Role::Owner);
    let denied =
        desk.server.tenants.authorize::<ConversationRead>(&caller, "acme", "test").await.err();
    assert_eq!(denied, Some(Denied::OtherRealm));
}

#[tokio::test]
async fn a_frozen_tenant_refuses_changes_and_answers_and_records_readings() {
    let desk = Desk::open().await;
    let id = desk.create(plain("Before")).await.id;
    desk.append(id, said(BODY)).await;
    let early = desk.grant::<ConversationCreate>().await;
    desk.server.change_state(&desk.tenant, StateChange::Freeze).await;
    let refused = create(&desk.server.tenants, &early, plain("After"), None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Frozen, "tenant-frozen"));
    let late = desk.server.try_grant::<MessageAppend>(&desk.tenant).await.err();
    assert_eq!(late, Some(Denied::Frozen));
    let before = desk.actions().await.len();
    assert_eq!(desk.read(id, PageRequest::default()).await.items.len(), 1);
    assert_eq!(desk.actions().await[before..], ["message.access"]);
}

#[tokio::test]
async fn a_repeated_call_gets_the_same_answer_and_writes_nothing() {
    let desk = Desk::open().await;
    let tenants = &desk.server.tenants;
    let key = |route| IdempotencyKey::new(route, "once", [7; 32]).unwrap();
    let grant = desk.grant::<ConversationCreate>().await;
    let first = create(tenants, &grant, about_wilhelmina(), Some(key("a"))).await.unwrap();
    let again = create(tenants, &grant, about_wilhelmina(), Some(key("a"))).await.unwrap();
    assert_eq!(first.value, again.value);
    assert_eq!(first.last_entry, again.last_entry);

    let id = first.value.id;
    let grant = desk.grant::<MessageAppend>().await;
    let batch: NewMessages = serde_json::from_value(json!([said("1"), said("2")])).unwrap();
    let first = append_messages(tenants, &grant, id, batch.clone(), Some(key("b"))).await.unwrap();
    let entries = desk.actions().await.len();
    let again = append_messages(tenants, &grant, id, batch, Some(key("b"))).await.unwrap();
    assert_eq!(first.value, again.value);
    assert_eq!(desk.actions().await.len(), entries);
    assert_eq!(desk.find(id).await.unwrap().message_count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_conversations_are_paged_each_once_newest_first_and_searched() {
    let desk = Desk::open().await;
    let grant = desk.grant::<ConversationCreate>().await;
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..1_000 {
        let (tenants, grant) = (desk.server.tenants.clone(), grant.clone());
        waiting.spawn(async move {
            let mut new = plain(&format!("Number {n} of many"));
            if n % 100 == 0 {
                new.tags = vec!["hundred".into()];
            }
            create(&tenants, &grant, new, None).await.unwrap()
        });
    }
    assert_eq!(waiting.join_all().await.len(), 1_000);

    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let part = desk.list(json!({}), page(300, cursor)).await;
        seen.extend(part.items.iter().map(|item| item.id));
        cursor = part.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 1_000);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 1_000);
    assert!(seen.is_sorted_by(|a, b| a > b));

    let found = desk.list(json!({ "q": "nUMBER 777 of" }), PageRequest::default()).await;
    assert_eq!(found.items[0].subject.as_deref(), Some("Number 777 of many"));
    assert_eq!((found.items.len(), found.next_cursor), (1, None));
    let first = desk.list(json!({ "tag": "hundred" }), page(6, None)).await;
    let rest = desk.list(json!({ "tag": "hundred" }), page(6, first.next_cursor)).await;
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (6, 4, None));
}

#[tokio::test]
async fn a_person_is_found_by_reference_and_e_mail_and_is_one_person() {
    let desk = Desk::open().await;
    let first = desk.create(about_wilhelmina()).await.id;
    desk.create(plain("Somebody else's")).await;
    let mut renamed = about_wilhelmina();
    let person = renamed.data_subject.as_mut().unwrap();
    person.name = Some("Wilhelmina Smith".into());
    let second = desk.create(renamed).await.id;
    assert_eq!(desk.subject_key(first).await, desk.subject_key(second).await);
    for text in [REFERENCE, EMAIL, "WILHELMINA@quackenbush.example"] {
        let found = desk.list(json!({ "dataSubject": text }), PageRequest::default()).await;
        assert_eq!(found.items.len(), 2, "{text}");
        let name = found.items[1].data_subject.as_ref().unwrap().name.as_deref();
        assert_eq!(name, Some("Wilhelmina Smith"));
    }
    let upper = json!({ "dataSubject": REFERENCE.to_uppercase() });
    assert!(desk.list(upper, PageRequest::default()).await.items.is_empty());
    let entries = desk.server.entries(&desk.tenant).await;
    let change = &entries.last().unwrap();
    assert_eq!(change.action, "conversation.searched");
    let renamed = entries.iter().find(|entry| entry.changes.contains_key("dataSubject.name"));
    assert_eq!(renamed.unwrap().action, "conversation.created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_named_by_many_callers_at_once_is_one_person() {
    let desk = Desk::open().await;
    let grant = desk.grant::<ConversationCreate>().await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (tenants, grant) = (desk.server.tenants.clone(), grant.clone());
        waiting.spawn(async move {
            create(&tenants, &grant, about_wilhelmina(), None).await.unwrap().value.id
        });
    }
    let mut keys = HashSet::new();
    for id in waiting.join_all().await {
        keys.insert(desk.subject_key(id).await);
    }
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn an_erased_person_leaves_the_conversation_without_what_was_said() {
    let desk = Desk::open().await;
    let id = desk.create(about_wilhelmina()).await.id;
    desk.append(id, json!([said(BODY), said("More")])).await;
    let key = desk.subject_key(id).await;
    assert!(desk.server.destroy_subject(&desk.tenant, key).await);

    let found = desk.find(id).await.unwrap();
    assert!(found.erased && found.subject.is_none() && found.custom_fields.is_empty());
    assert_eq!(found.data_subject.unwrap().id, None);
    assert_eq!((found.message_count, found.channel.as_str()), (2, "email"));
    let messages = desk.read(id, PageRequest::default()).await.items;
    assert!(messages.iter().all(|message| message.erased && message.body.is_none()));
    assert_eq!(desk.list(json!({}), PageRequest::default()).await.items.len(), 1);
    assert!(desk.server.verify(&desk.tenant).await.ok);

    let grant = desk.grant::<MessageAppend>().await;
    let more = serde_json::from_value(said("more")).unwrap();
    let refused = append_messages(&desk.server.tenants, &grant, id, more, None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "data-subject-erased"));

    // The same reference is somebody new from now on.
    let new = desk.create(about_wilhelmina()).await;
    assert!(!new.erased);
    assert_ne!(desk.subject_key(new.id).await, key);
    let found = desk.list(json!({ "dataSubject": REFERENCE }), PageRequest::default()).await;
    assert_eq!(found.items.iter().map(|item| item.id).collect::<Vec<_>>(), [new.id]);
    assert!(desk.find(id).await.unwrap().erased);
}

#[tokio::test]
async fn a_faulty_message_stops_its_batch_and_is_named() {
    let desk = Desk::open().await;
    let id = desk.create(plain("Batch")).await.id;
    let grant = desk.grant::<MessageAppend>().await;
    let batch = serde_json::from_value(json!([said("fine"), said("")])).unwrap();
    let refused = append_messages(&desk.server.tenants, &grant, id, batch, None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::Invalid, Some("body")));
    assert!(refused.to_string().starts_with("message 1 of the array: body is empty"), "{refused}");
    assert_eq!(desk.find(id).await.unwrap().message_count, 0);
    let typo = json!([said("fine"), { "author": { "type": "robot" }, "body": "x" }]);
    let error = serde_json::from_value::<NewMessages>(typo).unwrap_err().to_string();
    assert!(error.contains("unknown variant `robot`"), "{error}");
    let empty = serde_json::from_value(json!([])).unwrap();
    let refused = append_messages(&desk.server.tenants, &grant, id, empty, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_made_up_cursor_or_limit_is_refused() {
    let desk = Desk::open().await;
    let grant = desk.grant::<ConversationRead>().await;
    for request in [page(50, Some("x".into())), page(0, None), page(1_001, None)] {
        let all = ConversationFilter::default();
        let refused = list(&desk.server.tenants, &grant, all, request).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }
}
