//! What input must be like.

use serde_json::{Map, Value};

use super::{ConversationError, NewDataSubject, NewMessage};
use crate::kernel::limits;

/// Tags of one conversation, enough to sort by and few enough to show.
const TAGS: usize = 32;
const TAG_BYTES: usize = 64;
const CHANNEL_BYTES: usize = 32;
/// An application's own fields of one conversation; what is larger belongs into messages.
const CUSTOM_FIELDS_BYTES: usize = 16 * 1024;

type Checked = Result<(), ConversationError>;

/// One line of text: 1 to `most` bytes without control characters.
fn line(field: &'static str, text: &str, most: usize) -> Checked {
    let problem = if text.trim().is_empty() {
        format!("{field} is empty: give a text of 1 to {most} bytes")
    } else if text.len() > most {
        format!("{field} has {} bytes: shorten it to {most}", text.len())
    } else if text.chars().any(char::is_control) {
        format!("{field} holds a control character, such as a line break: take it out")
    } else {
        return Ok(());
    };
    Err(ConversationError::invalid(field, problem))
}

pub fn subject(text: &str) -> Checked {
    line("subject", text, limits::LINE_BYTES)
}

pub fn channel(text: &str) -> Checked {
    let word = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
    };
    if (1..=CHANNEL_BYTES).contains(&text.len()) && text.bytes().all(word) {
        return Ok(());
    }
    let problem = "channel has 1 to 32 of the characters a-z, 0-9, _, . and -";
    Err(ConversationError::invalid("channel", problem))
}

pub fn tags(tags: &[String]) -> Checked {
    if tags.len() > TAGS {
        let problem = format!("there are {} tags: use at most {TAGS}", tags.len());
        return Err(ConversationError::invalid("tags", problem));
    }
    tags.iter().try_for_each(|tag| line("tags", tag, TAG_BYTES))
}

pub fn custom_fields(fields: &Map<String, Value>) -> Checked {
    let bytes = serde_json::to_vec(fields).map_or(usize::MAX, |json| json.len());
    let problem = if bytes > CUSTOM_FIELDS_BYTES {
        format!("customFields has {bytes} bytes as JSON: use at most {CUSTOM_FIELDS_BYTES}")
    } else if !fields.values().all(|value| shallow(value, limits::JSON_DEPTH - 1)) {
        format!("customFields is nested too deeply: use at most {} levels", limits::JSON_DEPTH)
    } else {
        return Ok(());
    };
    Err(ConversationError::invalid("customFields", problem))
}

fn shallow(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| shallow(item, depth - 1)),
        Value::Object(members) => {
            depth > 0 && members.values().all(|member| shallow(member, depth - 1))
        }
        _ => true,
    }
}

pub fn data_subject(person: &NewDataSubject) -> Checked {
    line("dataSubject.id", &person.id, limits::LINE_BYTES)?;
    if let Some(name) = &person.name {
        line("dataSubject.name", name, limits::LINE_BYTES)?;
    }
    if let Some(email) = &person.email {
        line("dataSubject.email", email, limits::LINE_BYTES)?;
        if !email.contains('@') {
            let problem = "dataSubject.email is not an e-mail address: it has no @";
            return Err(ConversationError::invalid("dataSubject.email", problem));
        }
    }
    Ok(())
}

pub fn message(message: &NewMessage) -> Checked {
    if let Some(id) = &message.author.id {
        line("author.id", id, limits::LINE_BYTES)?;
    }
    if let Some(name) = &message.author.name {
        line("author.name", name, limits::LINE_BYTES)?;
    }
    let most = limits::MESSAGE_BYTES;
    match message.body.len() {
        0 => Err(ConversationError::invalid("body", "body is empty: give the message's text")),
        bytes if bytes > most => {
            let problem = format!("body has {bytes} bytes: split it into messages of {most}");
            Err(ConversationError::invalid("body", problem))
        }
        _ => Ok(()),
    }
}

/// Items in a page.
pub fn limit(limit: Option<usize>) -> Result<usize, ConversationError> {
    match limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT) {
        limit @ 1..=limits::PAGE_ITEMS => Ok(limit),
        _ => {
            let problem = format!("limit is a number from 1 to {}", limits::PAGE_ITEMS);
            Err(ConversationError::invalid("limit", problem))
        }
    }
}

/// Text to search for.
pub fn search(field: &'static str, text: &str) -> Checked {
    line(field, text, limits::LINE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_of_at_most_512_bytes() {
        assert!(subject("Where is my order?").is_ok());
        assert!(subject(&"x".repeat(512)).is_ok());
        for bad in ["", " ", "two\nlines", "nul\0", &"x".repeat(513)] {
            assert!(subject(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn custom_fields_are_bounded_in_size_and_depth() {
        let deep = (0..40).fold(Value::Null, |value, _| Value::Array(vec![value]));
        let field = |value: Value| Map::from_iter([("a".to_owned(), value)]);
        assert!(custom_fields(&field(Value::from("x"))).is_ok());
        assert!(custom_fields(&field(deep)).is_err());
        assert!(custom_fields(&field(Value::from("x".repeat(17_000)))).is_err());
    }

    #[test]
    fn a_channel_is_a_word() {
        assert!(channel("e-mail_2.0").is_ok());
        for bad in ["", "E-Mail", "a b", "ü", &"x".repeat(33)] {
            assert!(channel(bad).is_err(), "{bad}");
        }
    }
}
