//! What is stored about a person is gone, what proves it is not, and an interruption anywhere
//! changes nothing.

use serde_json::json;

use super::*;
use crate::args;
use crate::audit::note::Note;
use crate::authn::Hasher;
use crate::authz::Realm;
use crate::authz::permission::*;
use crate::conversations::{self, Conversation, PageRequest};
use crate::kernel::id::ConversationId;
use crate::kernel::{ErrorKind, Fault};
use crate::store::{Sql, Value};
use crate::tenants::{DoorError, Tenant};
use crate::testing::TestServer;
use crate::users::{self, NewMember, UserError};

const REFERENCE: &str = "customer-reference-4711";
const NAME: &str = "Wilhelmina Quackenbush";
const EMAIL: &str = "wilhelmina@quackenbush.example";
const BODY: &str = "The aquamarine teapot came in two halves.";

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

    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }

    /// A conversation with two messages, one of them an agent's.
    async fn conversation(&self, reference: &str) -> ConversationId {
        let tenants = &self.server.tenants;
        let grant = self.server.grant::<ConversationCreate>(&self.tenant).await;
        let new = serde_json::from_value(json!({
            "subject": format!("Teapot of {NAME}"), "tags": ["quackenbush"],
            "dataSubject": { "id": reference, "name": NAME, "email": EMAIL },
            "customFields": { "who": NAME },
        }));
        let made = conversations::create(tenants, &grant, new.unwrap(), None).await.unwrap();
        let grant = self.server.grant::<MessageAppend>(&self.tenant).await;
        let said = serde_json::from_value(json!([
            { "author": { "type": "customer", "name": NAME }, "body": BODY },
            { "author": { "type": "agent", "name": "Bo" }, "body": "We send another." },
        ]));
        let id = made.value.id;
        conversations::append_messages(tenants, &grant, id, said.unwrap(), None).await.unwrap();
        id
    }

    async fn find(&self, id: ConversationId) -> Conversation {
        let grant = self.server.grant::<ConversationRead>(&self.tenant).await;
        conversations::find(&self.server.tenants, &grant, id).await.unwrap().value
    }

    async fn member(&self, email: &str, role: &str) -> users::Member {
        let grant = self.server.grant::<UserCreate>(&self.tenant).await;
        let new = NewMember {
            name: NAME.into(),
            email: email.into(),
            password: "harbour lantern orchid 7".to_owned().into(),
            role: role.into(),
        };
        let hasher = Hasher::new(&self.server.runtime).with_cost(4);
        users::create(&self.server.tenants, &hasher, &grant, new).await.unwrap()
    }

    async fn erase(&self, who: Who, confirm: &str) -> Result<Erasure, PrivacyError> {
        let grant = self.server.grant::<SubjectErase>(&self.tenant).await;
        let (confirm, reason) = (confirm.to_owned(), "asked for by letter".to_owned());
        let wanted = Wanted { who, confirm, reason, request: Some("DSR-7".into()) };
        erase(&self.server.tenants, &grant, &self.tenant, wanted, None, None).await
    }

    async fn preview(&self, who: Who) -> Vec<Preview> {
        let grant = self.server.grant::<SubjectErase>(&self.tenant).await;
        preview(&self.server.tenants, &grant, who).await.unwrap().value
    }

    async fn count(&self, sql: &'static str, arg: [u8; 16]) -> u64 {
        let read = self.server.tenants.credentials(self.realm(), move |tx| {
            Ok::<_, DoorError>(tx.count(sql, args![Value::Id(arg)])?)
        });
        read.await.unwrap()
    }
}

fn reference() -> Who {
    Who::Reference(REFERENCE.into())
}

#[tokio::test]
async fn everything_about_a_person_is_unreadable_and_a_certificate_says_so() {
    let desk = Desk::open().await;
    let id = desk.conversation(REFERENCE).await;
    let other = desk.conversation("somebody-else").await;
    let found = desk.preview(reference()).await;
    assert_eq!(found.len(), 1);
    let counts = found[0].counts;
    assert_eq!((counts.conversations, counts.messages, counts.messages_of_others), (1, 2, 1));
    assert_eq!(found[0].name.as_deref(), Some(NAME));

    let erased = desk.erase(reference(), REFERENCE).await.unwrap();
    assert_eq!((erased.state, erased.subject), (ErasureState::Done, found[0].subject));
    let conversation = desk.find(id).await;
    assert!(conversation.erased && conversation.subject.is_none(), "{conversation:?}");
    assert!(conversation.tags.is_empty() && conversation.custom_fields.is_empty());
    let grant = desk.server.grant::<MessageRead>(&desk.tenant).await;
    let page = PageRequest::default();
    let said = conversations::read_messages(&desk.server.tenants, &grant, id, page).await;
    assert!(said.unwrap().value.items.iter().all(|message| message.erased));
    assert!(!desk.find(other).await.erased, "who has the same name stays");

    let note = Note::parse(erased.certificate.as_deref().unwrap()).unwrap();
    note.verify(&desk.server.tenants.notary().verifier()).unwrap();
    let text = note.text();
    assert!(text.contains(&format!("\nkey {}\n", erased.subject)), "{text}");
    assert!(text.contains("\nledger 1 ") && text.contains("\nmessages 2\n"), "{text}");
    assert!(text.contains("\nkeys-in-backups-until never\n"), "{text}");
    for secret in [NAME, EMAIL, REFERENCE, "DSR-7", "letter"] {
        assert!(!text.contains(secret), "{text}");
    }
    let entries = desk.server.entries(&desk.tenant).await;
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let end: Vec<_> = actions.iter().filter(|action| action.starts_with("erasure.")).collect();
    assert_eq!(end, [&"erasure.previewed", &"erasure.requested", &"erasure.completed"]);
    assert!(!format!("{entries:?}").contains(REFERENCE));
    assert!(desk.server.verify(&desk.tenant).await.ok);
}

#[tokio::test]
async fn a_second_erasure_answers_with_the_first_and_the_reference_is_a_new_persons() {
    let desk = Desk::open().await;
    desk.conversation(REFERENCE).await;
    let first = desk.erase(reference(), "erase").await.unwrap();
    let again = desk.erase(Who::Subject(first.subject), "whatever").await.unwrap();
    assert_eq!(again, first);
    let gone = desk.erase(reference(), REFERENCE).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let id = desk.conversation(REFERENCE).await;
    assert!(!desk.find(id).await.erased);
    let new = desk.preview(reference()).await;
    assert_ne!(new[0].subject, first.subject);
    assert_eq!(new[0].counts.conversations, 1);
    let second = desk.erase(reference(), REFERENCE).await.unwrap();
    assert_ne!(second.id, first.id);
}

#[tokio::test]
async fn it_wants_the_right_person_typed_and_a_reason() {
    let desk = Desk::open().await;
    let id = desk.conversation(REFERENCE).await;
    desk.conversation("somebody-else").await;
    let wrong = desk.erase(reference(), "somebody-else").await;
    assert!(matches!(wrong, Err(PrivacyError::Confirmation(Kind::DataSubject))));
    let several = desk.erase(Who::Email(EMAIL.to_uppercase()), "erase").await;
    assert!(matches!(several, Err(PrivacyError::Several(2))));
    let grant = desk.server.grant::<SubjectErase>(&desk.tenant).await;
    let wanted =
        Wanted { who: reference(), confirm: "erase".into(), reason: " ".into(), request: None };
    let none = erase(&desk.server.tenants, &grant, &desk.tenant, wanted, None, None).await;
    assert!(matches!(none, Err(PrivacyError::Reason)));
    assert!(!desk.find(id).await.erased);
}

/// Takes the first of the steps, and the second, as a process does that is killed after them.
#[tokio::test]
async fn one_that_was_interrupted_is_completed() {
    for destroyed in [false, true] {
        let desk = Desk::open().await;
        let id = desk.conversation(REFERENCE).await;
        let grant = desk.server.grant::<SubjectErase>(&desk.tenant).await;
        let begun = super::erase::begin_for_test(&desk.server.tenants, &grant, reference()).await;
        if destroyed {
            let tenants = &desk.server.tenants;
            let subject = list(tenants, &grant).await.unwrap()[0].subject;
            tenants.destroy_subject(desk.realm(), subject, "erasure of a person").await.unwrap();
        }
        assert_eq!(desk.find(id).await.erased, destroyed);
        let tenants = &desk.server.tenants;
        let count = complete_interrupted(tenants, &grant, &desk.tenant, None).await.unwrap();
        assert_eq!(count, 1);
        let found = find(tenants, &grant, begun).await.unwrap();
        assert_eq!(found.state, ErasureState::Done);
        assert!(desk.find(id).await.erased);
        let ledger = std::fs::read_to_string(desk.server.data_dir().join("erasures.log")).unwrap();
        assert_eq!(ledger.lines().count(), 1, "{ledger}");
        assert_eq!(complete_interrupted(tenants, &grant, &desk.tenant, None).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_member_goes_with_everything_that_was_kept_for_them() {
    let desk = Desk::open().await;
    desk.member("owner@example.org", "owner").await;
    let member = desk.member(EMAIL, "viewer").await;
    let erased = desk.erase(Who::Member(member.id), &EMAIL.to_uppercase()).await.unwrap();
    assert_eq!(erased.kind, Kind::Member);
    assert_eq!(desk.count("SELECT count(*) FROM users WHERE id = $1", *member.id.bytes()).await, 0);
    let grant = desk.server.grant::<UserRead>(&desk.tenant).await;
    let gone = users::find(&desk.server.tenants, &grant, member.id).await;
    assert!(matches!(gone, Err(UserError::NotFound)));
    let entries = desk.server.entries(&desk.tenant).await;
    assert!(!format!("{entries:?}").contains(NAME));
    // The address is free.
    assert_ne!(desk.member(EMAIL, "viewer").await.id, member.id);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let desk = Desk::open().await;
    let owner = desk.member("owner@example.org", "owner").await;
    let kept = desk.erase(Who::Member(owner.id), "erase").await;
    assert!(
        matches!(kept, Err(PrivacyError::User(error)) if matches!(*error, UserError::LastOwner))
    );
}

/// Every table that has a column for a person is known to whoever removes one.
#[tokio::test]
async fn no_table_with_a_persons_rows_is_forgotten() {
    let desk = Desk::open().await;
    let read = desk.server.tenants.credentials(desk.realm(), |tx| {
        let sql = "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
                   WHERE m.type = 'table' AND c.name = 'person' ORDER BY m.name";
        Ok::<_, DoorError>(tx.query(sql, &[], |row| row.get::<String>(0))?)
    });
    let mut known = users::OF_A_PERSON.to_vec();
    known.sort_unstable();
    assert_eq!(read.await.unwrap(), known);
}

#[tokio::test]
async fn a_saved_search_for_the_person_goes_too() {
    use crate::trail::searches::{self, NewSearch};
    let desk = Desk::open().await;
    desk.conversation(REFERENCE).await;
    let grant = desk.server.grant::<AuditSearchSave>(&desk.tenant).await;
    for (name, query) in [("About her", format!("\"{EMAIL}\"")), ("Logins", "action:login".into())]
    {
        let new: NewSearch = serde_json::from_value(json!({ "name": name, "q": query })).unwrap();
        searches::save(&desk.server.tenants, &grant, new, None).await.unwrap();
    }
    let erased = desk.erase(reference(), REFERENCE).await.unwrap();
    assert_eq!(erased.counts.saved_searches, 1);
    let grant = desk.server.grant::<AuditRead>(&desk.tenant).await;
    let left = searches::list(&desk.server.tenants, &grant).await.unwrap();
    assert_eq!(left.len(), 1);
}
