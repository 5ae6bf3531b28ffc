//! What holds for all templates: words come from the catalogue, and the catalogue has no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGES: &str = include_str!("../../templates/messages/en.ftl");
const CODES: &str = include_str!("../../templates/messages/en-codes.ftl");
/// Pages and codes of single sign-on.
const SSO: &str = include_str!("../../templates/messages/en-sso.ftl");
const SCIM: &str = include_str!("../../templates/messages/en-scim.ftl");
/// Erasing persons, closing tenants.
const ENDS: &str = include_str!("../../templates/messages/en-ends.ftl");
/// How long data is kept, legal holds.
const RETENTION: &str = include_str!("../../templates/messages/en-retention.ftl");

/// Messages looked up by a code that is data.
const LABEL_PREFIXES: [&str; 13] = [
    "factor-",
    "action-",
    "category-",
    "domain-",
    "role-",
    "actor-",
    "resource-",
    "channel-",
    "doctor-room-",
    "job-name-",
    "weekday-",
    "closing-end-",
    "stream-",
];

/// The same of single sign-on.
const SSO_PREFIXES: [&str; 13] = [
    "sso-check-",
    "sso-refusal-",
    "sso-cure-",
    "sso-document-",
    "sso-help-",
    "sso-term-",
    "sso-preset-",
    "sso-protocol-",
    "sso-test-kind-",
    "sso-binding-",
    "sso-name-id-",
    "sso-discovery-",
    "sso-client-auth-",
];

/// The same of classes of data and of legal holds.
const RETENTION_PREFIXES: [&str; 4] = ["class-", "decided-", "hold-scope-", "hold-target-"];

/// Attributes that are read out or shown.
const SPOKEN: [&str; 5] =
    [" title=\"", " placeholder=\"", " aria-label=\"", " alt=\"", " label=\""];

fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == extension) {
                let text = std::fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Takes away everything between `open` and `close`, both included.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

fn markup(template: &str) -> String {
    let bare = without(&without(&without(template, "{#", "#}"), "{%", "%}"), "{{", "}}");
    without(&bare, "<code", "</code>")
}

fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

#[test]
fn no_template_holds_words_of_its_own() {
    for (path, template) in files("templates", "html") {
        let markup = markup(&template);
        let text = without(&without(&markup, "<!", ">"), "<", ">");
        assert!(!has_word(&text), "{}: {}", path.display(), text.trim());
        for attribute in SPOKEN {
            for value in markup.split(attribute).skip(1) {
                let value = value.split('"').next().unwrap_or_default();
                assert!(!has_word(value), "{}:{attribute}{value}", path.display());
            }
        }
    }
}

#[test]
fn no_template_has_inline_script_or_style() {
    for (path, template) in files("templates", "html") {
        for forbidden in [" style=", "<style", " onclick=", " onsubmit=", "javascript:", "http://"]
        {
            assert!(!template.contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn every_form_that_posts_carries_the_csrf_token() {
    for (path, template) in files("templates", "html") {
        let posts = template.matches("method=\"post\"").count();
        // What every form of a passkey has holds the token too.
        let tokens = template.matches("ui::csrf(chrome)").count()
            + template.matches("::parts(chrome)").count();
        // What is sent to an identity provider is none of our forms: it must not learn the token.
        let elsewhere = template.matches("data-send-at-once").count();
        assert_eq!(posts - elsewhere, tokens, "{}", path.display());
    }
}

/// String literals, which is what ids look like in templates and in code.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1)
}

fn listed(catalogue: &'static str) -> impl Iterator<Item = &'static str> {
    catalogue
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once(" =")?.0))
}

fn ids(catalogue: &'static str) -> BTreeSet<&'static str> {
    listed(catalogue).collect()
}

/// What pages say, without the names of codes.
fn said() -> BTreeSet<&'static str> {
    let of_code = |id: &&str| SSO_PREFIXES.iter().any(|prefix| id.starts_with(prefix));
    let sso = ids(SSO).into_iter().filter(|id| !of_code(id));
    let of_code = |id: &&str| RETENTION_PREFIXES.iter().any(|prefix| id.starts_with(prefix));
    let retention = ids(RETENTION).into_iter().filter(|id| !of_code(id));
    let pages = ids(PAGES).into_iter().chain(sso).chain(ids(SCIM)).chain(ids(ENDS));
    pages.chain(retention).collect()
}

/// The later one would silently take the place of the earlier one.
#[test]
fn no_message_is_there_twice() {
    let mut seen = BTreeSet::new();
    for id in [PAGES, CODES, SSO, SCIM, ENDS, RETENTION].into_iter().flat_map(listed) {
        assert!(seen.insert(id), "{id} is defined twice");
    }
}

#[test]
fn the_catalogue_holds_what_is_used_and_nothing_else() {
    let mut sources = files("templates", "html");
    sources.extend(files("src/web", "rs"));
    let used: BTreeSet<&str> = sources.iter().flat_map(|(_, text)| literals(text)).collect();
    let catalogue = said();
    for id in &catalogue {
        assert!(used.contains(id), "no page uses {id}");
    }
    for id in ids(CODES) {
        let looked_up = LABEL_PREFIXES.iter().any(|prefix| id.starts_with(prefix));
        assert!(looked_up, "nothing looks up {id}");
    }
    for (path, template) in files("templates", "html") {
        for call in [".t(\"", ".n(\"", ".w(\""] {
            for id in template.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(catalogue.contains(id), "{}: {id}", path.display());
            }
        }
    }
}

/// Ids that code hands to templates: states, notices, errors, reasons, steps.
#[test]
fn every_id_in_the_code_of_pages_has_words() {
    let catalogue = said();
    let states = include_str!("view/state.rs");
    let members = states.lines().filter(|line| line.contains(": \"") && line.ends_with(';'));
    for id in members.filter_map(|line| literals(line).nth(2)) {
        assert!(catalogue.contains(id), "{id}");
    }
    for (path, code) in files("src/web/view", "rs") {
        for before in ["=> \"", "plain(\"", "number(\"", "title: \""] {
            for id in code.split(before).skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_id = id.contains('-') && id.starts_with(|c: char| c.is_ascii_lowercase());
                assert!(!is_id || catalogue.contains(id), "{}: {id}", path.display());
            }
        }
    }
}
