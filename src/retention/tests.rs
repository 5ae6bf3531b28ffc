//! What the product promises about retention, on a real installation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use super::holds::{HoldScope, NewHold};
use super::*;
use crate::args;
use crate::audit::view::EntryView;
use crate::authz::permission::*;
use crate::authz::{Permission, Realm, Role};
use crate::config::Settings;
use crate::conversations::{self, Conversation, NewConversation, PageRequest};
use crate::crypto::CryptoError;
use crate::jobs::{JOBS, RunState as JobState, Runner};
use crate::kernel::clock::ManualClock;
use crate::kernel::id::{ConversationId, HoldId, KeyId};
use crate::kernel::random::SystemRandom;
use crate::kernel::{ErrorKind, Fault, Runtime, Timestamp};
use crate::store::{Sql, SqlMut};
use crate::tenants::{DoorError, RealmTx, StateChange, SystemWrite, Tenant};
use crate::testing::TestServer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOTHING: Installation = Installation { ageing: None, grace: Duration::ZERO };

pub struct House {
    pub clock: Arc<ManualClock>,
    pub server: TestServer,
    pub runner: Runner,
    pub tenant: Tenant,
}

impl House {
    pub async fn new() -> Self {
        let start = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let (runner, tenant) = (Runner::new(&server.app()), server.tenant("acme").await);
        let house = Self { clock, server, runner, tenant };
        // The job has run since the start.
        house.night().await;
        house
    }

    pub async fn grant<P: Permission>(&self) -> crate::authz::Grant<P> {
        self.server.grant(&self.tenant).await
    }

    /// The job of this night.
    pub async fn night(&self) {
        let job = JOBS.iter().find(|job| job.name == "retention.run").unwrap();
        assert_eq!(self.runner.run(job).await, Some(JobState::Succeeded));
    }

    /// Days go by, with nights close enough to each other that the clock is believed.
    pub async fn live(&self, days: u32) {
        for _ in 0..days / 30 {
            self.clock.advance(30 * DAY);
            self.night().await;
        }
        self.clock.advance(DAY * (days % 30));
        self.night().await;
    }

    pub async fn conversation(&self, person: Option<&str>) -> Conversation {
        let grant = self.grant::<ConversationCreate>().await;
        let person = person.map(|id| json!({ "id": id, "name": format!("Name of {id}") }));
        let new: NewConversation =
            serde_json::from_value(json!({ "subject": "Teapot", "dataSubject": person })).unwrap();
        conversations::create(&self.server.tenants, &grant, new, None).await.unwrap().value
    }

    pub async fn say(&self, id: ConversationId, sent: Timestamp) {
        let grant = self.grant::<MessageAppend>().await;
        let message = json!({ "author": { "type": "agent" }, "body": "Hello", "sentAt": sent });
        let messages = serde_json::from_value(message).unwrap();
        let tenants = &self.server.tenants;
        conversations::append_messages(tenants, &grant, id, messages, None).await.unwrap();
    }

    pub async fn close(&self, id: ConversationId) {
        let grant = self.grant::<ConversationClose>().await;
        conversations::close(&self.server.tenants, &grant, id).await.unwrap();
    }

    /// A closed conversation.
    pub async fn closed(&self, person: Option<&str>) -> ConversationId {
        let made = self.conversation(person).await;
        self.close(made.id).await;
        made.id
    }

    pub async fn find(&self, id: ConversationId) -> Option<Conversation> {
        let grant = self.grant::<ConversationRead>().await;
        Some(conversations::find(&self.server.tenants, &grant, id).await.ok()?.value)
    }

    pub async fn key_of(&self, id: ConversationId) -> KeyId {
        self.read(move |tx| {
            let sql = "SELECT data_subject FROM conversations WHERE id = $1";
            Ok(tx.query_one(sql, args![id], |row| row.get(0))?.unwrap())
        })
        .await
    }

    pub async fn has_key(&self, key: KeyId) -> bool {
        self.read(move |tx| Ok(!matches!(tx.keys().by_id(key), Err(CryptoError::KeyDestroyed))))
            .await
    }

    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&crate::tenants::ReadTx<'_>) -> Result<T, DoorError> + Send + 'static,
    ) -> T {
        self.server.tenants.credentials(Realm::Tenant(self.tenant.id), f).await.unwrap()
    }

    /// Makes a conversation older than it is.
    async fn date(&self, id: ConversationId, closed: Timestamp) {
        let realm = Realm::Tenant(self.tenant.id);
        let write = self.server.tenants.system_write(realm, SystemWrite::Expiry, move |tx| {
            tx.execute("UPDATE conversations SET closed = $1 WHERE id = $2", args![closed, id])?;
            Ok(())
        });
        write.await.unwrap();
    }

    pub async fn hold(&self, scope: HoldScope, target: Option<String>) -> HoldId {
        let grant = self.grant::<HoldManage>().await;
        let reason = "Case 7".to_owned();
        let new = NewHold { scope, target, reason, ends_at: None, review_at: None };
        holds::set(&self.server.tenants, &grant, new, None).await.unwrap().id
    }

    async fn keep(&self, class: Class, days: Option<u32>) {
        let grant = self.grant::<RetentionManage>().await;
        let changes = PolicyChanges { policies: [(class, days)].into() };
        change(&self.server.tenants, &grant, changes, NOTHING).await.unwrap();
    }

    async fn run(&self) -> Result<Run, RetentionError> {
        let grant = self.grant::<RetentionManage>().await;
        let asked = Asked::BySomebody;
        Ok(run(&self.server.tenants, &grant, NOTHING, asked, || true).await?.unwrap())
    }

    async fn entries(&self, action: &str) -> Vec<EntryView> {
        let all = self.server.entries(&self.tenant).await;
        all.into_iter().filter(|entry| entry.action == action).collect()
    }
}

#[tokio::test]
async fn a_closed_conversation_goes_after_two_years_and_takes_its_persons_key_along() {
    let house = House::new().await;
    let id = house.closed(Some("zoe")).await;
    let open = house.conversation(Some("max")).await.id;
    let (zoe, max) = (house.key_of(id).await, house.key_of(open).await);
    house.live(729).await;
    assert!(house.find(id).await.is_some(), "two years are not over");
    house.live(2).await;
    // Data is as old as the night before says.
    house.live(1).await;
    assert!(house.find(id).await.is_none());
    assert!(house.find(open).await.is_some(), "it was never closed");
    assert!(!house.has_key(zoe).await && house.has_key(max).await);
    let entries = house.entries("retention.completed").await;
    let named = serde_json::to_string(&entries).unwrap();
    assert!(named.contains(&id.to_string()), "{named}");
    let grant = house.grant::<RetentionRead>().await;
    let kept = runs(&house.server.tenants, &grant, RunRequest::default()).await.unwrap();
    assert_eq!(kept.items.len(), 1, "nights in which nothing was due leave none: {kept:?}");
    let report = &kept.items[0].report;
    assert_eq!((report.deleted(), report.keys_destroyed), (1, 1), "{report:?}");
    assert_eq!((report.classes[0].persons, report.last_backup_until), (1, None));
    // Whoever comes with the same reference is somebody new.
    let again = house.conversation(Some("zoe")).await.id;
    assert_ne!(house.key_of(again).await, zoe);
    assert!(house.server.verify(&house.tenant).await.ok);
}

#[tokio::test]
async fn what_is_held_stays_however_old_it_is_and_goes_once_the_hold_is_lifted() {
    let house = House::new().await;
    house.keep(Class::ClosedConversations, Some(30)).await;
    let by_itself = house.closed(Some("zoe")).await;
    let by_person = house.closed(Some("max")).await;
    let free = house.closed(Some("free")).await;
    let other_of_zoe = house.closed(Some("zoe")).await;
    let zoe = house.key_of(by_itself).await;
    let one = house.hold(HoldScope::Conversation, Some(by_itself.to_string())).await;
    house.hold(HoldScope::DataSubject, Some("max".into())).await;
    assert!(house.find(by_itself).await.unwrap().hold && house.find(by_person).await.unwrap().hold);
    assert!(!house.find(free).await.unwrap().hold);
    house.clock.advance(31 * DAY);
    let run = house.run().await.unwrap();
    assert_eq!((run.report.classes[0].deleted, run.report.classes[0].held), (2, 2), "{run:?}");
    assert!(house.find(by_itself).await.is_some() && house.find(by_person).await.is_some());
    assert!(house.find(free).await.is_none() && house.find(other_of_zoe).await.is_none());
    assert!(house.has_key(zoe).await, "the held conversation needs it");

    let whole = house.hold(HoldScope::Tenant, None).await;
    let grant = house.grant::<HoldManage>().await;
    let tenants = &house.server.tenants;
    holds::lift(tenants, &grant, one, "over").await.unwrap();
    assert_eq!(house.run().await.unwrap().report.deleted(), 0, "the tenant is held");
    holds::lift(tenants, &grant, whole, "over").await.unwrap();
    assert_eq!(house.run().await.unwrap().report.deleted(), 1);
    assert!(house.find(by_itself).await.is_none() && !house.has_key(zoe).await);
    assert!(house.find(by_person).await.is_some());
}

#[tokio::test]
async fn messages_go_while_their_conversation_stays_and_numbers_are_never_used_again() {
    let house = House::new().await;
    house.keep(Class::Messages, Some(30)).await;
    let id = house.conversation(Some("zoe")).await.id;
    let now = house.server.runtime.now();
    for age in [40, 35, 1] {
        house.say(id, now.minus(age * DAY)).await;
    }
    assert_eq!(house.run().await.unwrap().report.deleted(), 2);
    let found = house.find(id).await.unwrap();
    assert_eq!(found.message_count, 1);
    house.say(id, now).await;
    let grant = house.grant::<MessageRead>().await;
    let tenants = &house.server.tenants;
    let page = PageRequest { limit: Some(1), cursor: None };
    let first = conversations::read_messages(tenants, &grant, id, page).await.unwrap().value;
    assert_eq!(first.items[0].seq, 3);
    let page = PageRequest { limit: Some(1), cursor: first.next_cursor };
    let last = conversations::read_messages(tenants, &grant, id, page).await.unwrap().value;
    assert_eq!((last.items[0].seq, last.next_cursor), (4, None));
    // A list whose end was removed ends all the same.
    house.clock.advance(40 * DAY);
    house.night().await;
    house.night().await;
    let page = PageRequest { limit: Some(1), cursor: None };
    let none = conversations::read_messages(tenants, &grant, id, page).await.unwrap().value;
    assert!(none.items.is_empty() && none.next_cursor.is_none());
    let shown = conversations::transcript(tenants, &grant, id, PageRequest::default()).await;
    let shown = shown.unwrap().value;
    assert!(shown.earlier.is_none() && shown.later.is_none());
    house.close(id).await;
}

#[tokio::test]
async fn a_clock_that_leaps_ahead_deletes_nothing_until_it_was_right_for_a_week() {
    let house = House::new().await;
    let id = house.closed(Some("zoe")).await;
    house.clock.advance(3 * 365 * DAY);
    house.server.tenants.forget_looks();
    // Started again. Somebody signs in: the log's own clock has leapt too.
    house.conversation(None).await;
    house.night().await;
    let refused = house.run().await.unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("clock-in-doubt", ErrorKind::Conflict));
    for _ in 0..6 {
        house.clock.advance(DAY);
        house.night().await;
    }
    assert!(house.find(id).await.is_some());
    let grant = house.grant::<RetentionRead>().await;
    let shown = policies(&house.server.tenants, &grant, NOTHING).await.unwrap();
    assert!(shown.clock_in_doubt);
    house.clock.advance(2 * DAY);
    house.night().await;
    assert!(house.find(id).await.is_none(), "it was the appliance that was off");
}

#[tokio::test]
async fn a_run_that_is_stopped_is_taken_up_where_it_stopped() {
    let house = House::new().await;
    house.keep(Class::ClosedConversations, Some(30)).await;
    let now = house.server.runtime.now();
    for n in 0..150 {
        let id = house.closed(Some(&format!("person-{n}"))).await;
        house.date(id, now.minus(40 * DAY)).await;
    }
    let grant = house.grant::<RetentionManage>().await;
    let (tenants, asked) = (&house.server.tenants, AtomicU32::new(0));
    // After the first batch.
    let go_on = || asked.fetch_add(1, Ordering::Relaxed) < 1;
    let stopped = run(tenants, &grant, NOTHING, Asked::BySomebody, go_on).await.unwrap_err();
    assert!(matches!(stopped, RetentionError::Stopped), "{stopped}");
    let found = runs(tenants, &grant, RunRequest::default()).await.unwrap();
    assert_eq!(found.items[0].state, RunState::Interrupted);
    assert_eq!(found.items[0].report.deleted(), 100);

    house.night().await;
    let after = runs(tenants, &grant, RunRequest::default()).await.unwrap();
    assert_eq!(after.items.len(), 1, "{after:?}");
    let run = &after.items[0];
    assert_eq!((run.id, run.state), (found.items[0].id, RunState::Completed));
    let report = &run.report;
    assert_eq!((report.deleted(), report.keys_destroyed, report.resumed), (150, 150, 1));
    let said: u64 = house
        .entries("retention.completed")
        .await
        .iter()
        .filter_map(|entry| entry.custom_fields["deleted"].as_u64())
        .sum();
    assert_eq!(said, 150, "each deletion is in exactly one entry");
}

#[tokio::test]
async fn nothing_is_deleted_in_a_frozen_tenant() {
    let house = House::new().await;
    house.keep(Class::ClosedConversations, Some(1)).await;
    let id = house.closed(None).await;
    let grant = house.grant::<RetentionManage>().await;
    house.live(3).await;
    let kept = house.closed(None).await;
    assert!(house.find(id).await.is_none());
    house.server.change_state(&house.tenant, StateChange::Freeze).await;
    house.live(10).await;
    let asked = Asked::BySomebody;
    let refused = run(&house.server.tenants, &grant, NOTHING, asked, || true).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Frozen);
    assert!(house.find(kept).await.is_some());
}

#[tokio::test]
async fn a_preview_says_what_a_run_then_does_and_names_persons_only_to_who_may_see_them() {
    let house = House::new().await;
    let free = house.closed(Some("zoe")).await;
    let held = house.closed(Some("max")).await;
    house.say(house.conversation(Some("max")).await.id, house.server.runtime.now()).await;
    house.hold(HoldScope::Conversation, Some(held.to_string())).await;
    house.clock.advance(30 * DAY);
    house.night().await;
    let wanted = PolicyChanges {
        policies: [(Class::ClosedConversations, Some(20)), (Class::Messages, Some(20))].into(),
    };
    let look = async |role: Role| {
        let caller = house.server.application(&house.tenant, role);
        let tenants = &house.server.tenants;
        let (grant, _) = tenants.authorize::<RetentionRead>(&caller, "acme", "test").await.unwrap();
        preview(tenants, &grant, wanted.clone(), NOTHING).await.unwrap()
    };
    let shown = look(Role::PrivacyOfficer).await;
    let conversations = &shown.classes[0];
    assert_eq!((conversations.due, conversations.held, conversations.persons), (1, 1, 1));
    assert_eq!(shown.classes[1].due, 1, "one message, in a conversation that stays");
    assert_eq!(conversations.sample[0].conversation, free);
    assert_eq!(conversations.sample[0].person.as_deref(), Some("Name of zoe"));
    assert_eq!(look(Role::Auditor).await.classes[0].sample[0].person, None);
    assert_eq!(house.entries("retention.previewed").await.len(), 2);

    let grant = house.grant::<RetentionManage>().await;
    change(&house.server.tenants, &grant, wanted.clone(), NOTHING).await.unwrap();
    let run = house.run().await.unwrap();
    let done: Vec<_> = run.report.classes.iter().map(|class| class.deleted).collect();
    assert_eq!(done, shown.classes.iter().map(|class| class.due).collect::<Vec<_>>());
    let text = csv(&run);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.lines().all(|line| line.split(',').count() == 16), "{text}");
}

#[tokio::test]
async fn sign_in_records_go_by_their_policy_unless_their_person_is_held() {
    let house = House::new().await;
    let realm = Realm::Tenant(house.tenant.id);
    let now = house.server.runtime.now();
    let (held, free): (KeyId, KeyId) = (house.server.runtime.id(), house.server.runtime.id());
    let write = house.server.tenants.system_write(realm, SystemWrite::Expiry, move |tx| {
        for key in [held, free] {
            tx.execute(
                "INSERT INTO users (id, subject, email_hash, email, name, password, role, state,
                    created) VALUES ($1, $2, $3, $4, $5, '', 'viewer', 'active', $6)",
                args![key, key, &key.bytes().to_vec(), &vec![0], &vec![0], now],
            )?;
            tx.execute(
                "INSERT INTO devices (id, person, mark_hash, kind, client, created, seen)
                 VALUES ($1, $2, $3, 'browser', $4, $5, $6)",
                args![key, key, &key.bytes().to_vec(), &vec![0], now, now],
            )?;
        }
        Ok(())
    });
    write.await.unwrap();
    house.hold(HoldScope::Member, Some(held.to_string())).await;
    house.keep(Class::SignInRecords, Some(7)).await;
    house.clock.advance(8 * DAY);
    house.night().await;
    house.night().await;
    let count = house.read(|tx| Ok(tx.count("SELECT count(*) FROM devices", &[])?)).await;
    assert_eq!(count, 1);
    // The fixed end of what is known of devices asks for holds too.
    house.clock.advance(300 * DAY);
    let job = JOBS.iter().find(|job| job.name == "sessions.expire").unwrap();
    house.runner.run(job).await;
    let count = house.read(|tx| Ok(tx.count("SELECT count(*) FROM devices", &[])?)).await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_policy_stays_within_its_bounds_and_a_change_says_old_and_new() {
    let house = House::new().await;
    let grant = house.grant::<RetentionManage>().await;
    let tenants = &house.server.tenants;
    let refused = [
        (Class::ClosedConversations, Some(0)),
        (Class::SignInRecords, None),
        (Class::SignInRecords, Some(181)),
        (Class::AuditLog, Some(800)),
        (Class::Files, Some(30)),
    ];
    for (class, days) in refused {
        let changes = PolicyChanges { policies: [(class, days)].into() };
        let error = change(tenants, &grant, changes, NOTHING).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Invalid, Some(class.name())));
    }
    house.keep(Class::ClosedConversations, None).await;
    house.keep(Class::ClosedConversations, None).await;
    let entries = house.entries("retention.changed").await;
    assert_eq!(entries.len(), 1, "the second changed nothing");
    let change = &entries[0].changes["closed-conversations"];
    assert_eq!((change.old.clone(), change.new.clone()), (Some(json!(730)), Some(json!("off"))));
    let id = house.closed(None).await;
    house.live(900).await;
    assert!(house.find(id).await.is_some());
}

/// Whatever the ages and holds: never before its time, never when held, and everything else goes.
#[tokio::test]
async fn what_a_run_deletes_is_past_its_time_and_not_held_and_nothing_else_stays() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    let house = House::new().await;
    house.keep(Class::ClosedConversations, Some(30)).await;
    let mut random = TestRunner::deterministic();
    let days = proptest::collection::vec((0_u32..60, 0_u8..4, 0_u8..6), 60);
    let plan = days.new_tree(&mut random).unwrap().current();
    let now = house.server.runtime.now();
    let mut made = Vec::new();
    for (age, person, hold) in plan {
        let id = house.closed(Some(&format!("person-{person}"))).await;
        house.date(id, now.minus(DAY * age)).await;
        let holds = match hold {
            0 => {
                house.hold(HoldScope::Conversation, Some(id.to_string())).await;
                true
            }
            _ => false,
        };
        made.push((id, age, person, holds));
    }
    house.hold(HoldScope::DataSubject, Some("person-3".into())).await;
    let report = house.run().await.unwrap().report;
    let mut gone = 0;
    for (id, age, person, holds) in made {
        let is_there = house.find(id).await.is_some();
        let stays = age <= 30 || holds || person == 3;
        assert_eq!(is_there, stays, "{age} days old, person {person}, held: {holds}");
        gone += u64::from(!stays);
    }
    assert_eq!(report.deleted(), gone);
}

#[test]
fn the_installations_own_times_are_shown_with_the_policies() {
    let settings = Settings::default();
    assert_eq!(settings.backup.ageing(), None, "no backups, no promise about them");
}
