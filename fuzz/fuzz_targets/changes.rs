//! A WAL, and records of changes, from a disk or a target that somebody else wrote to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::store::changes::RecordReader;
use strongroom::store::changes::wal_file::{Frames, HEADER, Header};

fuzz_target!(|bytes: &[u8]| {
    if let Some((head, frames)) = bytes.split_first_chunk::<HEADER>()
        && let Some(header) = Header::parse(head)
    {
        let mut frames = Frames::new(frames, header, header.start());
        while let Ok(Some(frame)) = frames.read() {
            assert!(frame.page > 0);
        }
    }
    let mut records = RecordReader::new(bytes, 512, 0, [0; 32]);
    while let Ok(Some(record)) = records.read(|record, page, bytes| {
        assert!(page > 0 && page <= record.pages && bytes.len() == 512);
        Ok(())
    }) {
        assert_eq!(records.last().0, record.number);
    }
});
