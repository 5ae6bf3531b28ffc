//! What holds for all pages of the documentation.

use std::collections::BTreeSet;

use super::*;

fn every() -> impl Iterator<Item = (&'static str, &'static Rendered)> {
    library().pages.iter().map(|(path, page)| (path.as_str(), page))
}

/// What follows each `marker`, up to the next quotation mark.
fn values<'a>(html: &'a str, marker: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(marker).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_page_is_in_one_group_and_every_group_has_pages_that_exist() {
    let listed: Vec<&str> = GROUPS.iter().flat_map(|group| group.pages).copied().collect();
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(once.len(), listed.len(), "a page is in two groups");
    let there: BTreeSet<&str> = every().map(|(path, _)| path).collect();
    let left: Vec<_> = there.symmetric_difference(&once).collect();
    assert!(left.is_empty(), "not in src/web/docs/groups.rs, or not in docs/: {left:?}");
}

#[test]
fn the_table_of_contents_beside_the_source_names_every_page() {
    let contents = Files::get("README.md").expect("docs/README.md");
    let contents = String::from_utf8_lossy(&contents.data);
    for (path, _) in every() {
        assert!(contents.contains(&format!("({path}.md)")), "docs/README.md lacks {path}");
    }
}

#[test]
fn every_page_begins_with_its_title() {
    for (path, page) in every() {
        assert_eq!(page.parts.first().map(|part| part.level), Some(1), "{path}");
        let titles = page.parts.iter().filter(|part| part.level == 1).count();
        assert_eq!(titles, 1, "{path} has several titles");
    }
}

#[test]
fn every_link_between_pages_leads_to_a_heading_that_is_there() {
    for (path, page) in every() {
        for href in values(&page.html, " href=\"") {
            assert!(leads_somewhere(path, href), "{path} links to {href}");
        }
        for src in values(&page.html, " src=\"") {
            let name = src.strip_prefix("/docs/images/").unwrap_or_default();
            assert!(image(name).is_some(), "{path} shows {src}");
        }
    }
}

/// A link that leads out of the documentation is shown as text.
#[test]
fn no_page_loses_a_link() {
    for file in Files::iter().filter(|file| file.ends_with(".md")) {
        let bytes = Files::get(&file).expect("page").data;
        let text = String::from_utf8_lossy(&bytes);
        let path = file.trim_end_matches(".md");
        for event in pulldown_cmark::Parser::new(&text) {
            if let pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) = event
            {
                assert!(links::address(path, &dest_url).is_some(), "{file} links to {dest_url}");
            }
        }
    }
}

fn leads_somewhere(from: &str, href: &str) -> bool {
    if href.starts_with("https://") || href == "/docs" {
        return true;
    }
    let (path, anchor) = href.split_once('#').unwrap_or((href, ""));
    let path = if path.is_empty() { from } else { path.trim_start_matches("/docs/") };
    library().page(path).is_some_and(|page| {
        anchor.is_empty() || page.parts.iter().any(|part| part.anchor == anchor)
    })
}

#[test]
fn help_leads_to_pages_that_are_there() {
    for href in crate::web::view::help::EVERY {
        assert!(leads_somewhere("", href), "{href}");
    }
}

#[test]
fn people_find_what_they_would_look_for() {
    let looked_for = [
        ("lost phone", "/docs/sign-in#phone-and-recovery-codes-are-lost"),
        ("legal hold", "/docs/runbooks/legal-hold"),
        ("after a fire", "/docs/r"),
        ("syslog", "/docs/streams"),
    ];
    for (words, page) in looked_for {
        let found = library().search(words);
        let hrefs: Vec<_> = found.iter().take(8).map(|found| found.href.as_str()).collect();
        assert!(hrefs.iter().any(|href| href.starts_with(page)), "{words}: {hrefs:#?}");
    }
}
