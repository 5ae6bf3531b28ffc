//! What the product promises about legal holds, on a real installation.

use std::time::Duration;

use super::*;
use crate::args;
use crate::authz::permission::*;
use crate::conversations;
use crate::kernel::id::KeyId;
use crate::kernel::{ErrorKind, Fault};
use crate::retention::tests::House;
use crate::store::Sql;
use crate::trail;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn new(scope: HoldScope, target: Option<&str>) -> NewHold {
    let target = target.map(str::to_owned);
    NewHold { scope, target, reason: "Case 7".into(), ends_at: None, review_at: None }
}

#[tokio::test]
async fn a_held_conversation_is_not_deleted_and_the_refusal_names_the_hold_alone() {
    let house = House::new().await;
    let id = house.conversation(Some("zoe")).await.id;
    let hold = house.hold(HoldScope::DataSubject, Some("zoe".into())).await;
    let grant = house.grant::<ConversationDelete>().await;
    let tenants = &house.server.tenants;
    let refused = conversations::delete(tenants, &grant, id).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "held"));
    let said = refused.to_string();
    assert!(said.contains(&hold.to_string()) && !said.contains("Case 7"), "{said}");
    let manage = house.grant::<HoldManage>().await;
    lift(tenants, &manage, hold, "The case is over").await.unwrap();
    conversations::delete(tenants, &grant, id).await.unwrap();
    // The reason is in the data, sealed, and not in the log.
    let entries = house.server.entries(&house.tenant).await;
    assert!(!serde_json::to_string(&entries).unwrap().contains("Case 7"));
}

#[tokio::test]
async fn a_hold_on_a_conversation_keeps_its_persons_key_and_one_on_anything_the_tenant() {
    let house = House::new().await;
    let id = house.conversation(Some("zoe")).await.id;
    let key = house.key_of(id).await;
    let is_held = async || {
        house
            .read(move |tx| {
                Ok((
                    is_held_subject(tx, key)?,
                    is_held_conversation(tx, id)?,
                    is_held_tenant(tx)?,
                    super::tenant(tx)?.is_some(),
                ))
            })
            .await
    };
    assert_eq!(is_held().await, (false, false, false, false));
    house.hold(HoldScope::Conversation, Some(id.to_string())).await;
    assert_eq!(is_held().await, (true, true, true, false));
}

#[tokio::test]
async fn a_hold_is_on_something_that_is_there_for_a_reason_and_ends_in_the_future() {
    let house = House::new().await;
    let grant = house.grant::<HoldManage>().await;
    let tenants = &house.server.tenants;
    let past = house.server.runtime.now();
    let wrong = [
        (new(HoldScope::DataSubject, Some("nobody")), "target-not-found"),
        (new(HoldScope::Conversation, Some("nobody")), "target-not-found"),
        (new(HoldScope::Member, Some("nobody@example.org")), "target-not-found"),
        (new(HoldScope::Conversation, None), "target-invalid"),
        (new(HoldScope::Tenant, Some("acme")), "target-invalid"),
        (NewHold { reason: " ".into(), ..new(HoldScope::Tenant, None) }, "reason-invalid"),
        (NewHold { ends_at: Some(past), ..new(HoldScope::Tenant, None) }, "date-invalid"),
    ];
    for (hold, code) in wrong {
        let shown = format!("{hold:?}");
        assert_eq!(set(tenants, &grant, hold, None).await.unwrap_err().code(), code, "{shown}");
    }
}

#[tokio::test]
async fn a_hold_that_has_ended_holds_until_a_job_lifts_it_with_an_entry() {
    let house = House::new().await;
    let grant = house.grant::<HoldManage>().await;
    let tenants = &house.server.tenants;
    let ends = house.server.runtime.now().plus(2 * DAY);
    let hold = NewHold { ends_at: Some(ends), ..new(HoldScope::Tenant, None) };
    let id = set(tenants, &grant, hold, None).await.unwrap().id;
    let later = HoldChanges { ends_at: Some(Some(ends.plus(DAY))), review_at: None };
    let changed = change(tenants, &grant, id, later).await.unwrap();
    assert_eq!(changed.history.len(), 1);
    house.clock.advance(4 * DAY);
    assert!(house.read(|tx| Ok(is_held_tenant(tx)?)).await);
    house.night().await;
    house.night().await;
    assert!(!house.read(|tx| Ok(is_held_tenant(tx)?)).await);
    let read = house.grant::<RetentionRead>().await;
    let (found, _) = find(tenants, &read, id).await.unwrap();
    assert_eq!((found.state, found.lifted_by), (HoldState::Lifted, None));
    let actions = house.server.entries(&house.tenant).await;
    let lifted: Vec<_> = actions.iter().filter(|entry| entry.action == "hold.lifted").collect();
    assert_eq!(lifted.len(), 1);
    assert_eq!(lifted[0].custom_fields["cause"], "ended");
    let again = lift(tenants, &grant, id, "once more").await.unwrap_err();
    assert_eq!(again.code(), "hold-lifted");
}

#[tokio::test]
async fn while_anything_is_held_no_entry_leaves_the_log_and_nothing_of_it_is_destroyed() {
    let house = House::new().await;
    let id = house.conversation(None).await.id;
    house.hold(HoldScope::Conversation, Some(id.to_string())).await;
    let read = house.grant::<RetentionRead>().await;
    let tenants = &house.server.tenants;
    let shown = trail::retention(tenants, &read, None).await.unwrap();
    assert!(shown.held);
    let grant = house.grant::<RetentionManage>().await;
    house.clock.advance(10 * 365 * DAY);
    house.conversation(None).await;
    assert_eq!(trail::cut_log(tenants, &grant).await.unwrap(), None);
    let grant = house.grant::<AuditShred>().await;
    let refused = trail::shred(tenants, &grant, &house.tenant, "acme").await.unwrap_err();
    assert_eq!(refused.code(), "held");
}

#[tokio::test]
async fn many_holds_are_listed_page_by_page_without_gap() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(house.hold(HoldScope::Tenant, None).await);
    }
    let grant = house.grant::<RetentionRead>().await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let wanted = HoldRequest { state: Some(HoldState::InForce), limit: Some(3), cursor };
        let page = list(&house.server.tenants, &grant, wanted).await.unwrap();
        seen.extend(page.items.iter().map(|hold| hold.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    // Within a millisecond ids are in no order.
    ids.sort();
    ids.reverse();
    assert_eq!(seen, ids);
}

/// As many as a large tenant may have: the number is `STRONGROOM_TEST_HOLDS`, or a few hundred. It
/// says how long things take; how quick the machine is decides about nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_holds_each_question_is_answered_from_an_index_and_none_is_left_out() {
    let wanted = std::env::var("STRONGROOM_TEST_HOLDS").ok();
    let count = wanted.and_then(|count| count.parse().ok()).unwrap_or(300_usize);
    let house = House::new().await;
    let clock = crate::kernel::Runtime::system().clock;
    let timed = |what: &str, since: Duration| {
        println!("{count} holds, {what}: {:?}", clock.monotonic().saturating_sub(since));
    };
    let mut conversations = Vec::new();
    let start = clock.monotonic();
    for n in 0..count {
        let id = house.conversation(Some(&format!("person-{n}"))).await.id;
        house.hold(HoldScope::Conversation, Some(id.to_string())).await;
        house.close(id).await;
        conversations.push(id);
    }
    timed("made with their conversations", start);
    let free = house.conversation(Some("nobody-holds-me")).await.id;

    let start = clock.monotonic();
    let held = conversations.clone();
    let (found, others) = house
        .read(move |tx| {
            let held = held.iter().map(|id| is_held_conversation(tx, *id));
            let held = held.collect::<Result<Vec<_>, _>>()?;
            let mut others = 0;
            for _ in 0..100 {
                others += u32::from(is_held_conversation(tx, free)?);
            }
            Ok((held.into_iter().filter(|held| *held).count(), others))
        })
        .await;
    timed("asked once for each and 100 times for what is not held", start);
    assert_eq!((found, others), (count, 0));

    let grant = house.grant::<RetentionRead>().await;
    let (mut seen, mut cursor, start) = (0, None, clock.monotonic());
    for _ in 0..=count / 100 + 1 {
        let wanted = HoldRequest { state: Some(HoldState::InForce), limit: Some(100), cursor };
        let page = list(&house.server.tenants, &grant, wanted).await.unwrap();
        seen += page.items.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    timed("listed page by page, 100 a page", start);
    assert_eq!(seen, count);

    house.clock.advance(800 * DAY);
    let nothing = crate::retention::Installation { ageing: None, grace: Duration::ZERO };
    let start = clock.monotonic();
    let changes = crate::retention::PolicyChanges::default();
    let preview = crate::retention::preview(&house.server.tenants, &grant, changes, nothing);
    let preview = preview.await.unwrap();
    timed("previewed", start);
    assert_eq!(preview.due(), 0);

    house
        .read(|tx| {
            use super::check::{ON_CONVERSATIONS_OF, ON_PERSON, ON_TENANT, OVER};
            let (one, two) = ([7_u8; 16], [8_u8; 16]);
            let questions = [
                (ON_CONVERSATIONS_OF, args![KeyId::from_bytes(one)].to_vec()),
                (OVER, args![KeyId::from_bytes(one), KeyId::from_bytes(two)].to_vec()),
                (ON_PERSON, args![KeyId::from_bytes(one)].to_vec()),
                (ON_TENANT, Vec::new()),
            ];
            for (sql, args) in questions {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                let plan = tx.query(&sql, &args, |row| row.get::<String>(3))?;
                assert!(!plan.iter().any(|step| step.contains("SCAN")), "{sql}: {plan:?}");
            }
            Ok(())
        })
        .await;
}
