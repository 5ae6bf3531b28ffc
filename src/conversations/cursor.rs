//! Cursors: where a list goes on. Callers are not to look inside.

use data_encoding::HEXLOWER;

use super::ConversationError;
use crate::kernel::id::ConversationId;

pub fn after_conversation(id: ConversationId) -> String {
    HEXLOWER.encode(id.bytes())
}

pub fn conversation(cursor: &str) -> Result<ConversationId, ConversationError> {
    bytes(cursor).map(ConversationId::from_bytes)
}

pub fn at_message(seq: u64) -> String {
    HEXLOWER.encode(&seq.to_be_bytes())
}

pub fn message(cursor: &str) -> Result<u64, ConversationError> {
    let seq = u64::from_be_bytes(bytes(cursor)?);
    if seq > i64::MAX.unsigned_abs() { Err(invalid()) } else { Ok(seq) }
}

fn bytes<const N: usize>(cursor: &str) -> Result<[u8; N], ConversationError> {
    let bytes = HEXLOWER.decode(cursor.as_bytes()).map_err(|_| invalid())?;
    bytes.try_into().map_err(|_| invalid())
}

fn invalid() -> ConversationError {
    let problem = "this cursor is not one that a page of this list gave: begin without a cursor";
    ConversationError::invalid("cursor", problem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_anything_else_is_refused(seq in 0..i64::MAX as u64, junk in ".*") {
            prop_assert_eq!(message(&at_message(seq)).unwrap(), seq);
            prop_assert!(conversation(&at_message(seq)).is_err());
            prop_assert!(junk.len() == 16 || message(&junk).is_err());
        }
    }
}
