//! The container of a bundle: a tar file (POSIX.1-1988 "ustar") in which nothing is left to choice.
//!
//! A header follows from name and size alone, padding is zeros, and after the two blocks of zeros
//! at the end there is nothing: the reader rebuilds each header and compares, so that no byte of a
//! file is outside of the check.

use std::io::{self, ErrorKind, Read, Write};

use tar::{EntryType, Header};

/// What tar counts in, in bytes.
pub const BLOCK: usize = 512;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the file ends too early, after {0} bytes")]
    CutOff(u64),
    #[error("the header at byte {0} is not in a bundle's form")]
    Header(u64),
    #[error("the padding before byte {0} is not zero")]
    Padding(u64),
    #[error("there is something after the end of the bundle, at byte {0}")]
    Trailing(u64),
    #[error("{name} has {size} bytes; a bundle's has {most} at the most")]
    TooLarge { name: String, size: u64, most: u64 },
    #[error("the file cannot be read: {0}")]
    Read(io::Error),
}

/// The one header for a name and a size.
fn header(name: &str, size: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

fn padding(size: u64) -> usize {
    (size.next_multiple_of(BLOCK as u64) - size) as usize
}

pub struct ArchiveWriter<W> {
    out: W,
}

impl<W: Write> ArchiveWriter<W> {
    pub fn new(out: W) -> Self {
        Self { out }
    }

    pub fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let size = bytes.len() as u64;
        self.out.write_all(header(name, size)?.as_bytes())?;
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; BLOCK][..padding(size)])
    }

    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHead {
    pub name: String,
    pub size: u64,
}

pub struct ArchiveReader<R> {
    input: R,
    /// Bytes read.
    at: u64,
}

impl<R: Read> ArchiveReader<R> {
    pub fn new(input: R) -> Self {
        Self { input, at: 0 }
    }

    /// The head of the next file.
    pub fn head(&mut self) -> Result<FileHead, ArchiveError> {
        let at = self.at;
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        let found = Header::from_byte_slice(&block);
        let wrong = |_| ArchiveError::Header(at);
        let name = String::from_utf8(found.path_bytes().into_owned())
            .map_err(|_| ArchiveError::Header(at))?;
        let size = found.entry_size().map_err(wrong)?;
        if header(&name, size).map_err(wrong)?.as_bytes() != &block {
            return Err(ArchiveError::Header(at));
        }
        Ok(FileHead { name, size })
    }

    /// The content of the file whose head was just read; `most` bounds the memory.
    pub fn body(&mut self, head: &FileHead, most: usize) -> Result<Vec<u8>, ArchiveError> {
        let FileHead { name, size } = head.clone();
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if length > most {
            return Err(ArchiveError::TooLarge { name, size, most: most as u64 });
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        self.skip_padding(size)?;
        Ok(bytes)
    }

    /// The same in pieces, however large it is.
    pub fn stream(
        &mut self,
        head: &FileHead,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), ArchiveError> {
        let mut piece = [0; 16 * BLOCK];
        let mut left = head.size;
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            self.fill(&mut piece[..take])?;
            each(&piece[..take]);
            left -= take as u64;
        }
        self.skip_padding(head.size)
    }

    /// Nothing but the end may follow.
    pub fn end(&mut self) -> Result<(), ArchiveError> {
        let at = self.at;
        let mut blocks = [0; 2 * BLOCK];
        self.fill(&mut blocks)?;
        if blocks != [0; 2 * BLOCK] {
            return Err(ArchiveError::Trailing(at));
        }
        match read(&mut self.input, &mut [0])? {
            0 => Ok(()),
            _ => Err(ArchiveError::Trailing(self.at)),
        }
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), ArchiveError> {
        let mut zeros = [0; BLOCK];
        self.fill(&mut zeros[..padding(size)])?;
        if zeros == [0; BLOCK] { Ok(()) } else { Err(ArchiveError::Padding(self.at)) }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match read(&mut self.input, &mut bytes[filled..])? {
                0 => return Err(ArchiveError::CutOff(self.at)),
                count => {
                    filled += count;
                    self.at += count as u64;
                }
            }
        }
        Ok(())
    }
}

fn read(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize, ArchiveError> {
    loop {
        match input.read(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result.map_err(ArchiveError::Read),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new());
        for (name, bytes) in files {
            writer.file(name, bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
        let mut reader = ArchiveReader::new(bytes);
        let mut files = Vec::new();
        while reader.at + 2 * (BLOCK as u64) < bytes.len() as u64 {
            let head = reader.head()?;
            let body = reader.body(&head, 4096)?;
            files.push((head.name, body));
        }
        reader.end()?;
        Ok(files)
    }

    #[test]
    fn every_flipped_bit_of_an_archive_is_noticed() {
        let files = [("a".to_owned(), b"one".to_vec()), ("b/c".to_owned(), vec![7; 600])];
        let good = archive(&files);
        assert_eq!(read_all(&good).unwrap(), files);
        for at in 0..good.len() {
            for bit in [0, 5, 7] {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_ne!(read_all(&bad).ok().as_deref(), Some(&files[..]), "byte {at}");
            }
        }
    }

    #[test]
    fn a_byte_too_few_and_a_byte_too_many_are_noticed() {
        let good = archive(&[("a".to_owned(), vec![1; 10])]);
        for length in 0..good.len() {
            assert!(read_all(&good[..length]).is_err(), "{length}");
        }
        let long = [good, vec![0]].concat();
        let mut reader = ArchiveReader::new(&long[..]);
        let head = reader.head().unwrap();
        reader.body(&head, 4096).unwrap();
        assert!(matches!(reader.end(), Err(ArchiveError::Trailing(_))));
    }

    #[test]
    fn a_size_beyond_the_bound_takes_no_memory() {
        let bytes = header("a", 1 << 60).unwrap();
        let mut reader = ArchiveReader::new(&bytes.as_bytes()[..]);
        let head = reader.head().unwrap();
        assert!(matches!(reader.body(&head, 1 << 20), Err(ArchiveError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_reading_them_ends(bytes: Vec<u8>) {
            let _ = read_all(&bytes);
        }

        #[test]
        fn files_come_back_as_they_were(files in prop::collection::vec(("[a-z]{1,9}", any::<Vec<u8>>()), 0..5)) {
            prop_assert_eq!(read_all(&archive(&files)).unwrap(), files);
        }
    }
}
