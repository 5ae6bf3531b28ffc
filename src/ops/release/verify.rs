//! Reading a release's file, which anybody may have made.

use std::io::{ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::pack::{HashWriter, header};
use super::{Manifest, NOTE, NOTE_BYTES, PADDING_BYTES, ReleaseError};
use crate::audit::note::{Note, Verifier};

/// A block of a tar.
const BLOCK: usize = 512;

/// Reads a release once, from beginning to end, and says what is in it when all of it is as it was
/// signed.
///
/// # Errors
/// [`ReleaseError`]: nothing in a file that gives one should be used.
pub fn verify(mut file: impl Read, key: &Verifier) -> Result<Manifest, ReleaseError> {
    let block = next(&mut file)?;
    let found = tar::Header::from_byte_slice(&block);
    let bytes = found.entry_size().ok().filter(|bytes| *bytes <= NOTE_BYTES);
    let bytes = bytes.ok_or(ReleaseError::Malformed("it does not begin with a note"))?;
    expect(&block, NOTE, bytes)
        .map_err(|_| ReleaseError::Malformed("it does not begin with a note"))?;
    let mut text = vec![0; usize::try_from(bytes).unwrap_or(0)];
    fill(&mut file, &mut text)?;
    skip_padding(&mut file, bytes)?;
    let text = String::from_utf8(text)
        .map_err(|_| ReleaseError::Malformed("its note is not text in UTF-8"))?;
    let note = Note::parse(&text)?;
    note.verify(key)?;
    let manifest: Manifest = note.text().parse()?;
    for member in &manifest.members {
        let block = next(&mut file)?;
        expect(&block, &member.name, member.bytes)?;
        let mut hash = Sha256::new();
        let read = std::io::copy(&mut (&mut file).take(member.bytes), &mut HashWriter(&mut hash))?;
        if read != member.bytes {
            return Err(ReleaseError::Short);
        }
        if <[u8; 32]>::from(hash.finalize()) != member.sha256 {
            return Err(ReleaseError::Changed(member.name.clone()));
        }
        skip_padding(&mut file, member.bytes)?;
    }
    end(file)?;
    Ok(manifest)
}

fn next(file: &mut impl Read) -> Result<[u8; BLOCK], ReleaseError> {
    let mut block = [0; BLOCK];
    fill(file, &mut block)?;
    Ok(block)
}

/// A header is the one that packing writes, to the byte: no two programs can read it as two things.
fn expect(block: &[u8; BLOCK], name: &str, bytes: u64) -> Result<(), ReleaseError> {
    if block == header(name, bytes)?.as_bytes() {
        return Ok(());
    }
    let found = tar::Header::from_byte_slice(block).path_bytes().into_owned();
    match found == name.as_bytes() {
        true => Err(ReleaseError::Changed(name.to_owned())),
        false => Err(ReleaseError::Unnamed(found.escape_ascii().to_string())),
    }
}

fn skip_padding(file: &mut impl Read, bytes: u64) -> Result<(), ReleaseError> {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    let mut padding = vec![0; (BLOCK - over) % BLOCK];
    fill(file, &mut padding)?;
    zeros(&padding)
}

/// Two blocks of zeros, and no more than zeros after them.
fn end(mut file: impl Read) -> Result<(), ReleaseError> {
    let mut blocks = [0; 2 * BLOCK];
    fill(&mut file, &mut blocks)?;
    zeros(&blocks)?;
    let mut rest = Vec::new();
    file.take(PADDING_BYTES as u64 + 1).read_to_end(&mut rest)?;
    if rest.len() > PADDING_BYTES {
        return Err(ReleaseError::Malformed("something follows its end"));
    }
    zeros(&rest)
}

fn zeros(bytes: &[u8]) -> Result<(), ReleaseError> {
    match bytes.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(ReleaseError::Malformed("something lies between or behind its files")),
    }
}

fn fill(file: &mut impl Read, into: &mut [u8]) -> Result<(), ReleaseError> {
    file.read_exact(into).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => ReleaseError::Short,
        _ => error.into(),
    })
}
