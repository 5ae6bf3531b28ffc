//! The page about the language tells the truth.

use super::*;

const PAGE: &str = include_str!("../../../docs/audit-search.md");

fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2);
    let lines = blocks.filter_map(|block| block.strip_prefix("text\n")).flat_map(str::lines);
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_example_of_the_page_is_a_search() {
    let examples = examples();
    assert!(examples.len() > 40);
    for example in examples {
        let read = parse(example, Timestamp::from_micros(0));
        assert!(read.is_ok_and(|query| query.root.is_some()), "{example}");
    }
}

#[test]
fn the_page_lists_every_field_and_no_other() {
    let fields = PAGE.split("## Fields").nth(1).unwrap().split("```").next().unwrap();
    let rows = fields.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(listed, FIELDS.iter().map(|field| field.name).collect::<Vec<_>>());
}

#[test]
fn the_page_has_the_limits_as_they_are() {
    let limits = [limits::QUERY_TERMS, limits::QUERY_DEPTH].map(|limit| limit.to_string());
    let said = format!("2,048 bytes, {} terms", limits[0]);
    assert_eq!(limits::QUERY_BYTES, 2048);
    assert!(PAGE.contains(&said) && PAGE.contains(&format!("{} parentheses", limits[1])));
}
