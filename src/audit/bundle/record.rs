//! What the files `entries/…` of a bundle hold: entries, and the hashes that stand for what lies
//! between them.

use super::span::cover;
use crate::audit::leaf::{Hash, Leaf};
use crate::audit::seal::EntrySecret;

/// First byte of a record.
const GAP: u8 = 0;
const ENTRY: u8 = 1;

/// Longer envelopes are not written: an event has 64 KiB at the most.
const ENVELOPE_MOST: usize = 1 << 20;
/// More sealed members than any entry has.
const MEMBERS_MOST: usize = 1 << 10;

#[derive(Debug)]
pub enum Record {
    /// What stands for the entries up to but not including number `next`; from left to right the
    /// roots of the subtrees that [`cover`] names.
    Gap {
        next: u64,
        hashes: Vec<Hash>,
    },
    Entry(Box<EntryRecord>),
}

#[derive(Debug)]
pub struct EntryRecord {
    pub leaf: Leaf,
    pub envelope: Vec<u8>,
    /// Absent when its key was destroyed, or the envelope is not what was sealed.
    pub secrets: Option<Secrets>,
}

/// What opens an entry.
#[derive(Debug)]
pub struct Secrets {
    pub entry: EntrySecret,
    /// One for each sealed member, by its index; none where the person's key was destroyed.
    pub members: Vec<Option<EntrySecret>>,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the record is cut off")]
    CutOff,
    #[error("the record has a kind, a length or a mark that no record has")]
    Form,
    #[error("the gap leads nowhere: it must end after where it begins, within the tree")]
    Gap,
}

impl Record {
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Gap { next, hashes } => {
                out.push(GAP);
                out.extend_from_slice(&next.to_be_bytes());
                hashes.iter().for_each(|hash| out.extend_from_slice(hash.bytes()));
            }
            Self::Entry(entry) => entry.write(out),
        }
    }

    /// Takes a record off the front of `bytes`; `at` leaves of a tree of `size` are behind it.
    pub fn read(bytes: &mut &[u8], at: u64, size: u64) -> Result<Self, RecordError> {
        match take::<1>(bytes)? {
            [GAP] => {
                let next = u64::from_be_bytes(take(bytes)?);
                let end = next.wrapping_sub(1);
                if !(at < end && end <= size) {
                    return Err(RecordError::Gap);
                }
                let hash = |_| take(bytes).map(Hash::from_bytes);
                let hashes = cover(at, end).map(hash).collect::<Result<_, _>>()?;
                Ok(Self::Gap { next, hashes })
            }
            [ENTRY] => Ok(Self::Entry(Box::new(EntryRecord::read(bytes)?))),
            _ => Err(RecordError::Form),
        }
    }
}

impl EntryRecord {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(ENTRY);
        out.extend_from_slice(&self.leaf.to_bytes());
        out.extend_from_slice(&(self.envelope.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.envelope);
        let Some(secrets) = &self.secrets else { return out.push(0) };
        write_secret(out, Some(&secrets.entry));
        out.extend_from_slice(&(secrets.members.len() as u32).to_be_bytes());
        secrets.members.iter().for_each(|member| write_secret(out, member.as_ref()));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, RecordError> {
        let leaf = Leaf::from_bytes(&take(bytes)?);
        let length = read_length(bytes, ENVELOPE_MOST)?;
        let (envelope, rest) = bytes.split_at_checked(length).ok_or(RecordError::CutOff)?;
        *bytes = rest;
        let secrets = match read_secret(bytes)? {
            None => None,
            Some(entry) => {
                let count = read_length(bytes, MEMBERS_MOST)?;
                let members = (0..count).map(|_| read_secret(bytes)).collect::<Result<_, _>>()?;
                Some(Secrets { entry, members })
            }
        };
        Ok(Self { leaf, envelope: envelope.to_vec(), secrets })
    }
}

fn write_secret(out: &mut Vec<u8>, secret: Option<&EntrySecret>) {
    out.push(u8::from(secret.is_some()));
    out.extend(secret.into_iter().flat_map(EntrySecret::bytes));
}

fn read_secret(bytes: &mut &[u8]) -> Result<Option<EntrySecret>, RecordError> {
    match take(bytes)? {
        [0] => Ok(None),
        [1] => Ok(Some(EntrySecret::from_bytes(take(bytes)?))),
        _ => Err(RecordError::Form),
    }
}

fn read_length(bytes: &mut &[u8], most: usize) -> Result<usize, RecordError> {
    let length = u32::from_be_bytes(take(bytes)?) as usize;
    if length <= most { Ok(length) } else { Err(RecordError::Form) }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], RecordError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(RecordError::CutOff)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Timestamp;
    use crate::kernel::id::LogId;

    fn secrets() -> impl Strategy<Value = Option<Secrets>> {
        let secret = any::<[u8; 32]>().prop_map(EntrySecret::from_bytes);
        let members = prop::collection::vec(prop::option::of(secret.clone()), 0..4);
        prop::option::of((secret, members).prop_map(|(entry, members)| Secrets { entry, members }))
    }

    fn entries() -> impl Strategy<Value = Record> {
        let leaf = any::<([u8; 32], [u8; 32], [u8; 32])>().prop_map(|(a, b, c)| {
            Leaf::from_bytes(&[a, b, c].concat().try_into().expect("3 · 32 bytes are 96"))
        });
        (leaf, any::<Vec<u8>>(), secrets()).prop_map(|(leaf, envelope, secrets)| {
            Record::Entry(Box::new(EntryRecord { leaf, envelope, secrets }))
        })
    }

    proptest! {
        #[test]
        fn an_entry_reads_back_and_is_written_in_one_form(entry in entries(), rest: Vec<u8>) {
            let mut bytes = Vec::new();
            entry.write(&mut bytes);
            let all = [&bytes[..], &rest].concat();
            let mut left = &all[..];
            let read = Record::read(&mut left, 0, 9).unwrap();
            prop_assert_eq!(left, &rest[..]);
            let mut again = Vec::new();
            read.write(&mut again);
            prop_assert_eq!(again, bytes);
        }

        #[test]
        fn a_gap_reads_back(at in 0_u64..5000, length in 1_u64..5000) {
            let hashes: Vec<Hash> = cover(at, at + length).map(|s| Hash::of(&[s.height as u8])).collect();
            let mut bytes = Vec::new();
            Record::Gap { next: at + length + 1, hashes: hashes.clone() }.write(&mut bytes);
            let mut left = &bytes[..];
            match Record::read(&mut left, at, 10_000).unwrap() {
                Record::Gap { next, hashes: read } => {
                    prop_assert_eq!((next, read), (at + length + 1, hashes));
                }
                Record::Entry(_) => prop_assert!(false),
            }
            let mut short = &bytes[..bytes.len() - 1];
            prop_assert_eq!(Record::read(&mut short, at, 10_000).err(), Some(RecordError::CutOff));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, at: u64, size: u64) {
            let _ = Record::read(&mut &bytes[..], at, size);
        }
    }

    #[test]
    fn a_gap_that_goes_back_or_past_the_end_is_refused() {
        for (at, next) in [(5, 5), (5, 6), (5, 0), (5, 12), (0, 0), (0, u64::MAX)] {
            let mut bytes = vec![GAP];
            bytes.extend_from_slice(&u64::to_be_bytes(next));
            bytes.extend([0; 4096]);
            let read = Record::read(&mut &bytes[..], at, 10);
            assert_eq!(read.err(), Some(RecordError::Gap), "{at} to {next}");
        }
    }

    #[test]
    fn lengths_and_marks_that_no_record_has_are_refused() {
        let leaf = Leaf {
            log: LogId::from_bytes([1; 16]),
            seq: 1,
            time: Timestamp::from_micros(0),
            payload_hash: Hash::ZERO,
            prev_hash: Hash::ZERO,
        };
        let mut bytes = Vec::new();
        EntryRecord { leaf, envelope: vec![], secrets: None }.write(&mut bytes);
        for (at, value) in [(0, 2), (97, 1), (101, 2)] {
            let mut bad = bytes.clone();
            bad[at] = value;
            let read = Record::read(&mut &bad[..], 0, 1);
            assert_eq!(read.err(), Some(RecordError::Form), "byte {at}");
        }
    }
}
