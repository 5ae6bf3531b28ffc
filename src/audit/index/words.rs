//! Frequent words of a chunk, which get postings as the values of fields do: counting the entries
//! with a common word in the full text would take as long as reading all of them.

use std::collections::HashMap;

use super::bits::CHUNK;
use super::fields::{Extract, Key};
use super::file;
use crate::store::{SqlMut, StoreError};

/// Entries of a chunk from which on a word is frequent. The full text answers for the others.
const FREQUENT: usize = 256;
/// Longer words (UUIDs, for one) are hardly ever frequent, and many.
const BYTES: usize = 24;

/// Different words that are followed in a chunk, and all that they occur: memory is for everybody,
/// and who posts events chooses their words.
const MOST: Most = Most { different: 1 << 20, occurrences: 1 << 25 };

#[derive(Clone, Copy)]
struct Most {
    different: usize,
    occurrences: usize,
}

pub struct Words {
    words: HashMap<Box<str>, Vec<u16>>,
    occurrences: usize,
    most: Most,
}

impl Default for Words {
    fn default() -> Self {
        Self { words: HashMap::new(), occurrences: 0, most: MOST }
    }
}

impl Words {
    /// Entries come in the order of their numbers.
    ///
    /// What is written of a word must be all entries that have it: one that comes when there is no
    /// room is left to the full text for good, and when there is too much of all, every word is.
    pub fn add(&mut self, entry: &Extract) {
        let low = (entry.seq % CHUNK) as u16;
        for word in entry.text.split_ascii_whitespace().filter(|word| word.len() <= BYTES) {
            let is_full = self.words.len() >= self.most.different;
            match self.words.get_mut(word) {
                Some(lows) if lows.last() == Some(&low) => continue,
                Some(lows) => lows.push(low),
                None if is_full => continue,
                None => drop(self.words.insert(word.into(), vec![low])),
            }
            self.occurrences += 1;
        }
        if self.occurrences > self.most.occurrences {
            self.most.different = 0;
            self.words = HashMap::new();
        }
    }

    /// Writes those of a whole chunk.
    pub fn write(self, index: &mut impl SqlMut, chunk: u64) -> Result<(), StoreError> {
        let mut frequent: Vec<_> =
            self.words.into_iter().filter(|(_, lows)| lows.len() >= FREQUENT).collect();
        frequent.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (word, lows) in frequent {
            let key = Key::Word.of(word.as_bytes());
            file::append_postings(index, chunk, &key, &lows, true)?;
        }
        file::set_worded(index, chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(words: &mut Words, texts: impl Iterator<Item = String>) {
        for (seq, text) in (0..).zip(texts) {
            words.add(&Extract { seq, keys: Vec::new(), text });
        }
    }

    #[test]
    fn words_beyond_the_room_there_is_are_left_out_as_a_whole_and_the_others_are_complete() {
        let most = Most { different: 3, occurrences: 1000 };
        let mut words = Words { most, ..Words::default() };
        entries(&mut words, (0..100).map(|n| format!(" often new{n} often late")));
        assert_eq!(words.words.len(), 3);
        assert_eq!(words.words["often"].len(), 100);
        assert_eq!(words.words.get("late").map(Vec::len), Some(100));
        assert!(!words.words.contains_key("new1"), "it was too late for it");
    }

    #[test]
    fn when_there_is_too_much_of_all_nothing_is_kept() {
        let most = Most { different: 100, occurrences: 50 };
        let mut words = Words { most, ..Words::default() };
        entries(&mut words, (0..100).map(|_| " one two".to_owned()));
        assert!(words.words.is_empty());
    }
}
