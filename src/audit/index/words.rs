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

#[derive(Default)]
pub struct Words(HashMap<Box<str>, Vec<u16>>);

impl Words {
    /// Entries come in the order of their numbers.
    pub fn add(&mut self, entry: &Extract) {
        let low = (entry.seq % CHUNK) as u16;
        for word in entry.text.split_ascii_whitespace().filter(|word| word.len() <= BYTES) {
            match self.0.get_mut(word) {
                Some(lows) if lows.last() == Some(&low) => {}
                Some(lows) => lows.push(low),
                None => drop(self.0.insert(word.into(), vec![low])),
            }
        }
    }

    /// Writes those of a whole chunk.
    pub fn write(self, index: &mut impl SqlMut, chunk: u64) -> Result<(), StoreError> {
        let mut frequent: Vec<_> =
            self.0.into_iter().filter(|(_, lows)| lows.len() >= FREQUENT).collect();
        frequent.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (word, lows) in frequent {
            let key = Key::Word.of(word.as_bytes());
            file::append_postings(index, chunk, &key, &lows, true)?;
        }
        file::set_worded(index, chunk)
    }
}
