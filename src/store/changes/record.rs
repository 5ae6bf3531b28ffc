//! Records of changes: what the pages of a file became within one second, one after another, each
//! with a hash over itself and the one before. `docs/archive-format.md` has the layout.

use std::io::{self, ErrorKind, Read, Write};

use sha2::{Digest, Sha256};

use super::wal_file::{Position, Sum};
use crate::kernel::Timestamp;
use crate::kernel::id::BaseId;

const MAGIC: &[u8; 4] = b"SRc1";
/// Length of a record's head in bytes.
const HEAD: usize = 52;

pub type Hash = [u8; 32];

/// What the first record of a chain follows.
pub fn seed(chain: BaseId) -> Hash {
    let hash = Sha256::new().chain_update(b"strongroom/changes/v1").chain_update(chain.bytes());
    hash.finalize().into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counted from 1 in its chain.
    pub number: u64,
    /// When the last of its commits was made; never before the record in front of it.
    pub time: Timestamp,
    /// Commits in it.
    pub commits: u32,
    /// Pages in the file after it.
    pub pages: u32,
    /// Pages in the record.
    pub count: u32,
    /// Where in the WAL it ended.
    pub position: Position,
}

impl Record {
    fn encode(&self) -> [u8; HEAD] {
        let Position { salts, frame, sum } = self.position;
        let mut out = [0; HEAD];
        let words = [self.commits, self.pages, self.count, salts.0, salts.1, frame, sum.0, sum.1];
        out[..4].copy_from_slice(MAGIC);
        out[4..12].copy_from_slice(&self.number.to_be_bytes());
        out[12..20].copy_from_slice(&self.time.as_micros().to_be_bytes());
        for (place, word) in out[20..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        out
    }

    fn decode(head: &[u8; HEAD]) -> Option<Self> {
        let (magic, rest) = head.split_at(4);
        let long = |at: usize| rest.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes);
        let word = |n: usize| {
            let at = 16 + 4 * n;
            rest.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
        };
        (magic == MAGIC).then_some(())?;
        let salts = (word(3)?, word(4)?);
        let position = Position { salts, frame: word(5)?, sum: Sum(word(6)?, word(7)?) };
        Some(Self {
            number: long(0)?,
            time: Timestamp::from_micros(long(8)?.cast_signed()),
            commits: word(0)?,
            pages: word(1)?,
            count: word(2)?,
            position,
        })
    }

    /// Its length in bytes.
    pub fn bytes(&self, page_size: u32) -> u64 {
        HEAD as u64 + u64::from(self.count) * (4 + u64::from(page_size)) + 32
    }
}

/// Writes one record.
pub struct RecordWriter<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> RecordWriter<W> {
    pub fn begin(mut out: W, record: &Record, previous: &Hash) -> io::Result<Self> {
        let head = record.encode();
        let hash = Sha256::new().chain_update(previous).chain_update(head);
        out.write_all(&head)?;
        Ok(Self { out, hash })
    }

    /// One page; as many as the head says, by rising number.
    pub fn page(&mut self, number: u32, bytes: &[u8]) -> io::Result<()> {
        let number = number.to_be_bytes();
        self.hash.update(number);
        self.hash.update(bytes);
        self.out.write_all(&number)?;
        self.out.write_all(bytes)
    }

    pub fn end(mut self) -> io::Result<Hash> {
        let hash: Hash = self.hash.finalize().into();
        self.out.write_all(&hash)?;
        Ok(hash)
    }
}

/// Reads records one after another. An error of kind `InvalidData` says that a record is not whole
/// or does not follow from the one before.
pub struct RecordReader<R> {
    input: R,
    page_size: u32,
    /// Of the last record that was read to its end.
    last: Hash,
    next: u64,
    time: Timestamp,
}

impl<R: Read> RecordReader<R> {
    /// `number` and `hash` are those of the record before.
    pub fn new(input: R, page_size: u32, number: u64, hash: Hash) -> Self {
        let time = Timestamp::from_micros(i64::MIN);
        Self { input, page_size, last: hash, next: number.saturating_add(1), time }
    }

    /// The last whole record: its number, its hash.
    pub fn last(&self) -> (u64, Hash) {
        (self.next - 1, self.last)
    }

    /// Reads the next record whole; `page` gets its pages before its hash was compared. None at the
    /// end.
    pub fn read(
        &mut self,
        mut page: impl FnMut(&Record, u32, &[u8]) -> io::Result<()>,
    ) -> io::Result<Option<Record>> {
        let mut head = [0; HEAD];
        if !fill(&mut self.input, &mut head)? {
            return Ok(None);
        }
        let record = Record::decode(&head).ok_or_else(|| invalid("it is not a record"))?;
        if record.number != self.next || record.time < self.time {
            return Err(invalid("it is not the record that follows"));
        }
        let mut hash = Sha256::new().chain_update(self.last).chain_update(head);
        let mut buffer = vec![0; 4 + self.page_size as usize];
        let mut before = 0;
        for _ in 0..record.count {
            self.input.read_exact(&mut buffer).map_err(torn)?;
            hash.update(&buffer);
            let (number, bytes) = buffer.split_at(4);
            let number = number.try_into().map_or(0, u32::from_be_bytes);
            if number <= before || number > record.pages {
                return Err(invalid("its pages are out of order"));
            }
            before = number;
            page(&record, number, bytes)?;
        }
        let mut told = [0; 32];
        self.input.read_exact(&mut told).map_err(torn)?;
        let hash: Hash = hash.finalize().into();
        if hash != told {
            return Err(invalid("its hash is another"));
        }
        (self.last, self.next, self.time) = (hash, self.next + 1, record.time);
        Ok(Some(record))
    }
}

/// Fills the buffer; false at the end of the input.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(invalid("it was cut off")),
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(torn(error)),
        }
    }
    Ok(true)
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

fn torn(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => invalid("it was cut off"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(pages: &[Vec<u8>]) -> (Vec<u8>, Hash) {
        let chain = BaseId::from_bytes([1; 16]);
        let (mut out, mut hash) = (Vec::new(), seed(chain));
        for (n, bytes) in pages.iter().enumerate() {
            let position = Position { salts: (1, 2), frame: 3, sum: Sum(4, 5) };
            let record = Record {
                number: n as u64 + 1,
                time: Timestamp::from_micros(n as i64),
                commits: 1,
                pages: 9,
                count: bytes.len() as u32,
                position,
            };
            let mut writer = RecordWriter::begin(&mut out, &record, &hash).unwrap();
            for (page, byte) in bytes.iter().enumerate() {
                writer.page(page as u32 + 1, &[*byte; 512]).unwrap();
            }
            hash = writer.end().unwrap();
        }
        (out, hash)
    }

    fn read(bytes: &[u8]) -> io::Result<(u64, Hash)> {
        let chain = BaseId::from_bytes([1; 16]);
        let mut reader = RecordReader::new(bytes, 512, 0, seed(chain));
        while reader.read(|_, _, _| Ok(()))?.is_some() {}
        Ok(reader.last())
    }

    proptest::proptest! {
        #[test]
        fn records_read_back_and_a_changed_or_missing_byte_is_noticed(
            pages in proptest::collection::vec(proptest::collection::vec(0_u8..9, 0..4), 1..5),
            at in proptest::num::usize::ANY,
        ) {
            let (bytes, hash) = records(&pages);
            proptest::prop_assert_eq!(read(&bytes).unwrap(), (pages.len() as u64, hash));
            let at = at % bytes.len();
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            proptest::prop_assert!(read(&changed).is_err());
            let cut = read(&bytes[..at]);
            proptest::prop_assert!(cut.is_err() || cut.unwrap().1 != hash);
        }

        #[test]
        fn a_hostile_file_is_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..900)) {
            proptest::prop_assert!(read(&bytes).is_err());
        }
    }
}
