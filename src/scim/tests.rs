//! The protocol's words, without a server.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::group_patch::{self, MemberEdit};
use super::group_repo::GroupDetails;
use super::query::View;
use super::shape::{self, USER};
use super::{ScimError, UserAttributes, filter, patch, resource, try_filter};
use crate::kernel::Fault;
use crate::kernel::id::UserId;

fn fits(text: &str, resource: &Value) -> bool {
    filter::matches(&filter::parse(text).unwrap(), resource).unwrap()
}

/// The user of RFC 7643, 8.2, as far as it matters here.
fn babs() -> Value {
    json!({
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "BJensen",
        "userName": "bjensen@example.com",
        "name": { "formatted": "Ms. Barbara J Jensen", "familyName": "Jensen" },
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "active": true,
        "meta": { "lastModified": "2011-05-13T04:42:34Z" }
    })
}

#[test]
fn a_filter_means_what_the_standard_says() {
    let babs = babs();
    for yes in [
        "userName eq \"BJENSEN@example.com\"",
        "name.familyName co \"ENS\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"b\"",
        "emails[type eq \"work\" and value co \"@example.com\"]",
        "emails eq \"babs@jensen.org\"",
        "emails[type eq \"home\"].value eq \"babs@jensen.org\"",
        "emails.type eq \"home\"",
        "meta.lastModified gt \"2011-05-13T04:42:33.9+00:00\"",
        "meta.lastModified lt \"2011-05-13T07:00:00+02:00\"",
        "active eq true and not (userName eq \"x\")",
        // "and" binds tighter than "or" (table 6).
        "active eq true or active eq false and userName eq \"x\"",
        "title eq null",
        "title ne \"x\"",
        "externalId eq \"BJensen\"",
    ] {
        assert!(fits(yes, &babs), "{yes}");
    }
    for no in [
        "externalId eq \"bjensen\"",
        "emails[type eq \"work\" and value co \"jensen.org\"]",
        "title pr",
        "(active eq true or active eq false) and userName eq \"x\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName pr",
        "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
    ] {
        assert!(!fits(no, &babs), "{no}");
    }
}

#[test]
fn what_can_be_looked_up_is_only_what_the_whole_filter_needs() {
    let needed = |text: &str| filter::needed(&filter::parse(text).unwrap());
    let pair = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    assert_eq!(needed("userName eq \"x\""), pair("username", "x"));
    assert_eq!(needed("active eq true and emails[value eq \"x\"]"), pair("emails.value", "x"));
    assert!(needed("userName eq \"x\" or userName eq \"y\"").is_empty());
    assert!(needed("not (userName eq \"x\")").is_empty());
}

fn changed(operations: Value) -> Result<Value, ScimError> {
    let mut value = shape::resource(USER, &babs())?;
    for operation in patch::parse(&json!({ "Operations": operations }))? {
        patch::apply(&mut value, USER, &operation)?;
    }
    Ok(UserAttributes::read(&value)?.value())
}

#[test]
fn operations_change_what_their_path_selects() {
    let one = |op: &str, path: &str, value: Value| {
        changed(json!([{ "op": op, "path": path, "value": value }])).unwrap()
    };
    let set = one("replace", "NAME.FAMILYNAME", json!("Jones"));
    assert_eq!(set["name"], json!({ "formatted": "Ms. Barbara J Jensen", "familyName": "Jones" }));
    let merged = one("add", "name", json!({ "givenName": "Barbara" }));
    assert_eq!(merged["name"]["familyName"], "Jensen");
    let home = one("replace", "emails[type eq \"home\"].value", json!("b@jensen.org"));
    assert_eq!(home["emails"][1]["value"], "b@jensen.org");
    // Another primary address takes it from the first (RFC 7644, 3.5.2).
    let primary = one("add", "emails", json!([{ "value": "new@x.org", "primary": true }]));
    assert_eq!(primary["emails"][0]["primary"], false);
    assert_eq!(primary["emails"].as_array().unwrap().len(), 3);
    let primary = one("replace", "emails[type eq \"home\"].primary", json!("True"));
    assert_eq!(
        (&primary["emails"][0]["primary"], &primary["emails"][1]["primary"]),
        (&json!(false), &json!(true))
    );
    let gone = changed(json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }])).unwrap();
    assert_eq!(gone["emails"].as_array().unwrap().len(), 1);
    let whole = changed(json!([{ "op": "replace", "value": {
        "emails[type eq \"work\"].value": "w@x.org", "name.givenName": "B", "active": "False",
        "urn:ietf:params:scim:schemas:core:2.0:User": { "displayName": "Babs" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": "x",
        "id": "mine", "password": "secret"
    } }]))
    .unwrap();
    assert_eq!(whole["emails"][0]["value"], "w@x.org");
    assert_eq!((&whole["displayName"], &whole["active"]), (&json!("Babs"), &json!(false)));
    assert!(whole.get("id").is_none() && whole.get("password").is_none());
}

#[test]
fn what_cannot_be_done_says_so_in_the_words_of_the_standard() {
    let code = |operations| changed(operations).unwrap_err().code();
    let one = |op: &str, path: &str| code(json!([{ "op": op, "path": path, "value": "x" }]));
    assert_eq!(one("replace", "emails[type eq \"fax\"].value"), "no-target");
    assert_eq!(one("remove", "emails[type eq \"fax\"]"), "no-target");
    assert_eq!(one("add", "nobody"), "invalid-path");
    assert_eq!(one("add", "name.nobody"), "invalid-path");
    assert_eq!(one("add", "userName[x eq \"y\"]"), "invalid-path");
    assert_eq!(one("add", "meta"), "mutability");
    assert_eq!(one("add", "active"), "invalid-value");
    assert_eq!(one("remove", "userName"), "invalid-value");
    assert_eq!(code(json!([])), "invalid-syntax");
    assert_eq!(code(json!([{ "op": "remove" }])), "no-target");
}

#[test]
fn members_come_and_go_in_every_form_that_providers_send() {
    let id = |n: u8| UserId::from_bytes([n; 16]);
    let before: BTreeSet<_> = [id(1), id(2)].into();
    let after = |operations: Value| {
        let operations = patch::parse(&json!({ "Operations": operations })).unwrap();
        let details = GroupDetails { display_name: "g".into(), external_id: None };
        let (_, edit) = group_patch::apply(&details, &operations)?;
        Ok::<Vec<u8>, ScimError>(edit.of(&before).iter().map(|id| id.bytes()[0]).collect())
    };
    let value = |n: u8| json!([{ "value": id(n).to_string() }]);
    let op = |op: &str, value: Value| json!([{ "op": op, "path": "members", "value": value }]);
    assert_eq!(after(op("add", value(3))).unwrap(), [1, 2, 3]);
    assert_eq!(after(op("Remove", value(2))).unwrap(), [1]);
    assert_eq!(after(op("replace", value(4))).unwrap(), [4]);
    assert!(after(json!([{ "op": "remove", "path": "members" }])).unwrap().is_empty());
    assert!(after(json!([{ "op": "replace", "value": { "members": [] } }])).unwrap().is_empty());
    let filter = format!("members[value eq \"{}\" or value eq \"{}\"]", id(1), id(9));
    assert_eq!(after(json!([{ "op": "remove", "path": filter }])).unwrap(), [2]);
    let both = json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": value(2) }]);
    assert_eq!(after(both).unwrap(), [2]);
    assert!(after(op("add", json!([{ "value": "nobody" }]))).is_err());
    assert!(after(op("add", json!([{ "value": id(1).to_string(), "type": "Group" }]))).is_err());
    assert_eq!(MemberEdit::default().of(&before), before);
}

#[test]
fn a_view_shows_what_was_asked_for_and_always_the_id() {
    let names = |view: &View| {
        let shown = view.apply(babs());
        shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&View::new(Some("userName,emails.value"), None)), "emails id userName");
    let view = View::new(Some("emails.value"), None).apply(babs());
    assert_eq!(view["emails"][0], json!({ "value": "bjensen@example.com" }));
    let view = View::new(None, Some("emails, ID,urn:ietf:params:scim:schemas:core:2.0:User:name"));
    assert_eq!(names(&view), "active externalId id meta userName");
    assert!(!View::new(None, Some("Members")).shows("members"));
}

#[test]
fn versions_are_compared_weakly() {
    assert!(resource::names("W/\"a\"", "W/\"a\"") && resource::names("\"x\", \"a\"", "W/\"a\""));
    assert!(resource::names("*", "W/\"a\"") && !resource::names("W/\"b\"", "W/\"a\""));
}

proptest! {
    /// Whatever is sent: an answer, never a panic.
    #[test]
    fn no_text_breaks_filters_or_paths(text in "[ a-zA-Z0-9.:\\[\\]()\"\\\\=-]{0,80}") {
        let _ = try_filter(&text, &babs());
        let _ = changed(json!([{ "op": "add", "path": text, "value": "x" }]));
    }

    /// The same with what looks like a filter.
    #[test]
    fn no_filter_breaks_a_resource(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("userName"), Just("emails"), Just("emails[type eq \"work\"]"), Just("name.x"),
                Just(" eq "), Just(" co "), Just(" gt "), Just(" pr"), Just(" and "), Just(" or "),
                Just("not ("), Just("("), Just(")"), Just("\"b\""), Just("true"), Just("null"),
            ],
            0..12,
        )
    ) {
        let text = parts.concat();
        let first = try_filter(&text, &babs());
        prop_assert_eq!(first, try_filter(&text, &babs()));
        if first == Some(true) {
            prop_assert_ne!(try_filter(&format!("not ({text})"), &babs()), Some(true));
        }
    }

    /// What was read once reads back as the same.
    #[test]
    fn attributes_have_one_form(name in "[a-zA-Z ]{0,20}", mail in "[a-z]{1,8}@[a-z]{1,8}", on in any::<bool>()) {
        let given = json!({ "USERNAME": mail, "displayname": name, "Active": on.to_string() });
        let read = UserAttributes::read(&given).unwrap();
        prop_assert_eq!(&UserAttributes::read(&read.value()).unwrap(), &read);
        prop_assert_eq!(read.is_active(), on);
    }
}
