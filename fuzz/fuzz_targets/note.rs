//! A note that is read prints as the very text that was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::audit::note::{Checkpoint, Note};

fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        if let Ok(checkpoint) = note.text().parse::<Checkpoint>() {
            assert_eq!(checkpoint.to_string(), note.text());
        }
    }
});
