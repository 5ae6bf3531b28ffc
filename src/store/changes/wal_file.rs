//! Reading a `-wal` file beside SQLite: header, frames, checksums
//! (sqlite.org/fileformat2.html#the_write_ahead_log). Pages stay as they lie there, encrypted.

use std::io::{self, ErrorKind, Read};

use serde::{Deserialize, Serialize};

pub const HEADER: usize = 32;
pub const FRAME_HEADER: usize = 24;

/// 0x377f0682, or one more when checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// Running checksum of a WAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum(pub u32, pub u32);

/// A place in a WAL, between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// They differ from one generation of the WAL to the next.
    pub salts: (u32, u32),
    /// Frames before it.
    pub frame: u32,
    /// Checksum of everything before it.
    pub sum: Sum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    big_endian: bool,
    /// In bytes.
    pub page_size: u32,
    pub salts: (u32, u32),
    sum: Sum,
}

impl Header {
    /// Nothing for what is not the beginning of a WAL.
    pub fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let magic = word(bytes, 0);
        let big_endian = match magic.checked_sub(MAGIC)? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let page_size = word(bytes, 8);
        let sized = (512..=65_536).contains(&page_size) && page_size.is_power_of_two();
        let sum = Sum(0, 0).over(&bytes[..24], big_endian);
        let whole = sum == Sum(word(bytes, 24), word(bytes, 28));
        let salts = (word(bytes, 16), word(bytes, 20));
        (sized && whole && word(bytes, 4) == VERSION).then_some(Self {
            big_endian,
            page_size,
            salts,
            sum,
        })
    }

    /// Before the first frame.
    pub fn start(&self) -> Position {
        Position { salts: self.salts, frame: 0, sum: self.sum }
    }

    /// Where frame `frame` begins, counted from 0, in bytes.
    pub fn offset(&self, frame: u32) -> u64 {
        let each = FRAME_HEADER as u64 + u64::from(self.page_size);
        HEADER as u64 + u64::from(frame) * each
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub page: u32,
    /// Pages in the file after the commit that this frame ends; 0 when it ends none.
    pub size: u32,
}

/// Frames from a position on, as far as they are whole and of this generation.
pub struct Frames<R> {
    input: R,
    header: Header,
    at: Position,
    buffer: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// `input` stands at `from`.
    pub fn new(input: R, header: Header, from: Position) -> Self {
        let buffer = vec![0; FRAME_HEADER + header.page_size as usize];
        Self { input, header, at: from, buffer }
    }

    /// After the last frame read.
    pub fn position(&self) -> Position {
        self.at
    }

    /// None at the end, or at the first frame that does not belong here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self) -> io::Result<Option<Frame>> {
        match self.input.read_exact(&mut self.buffer) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        let (head, page) = self.buffer.split_at(FRAME_HEADER);
        let sum = self.at.sum.over(&head[..8], self.header.big_endian);
        let sum = sum.over(page, self.header.big_endian);
        let salts = (word(head, 8), word(head, 12));
        let frame = Frame { page: word(head, 0), size: word(head, 4) };
        if salts != self.header.salts || sum != read_sum(head) || frame.page == 0 {
            return Ok(None);
        }
        self.at = Position { salts, frame: self.at.frame + 1, sum };
        Ok(Some(frame))
    }
}

/// The checksum in a frame's header.
pub fn read_sum(head: &[u8]) -> Sum {
    Sum(word(head, 16), word(head, 20))
}

/// The salts in a frame's header.
pub fn read_salts(head: &[u8]) -> (u32, u32) {
    (word(head, 8), word(head, 12))
}

impl Sum {
    fn over(self, bytes: &[u8], big_endian: bool) -> Self {
        let Self(mut one, mut two) = self;
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let word = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
                if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
            };
            one = one.wrapping_add(word(0)).wrapping_add(two);
            two = two.wrapping_add(word(4)).wrapping_add(one);
        }
        Self(one, two)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nothing_in_a_hostile_file_is_taken_for_a_frame_or_breaks_the_reader(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..4000)
        ) {
            let mut head = [0; HEADER];
            let n = bytes.len().min(HEADER);
            head[..n].copy_from_slice(&bytes[..n]);
            proptest::prop_assert!(Header::parse(&head).is_none());
            let header =
                Header { big_endian: false, page_size: 512, salts: (1, 2), sum: Sum(3, 4) };
            let mut frames = Frames::new(bytes.as_slice(), header, header.start());
            proptest::prop_assert!(frames.read().unwrap().is_none());
        }
    }
}
