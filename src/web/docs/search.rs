//! Finds words in the pages: an index in memory, made once, of parts (a heading and its text).

use std::collections::BTreeMap;

use super::Rendered;

/// Results on a page.
const RESULTS: usize = 30;
/// Words of a search that count; of each, these many letters.
const WORDS: usize = 8;
const LETTERS: usize = 40;
/// A word in a heading counts like so many in the text, in the page's title like more.
const IN_HEADING: f64 = 6.0;
const IN_TITLE: f64 = 12.0;
/// Letters of an excerpt before the word that was found, and in all.
const BEFORE: usize = 60;
const EXCERPT: usize = 240;

pub struct Index {
    parts: Vec<Entry>,
    /// Word, then the parts that have it and what it weighs there.
    words: BTreeMap<String, Vec<(usize, f64)>>,
}

struct Entry {
    href: String,
    page: String,
    heading: String,
    text: String,
}

/// A part that was found.
pub struct Found {
    pub href: String,
    /// The page's title.
    pub page: String,
    pub heading: String,
    pub excerpt: Vec<Piece>,
}

/// Of an excerpt: text, and whether it is what was looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub hit: bool,
}

impl Index {
    pub fn of(pages: &BTreeMap<String, Rendered>) -> Self {
        let mut index = Self { parts: Vec::new(), words: BTreeMap::new() };
        for (path, page) in pages {
            for part in &page.parts {
                let entry = Entry {
                    href: format!("/docs/{path}#{}", part.anchor),
                    page: page.title.clone(),
                    heading: part.heading.clone(),
                    text: part.text.split_whitespace().collect::<Vec<_>>().join(" "),
                };
                index.add(entry, part.level);
            }
        }
        index
    }

    fn add(&mut self, entry: Entry, level: u8) {
        let at = self.parts.len();
        let mut weights: BTreeMap<String, f64> = BTreeMap::new();
        for word in words(&entry.text) {
            *weights.entry(word).or_default() += 1.0;
        }
        let of_heading = if level == 1 { IN_TITLE } else { IN_HEADING };
        for word in words(&entry.heading) {
            *weights.entry(word).or_default() += of_heading;
        }
        for (word, weight) in weights {
            // The tenth time says less than the first.
            self.words.entry(word).or_default().push((at, (1.0 + weight).ln()));
        }
        self.parts.push(entry);
    }

    /// Parts with all words before those with some; rare words count more.
    pub fn search(&self, text: &str) -> Vec<Found> {
        let wanted: Vec<String> = words(text).take(WORDS).map(|word| stem(&word)).collect();
        let mut scores: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
        for word in &wanted {
            for (part, weight) in self.matches(word) {
                let score = scores.entry(part).or_default();
                score.0 += 1;
                score.1 += weight;
            }
        }
        let mut found: Vec<_> = scores.into_iter().collect();
        found.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        found.truncate(RESULTS);
        found.into_iter().map(|(part, _)| self.parts[part].found(&wanted)).collect()
    }

    /// What a word that begins so weighs, part by part.
    fn matches(&self, beginning: &str) -> BTreeMap<usize, f64> {
        let mut weights: BTreeMap<usize, f64> = BTreeMap::new();
        let from = self.words.range(beginning.to_owned()..);
        for (_, parts) in from.take_while(|(word, _)| word.starts_with(beginning)) {
            for (part, weight) in parts {
                let best = weights.entry(*part).or_default();
                *best = best.max(*weight);
            }
        }
        let rare = (1.0 + self.parts.len() as f64 / weights.len().max(1) as f64).ln();
        weights.values_mut().for_each(|weight| *weight *= rare);
        weights
    }
}

impl Entry {
    fn found(&self, wanted: &[String]) -> Found {
        Found {
            href: self.href.clone(),
            page: self.page.clone(),
            heading: self.heading.clone(),
            excerpt: excerpt(&self.text, wanted),
        }
    }
}

/// The text around the first word that was looked for, in pieces.
fn excerpt(text: &str, wanted: &[String]) -> Vec<Piece> {
    let tokens: Vec<&str> = text.split_inclusive(' ').collect();
    let is_hit = |token: &str| words(token).any(|word| wanted.iter().any(|w| word.starts_with(w)));
    let first = tokens.iter().position(|token| is_hit(token)).unwrap_or_default();
    let (mut from, mut length) = (first, 0);
    while from > 0 && length < BEFORE {
        from -= 1;
        length += tokens[from].chars().count();
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut push = |text: &str, hit: bool| match pieces.last_mut() {
        Some(Piece { text: last, hit: same }) if *same == hit => last.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), hit }),
    };
    if from > 0 {
        push("… ", false);
    }
    length = 0;
    for &token in &tokens[from..] {
        if length >= EXCERPT {
            push("…", false);
            break;
        }
        push(token, is_hit(token));
        length += token.chars().count();
    }
    pieces
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase().chars().take(LETTERS).collect())
}

/// "keys" finds "key".
fn stem(word: &str) -> String {
    let long = word.len() > 3 && !word.ends_with("ss");
    word.strip_suffix('s').filter(|_| long).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::docs::render::render;

    fn index() -> Index {
        let text = "# Backups\n\nKeys lie apart.\n\n## Keys\n\nOne key for each tenant & more.\n";
        let other = "# Mail\n\nA backup of mail has no key.\n";
        let pages = [("backup", text), ("mail", other)];
        Index::of(&pages.map(|(path, text)| (path.to_owned(), render(path, text))).into())
    }

    #[test]
    fn what_is_called_so_comes_before_what_mentions_it() {
        let hrefs = |words| index().search(words).into_iter().map(|found| found.href);
        assert_eq!(hrefs("keys").next().as_deref(), Some("/docs/backup#keys"));
        assert_eq!(hrefs("BACKUP").next().as_deref(), Some("/docs/backup#backups"));
        assert_eq!(hrefs("backup mail").next().as_deref(), Some("/docs/mail#mail"));
        assert_eq!(hrefs("nowhere").count() + hrefs("").count() + hrefs("?!").count(), 0);
    }

    #[test]
    fn the_words_are_marked_in_the_excerpt() {
        let found = index().search("tenant").remove(0);
        let marked: Vec<_> = found.excerpt.iter().filter(|piece| piece.hit).collect();
        assert_eq!(marked, [&Piece { text: "tenant ".to_owned(), hit: true }]);
    }
}
