//! A set of entries of one chunk, and its form in the file.

/// Entries in a chunk: as many as 16 bits tell apart.
pub const CHUNK: u64 = 1 << 16;

const WORDS: usize = 1024;
/// From here on one bit for each entry of the chunk is the shorter form.
const DENSE: usize = 8 * WORDS;

/// Low 16 bits of entries' numbers. Sets of a chunk are small enough to be kept as plain bits, so
/// that all operations cost the same few hundred instructions.
#[derive(Clone, PartialEq, Eq)]
pub struct Bits(Box<[u64; WORDS]>);

impl Bits {
    pub fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// `from` up to and including `to`.
    pub fn range(from: u16, to: u16) -> Self {
        let mut bits = Self::none();
        for (at, word) in bits.0.iter_mut().enumerate() {
            *word = mask(at, from, to);
        }
        bits
    }

    pub fn set(&mut self, low: u16) {
        self.0[usize::from(low >> 6)] |= 1 << (low & 63);
    }

    pub fn unset(&mut self, low: u16) {
        self.0[usize::from(low >> 6)] &= !(1 << (low & 63));
    }

    pub fn has(&self, low: u16) -> bool {
        self.0[usize::from(low >> 6)] >> (low & 63) & 1 == 1
    }

    pub fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a &= b);
    }

    pub fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a |= b);
    }

    pub fn and_not(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a &= !b);
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many from `from` up to and including `to`.
    pub fn count_between(&self, from: u16, to: u16) -> u64 {
        let words = usize::from(from >> 6)..=usize::from(to >> 6);
        words.map(|at| u64::from((self.0[at] & mask(at, from, to)).count_ones())).sum()
    }

    pub fn first(&self) -> Option<u16> {
        let at = self.0.iter().position(|word| *word != 0)?;
        Some(low(at, self.0[at].trailing_zeros()))
    }

    pub fn last(&self) -> Option<u16> {
        let at = self.0.iter().rposition(|word| *word != 0)?;
        Some(low(at, 63 - self.0[at].leading_zeros()))
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            std::iter::successors(Some(*word), |left| Some(left & left.wrapping_sub(1)))
                .take_while(|left| *left != 0)
                .map(move |left| low(at, left.trailing_zeros()))
        })
    }

    /// In descending order.
    pub fn iter_down(&self) -> impl Iterator<Item = u16> + '_ {
        let top = |left: &u64| 1_u64 << (63 - left.leading_zeros());
        self.0.iter().enumerate().rev().flat_map(move |(at, word)| {
            std::iter::successors(Some(*word), move |left| (*left != 0).then(|| left ^ top(left)))
                .take_while(|left| *left != 0)
                .map(move |left| low(at, 63 - left.leading_zeros()))
        })
    }

    /// The form in the file: sorted numbers of two bytes, or all bits where that is shorter.
    pub fn encode(&self) -> Vec<u8> {
        let count = usize::try_from(self.count()).unwrap_or(DENSE);
        match 2 * count < DENSE {
            true => self.iter().flat_map(u16::to_le_bytes).collect(),
            false => self.0.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }

    pub fn decode(encoded: &[u8]) -> Self {
        let mut bits = Self::none();
        bits.add(encoded);
        bits
    }

    /// Adds a set in its form in the file.
    pub fn add(&mut self, encoded: &[u8]) {
        match encoded.len() {
            DENSE => self.0.iter_mut().zip(words(encoded)).for_each(|(a, b)| *a |= b),
            _ => lows(encoded).for_each(|low| self.set(low)),
        }
    }

    /// How many this set shares with one in its form in the file.
    pub fn common(&self, encoded: &[u8]) -> u64 {
        match encoded.len() {
            DENSE => {
                let both = self.0.iter().zip(words(encoded)).map(|(a, b)| a & b);
                both.map(|word| u64::from(word.count_ones())).sum()
            }
            _ => lows(encoded).filter(|low| self.has(*low)).count() as u64,
        }
    }
}

/// Adds numbers that are greater than all in a set in its form in the file.
pub fn append(encoded: &mut Vec<u8>, lows: &[u16]) {
    if encoded.len() < DENSE && encoded.len() + 2 * lows.len() < DENSE {
        encoded.extend(lows.iter().flat_map(|low| low.to_le_bytes()));
    } else {
        let mut bits: Bits = lows.iter().copied().collect();
        bits.add(encoded);
        *encoded = bits.encode();
    }
}

impl FromIterator<u16> for Bits {
    fn from_iter<T: IntoIterator<Item = u16>>(lows: T) -> Self {
        let mut bits = Self::none();
        lows.into_iter().for_each(|low| bits.set(low));
        bits
    }
}

fn low(at: usize, bit: u32) -> u16 {
    // 1024 words of 64 bits are 65,536 numbers.
    (at as u32 * 64 + bit) as u16
}

/// The bits of word `at` from number `from` up to and including `to`.
fn mask(at: usize, from: u16, to: u16) -> u64 {
    let start = at as u64 * 64;
    let (from, to) = (u64::from(from).max(start), u64::from(to).min(start + 63));
    if from > to {
        return 0;
    }
    (u64::MAX << (from - start)) & (u64::MAX >> (start + 63 - to))
}

fn lows(encoded: &[u8]) -> impl Iterator<Item = u16> + '_ {
    encoded.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

fn words(encoded: &[u8]) -> impl Iterator<Item = u64> + '_ {
    encoded.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = BTreeSet<u16>> {
        prop_oneof![
            prop::collection::btree_set(any::<u16>(), 0..60),
            (any::<u16>(), 1_u16..20)
                .prop_map(|(from, step)| { (from..=u16::MAX).step_by(step.into()).collect() }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bits_do_what_sets_do(a in set(), b in set(), from: u16, to: u16) {
            let bits = |set: &BTreeSet<u16>| set.iter().copied().collect::<Bits>();
            let list = |bits: &Bits| bits.iter().collect::<BTreeSet<_>>();
            let (x, y) = (bits(&a), bits(&b));
            let with = |change: fn(&mut Bits, &Bits)| { let mut x = x.clone(); change(&mut x, &y); list(&x) };
            prop_assert_eq!(with(Bits::and), a.intersection(&b).copied().collect());
            prop_assert_eq!(with(Bits::or), a.union(&b).copied().collect());
            prop_assert_eq!(with(Bits::and_not), a.difference(&b).copied().collect());
            prop_assert_eq!(x.count(), a.len() as u64);
            prop_assert_eq!((x.first(), x.last()), (a.first().copied(), a.last().copied()));
            prop_assert!(x.iter_down().eq(a.iter().rev().copied()));
            let between = a.iter().filter(|low| (from..=to).contains(*low)).count();
            prop_assert_eq!(if from <= to { x.count_between(from, to) } else { 0 }, between as u64);
            if from <= to {
                prop_assert!(Bits::range(from, to).iter().eq(from..=to));
            }
            let encoded = x.encode();
            prop_assert!(encoded.len() <= DENSE);
            let mut back = Bits::none();
            back.add(&encoded);
            prop_assert!(back == x);
            let all: Vec<u16> = a.iter().copied().collect();
            let (older, newer) = all.split_at(all.len() / 3);
            let mut appended = Bits::from_iter(older.iter().copied()).encode();
            append(&mut appended, newer);
            prop_assert_eq!(&appended, &encoded);
            prop_assert_eq!(y.common(&encoded), a.intersection(&b).count() as u64);
        }
    }
}
