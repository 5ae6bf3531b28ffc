//! The mapping is total, and every event has what its class requires (schema version 1.6.0).

use serde_json::Value;

use super::ocsf_class::{OTHER, TABLE};
use super::tests::{full, source};
use super::{Class, Classified, ocsf};
use crate::audit::catalogue;
use crate::audit::event::Outcome;

#[test]
fn every_action_of_the_catalogue_has_its_class() {
    assert_eq!(TABLE.len(), catalogue::all().len());
    for action in catalogue::all() {
        assert!(TABLE.iter().any(|(known, ..)| known == action), "{action} is not in the table");
    }
    for (action, class, activity) in TABLE {
        let classified = Classified { class: *class, activity: *activity };
        let named = classified.activity_name() != "Other";
        assert!(named || *activity == OTHER, "{action}: {class:?} has no activity {activity}");
    }
}

#[test]
fn the_documentation_repeats_the_table_and_the_columns() {
    let page = include_str!("../../../docs/audit-export.md");
    for (action, class, activity) in TABLE {
        let classified = Classified { class: *class, activity: *activity };
        let (uid, name) = (class.uid(), class.name());
        let row =
            format!("| `{action}` | {uid} {name} | {activity} {} |", classified.activity_name());
        assert!(page.contains(&row), "docs/audit-export.md lacks: {row}");
    }
    let columns = super::csv::COLUMNS.map(|column| format!("`{column}`")).join(", ");
    assert!(page.contains(&columns), "docs/audit-export.md lacks: {columns}");
    assert!(page.contains(&format!("schema {}", ocsf::VERSION)));
}

#[test]
fn an_applications_own_actions_are_classed_by_their_verb() {
    let class = |action| {
        let Classified { class, activity } = Classified::of(action);
        (class.uid(), activity)
    };
    assert_eq!(class("invoice.created"), (6003, 1));
    assert_eq!(class("invoice.viewed"), (6003, 2));
    assert_eq!(class("invoice"), (6003, 99));
    assert_eq!(class("group.member_added"), (3006, 3));
    assert_eq!(class("login.failed"), (3002, 1));
}

/// Required by the class, or one of a constraint's "at least one".
fn required(class: Class) -> &'static [&'static str] {
    match class {
        Class::AccountChange => &["/user/uid"],
        Class::Authentication => &["/user/uid", "/service/name"],
        Class::AuthorizeSession | Class::UserAccess => &["/user/uid", "/privileges/0"],
        Class::EntityManagement => &["/entity/uid"],
        Class::GroupManagement => &["/group/uid", "/user/uid"],
        Class::ApiActivity => &["/actor", "/api/operation", "/src_endpoint/ip"],
        Class::DatastoreActivity => {
            &["/actor", "/src_endpoint/ip", "/database/name", "/database/type_id", "/table/name"]
        }
    }
}

#[test]
fn an_event_of_any_action_has_the_attributes_that_its_class_requires() {
    let posted = ["invoice.created", "group.created", "group.deleted", "x"];
    let actions = catalogue::all().iter().map(|action| action.name).chain(posted);
    for action in actions {
        for outcome in Outcome::ALL {
            let mut entry = full(action);
            entry.outcome = outcome;
            let event = ocsf::as_value(&source(), &entry);
            let class = Classified::of(action).class;
            let always = [
                "/category_uid",
                "/class_uid",
                "/type_uid",
                "/activity_id",
                "/severity_id",
                "/time",
                "/status_id",
                "/metadata/version",
                "/metadata/product/name",
                "/metadata/product/vendor_name",
                "/metadata/uid",
                "/metadata/log_name",
            ];
            for pointer in always.iter().chain(required(class)) {
                let found = event.pointer(pointer);
                assert!(found.is_some_and(|value| !value.is_null()), "{action}: {pointer}");
            }
            let number = |name: &str| event[name].as_u64().unwrap();
            assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
            assert_eq!(number("class_uid") / 1000, number("category_uid"));
        }
    }
}

#[test]
fn an_entry_of_which_little_is_known_still_names_an_actor_and_a_source() {
    for action in catalogue::all() {
        let mut entry = full(action.name);
        (entry.actor, entry.resource, entry.ip) = (None, None, None);
        (entry.user_agent, entry.request_id) = (None, None);
        entry.changes.clear();
        entry.custom_fields.clear();
        let event = ocsf::as_value(&source(), &entry);
        assert!(event.pointer("/actor/app_name").is_some(), "{event}");
        assert!(event.pointer("/src_endpoint/name").is_some(), "{event}");
        assert_eq!(event["unmapped"], Value::Object(serde_json::Map::new()));
    }
}

#[test]
fn a_role_change_reads_as_one() {
    let event = ocsf::as_value(&source(), &full("role.changed"));
    assert_eq!(event["class_uid"], 3005);
    assert_eq!(event["type_uid"], 300_501);
    assert_eq!(event["user"]["uid"], "u-2");
    assert_eq!(event["actor"]["user"]["uid"], "u-1");
    assert_eq!(event["privileges"][0], "admin");
    assert_eq!(event["time"], 1_700_000_000_123_u64);
    assert_eq!(event["metadata"]["uid"], "07070707-0707-0707-0707-070707070707:17");
    assert_eq!(event["unmapped"]["changes"]["role"]["old"], "viewer");
}
