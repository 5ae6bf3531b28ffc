//! From a place in JSON text to a JSON Pointer (RFC 6901), for messages about refused input.
//!
//! Runs only after a parser has failed, so it need not be fast, and stops at the first thing that
//! it does not understand.

/// Pointer to what a parser had before it when it stopped at `line` and `column` (both from 1).
pub(super) fn at_line(text: &str, line: usize, column: usize) -> Vec<String> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    at(text.as_bytes().get(..start + column).unwrap_or(text.as_bytes()))
}

/// RFC 6901 form of a path; empty for the whole text.
pub(super) fn join(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

enum Level {
    Object { key: Option<String>, awaits_key: bool },
    Array { next: usize, started: bool },
}

fn at(text: &[u8]) -> Vec<String> {
    let mut levels = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if !matches!(byte, b']' | b'}' | b',' | b':') && !byte.is_ascii_whitespace() {
            start_value(&mut levels);
        }
        match byte {
            b'{' => levels.push(Level::Object { key: None, awaits_key: true }),
            b'[' => levels.push(Level::Array { next: 0, started: false }),
            b'}' | b']' => drop(levels.pop()),
            b',' => next_value(&mut levels),
            b'"' => {
                let end = string_end(text, at);
                name(&mut levels, text.get(at - 1..end).unwrap_or_default());
                at = end;
            }
            _ => {}
        }
    }
    levels.into_iter().filter_map(Level::step).collect()
}

fn start_value(levels: &mut [Level]) {
    if let Some(Level::Array { started, .. }) = levels.last_mut() {
        *started = true;
    }
}

fn next_value(levels: &mut [Level]) {
    match levels.last_mut() {
        Some(Level::Object { awaits_key, .. }) => *awaits_key = true,
        Some(Level::Array { next, started }) => {
            *next += 1;
            *started = false;
        }
        None => {}
    }
}

fn name(levels: &mut [Level], string: &[u8]) {
    if let Some(Level::Object { key, awaits_key: awaits_key @ true }) = levels.last_mut()
        && let Ok(name) = serde_json::from_slice(string)
    {
        *key = Some(name);
        *awaits_key = false;
    }
}

/// Index after the closing quote of the string whose content starts at `at`.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        at += if byte == b'\\' { 2 } else { 1 };
        if byte == b'"' {
            break;
        }
    }
    at.min(text.len())
}

impl Level {
    fn step(self) -> Option<String> {
        match self {
            Self::Object { key, .. } => key,
            // Right after a comma the parser still speaks about the value before.
            Self::Array { next, started } => if started { Some(next) } else { next.checked_sub(1) }
                .map(|index| index.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_the_member_just_read() {
        let text = r#"[{"a":1},{"b/c":[1,{"d":"}],"},"x"],"e":2}]"#;
        let pointer = |until: &str| join(&at(&text.as_bytes()[..text.find(until).unwrap()]));
        assert_eq!(pointer("1},"), "/0/a");
        assert_eq!(pointer(",{\"b"), "/0");
        assert_eq!(pointer(",\"x"), "/1/b~1c/1");
        assert_eq!(pointer("],\"e"), "/1/b~1c/2");
        assert_eq!(pointer("2}]"), "/1/e");
        assert_eq!(join(&at_line("{\n \"a\": x", 2, 7)), "/a");
        assert_eq!(join(&[]), "");
    }
}
