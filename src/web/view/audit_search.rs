//! What is searched for, and the links that change it: chips, ranges of time, saved searches.

use super::query;
use crate::audit::query::with_term;

/// The search as the person gave it; each part is empty when not used. The names are those of the
/// query string.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Search {
    pub q: String,
    /// `2026-11-22T05:06:07`, UTC; the first moment that counts.
    pub from: String,
    /// The first moment that no longer counts.
    pub to: String,
    /// A code of [`Range`]; `from` and `to` are empty then.
    pub range: String,
}

/// A span of time that ends now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    pub code: &'static str,
    /// The message that names it.
    pub message: &'static str,
    pub seconds: u64,
}

const HOUR: u64 = 60 * 60;

pub const RANGES: [Range; 4] = [
    Range { code: "1h", message: "range-hour", seconds: HOUR },
    Range { code: "24h", message: "range-day", seconds: 24 * HOUR },
    Range { code: "7d", message: "range-week", seconds: 7 * 24 * HOUR },
    Range { code: "30d", message: "range-month", seconds: 30 * 24 * HOUR },
];

/// A range to choose.
pub struct RangeLink {
    pub message: &'static str,
    pub href: String,
    pub current: bool,
}

/// A part of the search that can be taken away.
#[derive(PartialEq, Eq, Debug)]
pub struct Chip {
    /// The message that names the part; none for a term, which says itself what it is.
    pub name: Option<&'static str>,
    pub value: String,
    /// Whether it takes entries away.
    pub negated: bool,
    /// The search without it.
    pub without: String,
}

/// The tenant's saved searches.
pub struct SavedView {
    pub items: Vec<SavedItem>,
    /// What the form to save this search holds, when there is something to save.
    pub form: Option<SaveForm>,
}

pub struct SavedItem {
    pub name: String,
    pub q: String,
    pub href: String,
    /// Where the form to delete it goes; absent for who may not.
    pub delete: Option<String>,
}

/// The form that saves a search.
pub struct SaveForm {
    pub name: super::Field,
    /// The search with its range of time as terms.
    pub q: String,
}

impl Search {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn parameters(&self) -> [(&'static str, &str); 4] {
        [("q", &self.q), ("range", &self.range), ("from", &self.from), ("to", &self.to)]
    }

    /// A link to this search.
    pub fn link(&self, path: &str) -> String {
        query::href(path, &self.parameters())
    }

    /// A link to this search with one thing more.
    pub fn link_with(&self, path: &str, name: &str, value: &str) -> String {
        let mut parameters = self.parameters().to_vec();
        parameters.push((name, value));
        query::href(path, &parameters)
    }

    /// This search, and `field:value` as well (or anything but that).
    #[must_use]
    pub fn and(&self, field: &str, value: &str, negated: bool) -> Self {
        Self { q: with_term(&self.q, field, value, negated), ..self.clone() }
    }

    /// This search in a range of time that is given by its ends.
    #[must_use]
    pub fn between(&self, from: String, to: String) -> Self {
        Self { q: self.q.clone(), from, to, range: String::new() }
    }

    pub fn ranges(&self, path: &str) -> Vec<RangeLink> {
        let link = |code: &str, message| {
            let there =
                Self { range: code.to_owned(), ..self.between(String::new(), String::new()) };
            let current = there == *self;
            RangeLink { message, href: there.link(path), current }
        };
        let mut links: Vec<_> =
            RANGES.iter().map(|range| link(range.code, range.message)).collect();
        links.push(link("", "range-all"));
        links
    }

    /// Whether the ends of the range were given, so that their controls should show.
    pub fn is_custom(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// The parts in use, each with the link that takes it away. The text is one that parses.
    pub fn chips(&self, path: &str) -> Vec<Chip> {
        let terms = terms(&self.q);
        let term = |at: usize| {
            let value = terms[at].to_owned();
            let rest = terms.iter().enumerate().filter(|(other, _)| *other != at);
            let q = rest.map(|(_, term)| *term).collect::<Vec<_>>().join(" ");
            let without = Self { q, ..self.clone() }.link(path);
            let negated = value.starts_with('-') || value.starts_with("NOT ");
            Chip { name: None, value, negated, without }
        };
        let mut chips: Vec<_> = (0..terms.len()).map(term).collect();
        let range = RANGES.iter().find(|range| range.code == self.range);
        let times = [
            (
                "chip-range",
                range.map_or("", |range| range.code),
                Self { range: String::new(), ..self.clone() },
            ),
            ("chip-from", self.from.as_str(), Self { from: String::new(), ..self.clone() }),
            ("chip-to", self.to.as_str(), Self { to: String::new(), ..self.clone() }),
        ];
        chips.extend(times.into_iter().filter(|(_, value, _)| !value.is_empty()).map(
            |(name, value, rest)| Chip {
                name: Some(name),
                value: value.replace('T', " "),
                negated: false,
                without: rest.link(path),
            },
        ));
        chips
    }

    /// The search as one text, for what keeps nothing else.
    pub fn as_text(&self) -> String {
        let mut terms = Vec::new();
        match (self.range.as_str(), self.from.as_str(), self.to.as_str()) {
            ("", from, to) => {
                let times = [("after", from), ("before", to)];
                let given = times.into_iter().filter(|(_, time)| !time.is_empty());
                terms.extend(given.map(|(name, time)| format!("{name}:{time}Z")));
            }
            (range, ..) => terms.push(format!("after:-{range}")),
        }
        if !self.q.is_empty() {
            let alternatives = self::terms(&self.q).len() == 1 && self.q.contains(" OR ");
            let q = self.q.as_str();
            terms.push(if alternatives { format!("({q})") } else { q.to_owned() });
        }
        terms.join(" ")
    }
}

/// The terms of a search, all of which must hold; one when they are alternatives.
fn terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut depth, mut quoted, mut escaped) =
        (vec![], None, 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        let outside = depth == 0 && !quoted;
        match start {
            Some(from) if character.is_whitespace() && outside => {
                terms.push(&text[from..at]);
                start = None;
            }
            None if !character.is_whitespace() => start = Some(at),
            _ => {}
        }
    }
    terms.extend(start.map(|from| &text[from..]));
    let operators = terms.iter().any(|term| matches!(*term, "OR" | "AND" | "NOT"));
    let whole = text.trim();
    if operators && !whole.is_empty() { vec![whole] } else { terms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_takes_away_its_own_part_and_no_other() {
        let search = Search {
            q: "ip:10.0.0.1 -actor:\"Ann \\\" Lee\" (a OR b)".into(),
            from: "2026-11-22T05:00:00".into(),
            ..Search::default()
        };
        let chips = search.chips("/a");
        let values: Vec<_> = chips.iter().map(|chip| chip.value.as_str()).collect();
        let all = ["ip:10.0.0.1", "-actor:\"Ann \\\" Lee\"", "(a OR b)", "2026-11-22 05:00:00"];
        assert_eq!(values, all);
        let expected = Search { q: "ip:10.0.0.1 (a OR b)".into(), ..search.clone() }.link("/a");
        assert_eq!((chips[1].negated, &chips[1].without), (true, &expected));
        let expected = Search { from: String::new(), ..search }.link("/a");
        assert_eq!((chips[3].name, &chips[3].without), (Some("chip-from"), &expected));
    }

    #[test]
    fn alternatives_are_one_part() {
        let either = |q: &str| Search { q: q.into(), ..Search::default() }.chips("/a").len();
        assert_eq!(
            (either("a OR b c"), either("a b"), either("  "), either("NOT a")),
            (1, 2, 0, 1)
        );
    }

    #[test]
    fn a_search_as_text_means_what_its_parts_mean() {
        let search = Search { q: "a OR b".into(), range: "24h".into(), ..Search::default() };
        assert_eq!(search.as_text(), "after:-24h (a OR b)");
        let search = search.between("2026-11-22T05:00:00".into(), String::new());
        assert_eq!(search.as_text(), "after:2026-11-22T05:00:00Z (a OR b)");
        let now = crate::kernel::Timestamp::from_micros(0);
        assert!(crate::audit::query::parse(&search.as_text(), now).is_ok());
    }
}
