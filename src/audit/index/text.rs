//! Words, alike for what is indexed and for what is looked for.
//!
//! Words are runs of letters and digits, in lower case; a UUID is one word, so that it is found as
//! a whole, and each character of a script without blanks is one. FTS5 then only has to split at
//! blanks.

/// Longer runs are no words that a person looks for; they are found by their beginning.
const WORD_BYTES: usize = 64;

/// Adds the words of `text`, each with a blank before it.
pub fn append(output: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        rest = &rest[start..];
        let end = match uuid(rest) {
            true => {
                output.push(' ');
                let digits = rest[..UUID].chars().filter(|character| *character != '-');
                output.extend(digits.map(|digit| digit.to_ascii_lowercase()));
                UUID
            }
            false => word(output, rest),
        };
        rest = &rest[end..];
    }
}

/// The words of a search, in the form in which [`append`] writes them. The last of them may be cut
/// off when it is a beginning: `0199c2a8-77` begins a UUID.
pub fn words(text: &str, beginning: bool) -> Vec<String> {
    let mut words = String::new();
    match text.trim() {
        text if beginning && begins_uuid(text) => append(&mut words, &text.replace('-', "")),
        text => append(&mut words, text),
    }
    words.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Writes the word at the beginning of `text`; where it ends.
fn word(output: &mut String, text: &str) -> usize {
    output.push(' ');
    let start = output.len();
    for (at, character) in text.char_indices() {
        if !character.is_alphanumeric() || (at > 0 && stands_alone(character)) {
            return at;
        }
        if output.len() - start < WORD_BYTES {
            match character.is_ascii() {
                true => output.push(character.to_ascii_lowercase()),
                // What lower case adds that is no letter (a combining dot) would split the word.
                false => output.extend(character.to_lowercase().filter(|c| c.is_alphanumeric())),
            }
        }
        if stands_alone(character) {
            return at + character.len_utf8();
        }
    }
    text.len()
}

/// Scripts that put no blanks between words.
fn stands_alone(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

const UUID: usize = 36;

/// Whether the text begins with a UUID by itself.
fn uuid(text: &str) -> bool {
    text.as_bytes().get(..UUID).is_some_and(shaped)
        && !text[UUID..].starts_with(char::is_alphanumeric)
}

fn begins_uuid(text: &str) -> bool {
    (10..UUID).contains(&text.len()) && shaped(text.as_bytes())
}

fn shaped(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        words(text, false)
    }

    #[test]
    fn a_word_is_found_however_it_stands() {
        assert_eq!(all("login.failed"), ["login", "failed"]);
        assert_eq!(all("Ann-Marie O'Neil"), ["ann", "marie", "o", "neil"]);
        assert_eq!(all("ÄRGER"), ["ärger"]);
        assert_eq!(
            all("0199C2A8-77b1-7000-8000-0123456789ab!"),
            ["0199c2a877b1700080000123456789ab"]
        );
        assert_eq!(words("0199c2a8-77", true), ["0199c2a877"]);
        assert_eq!(all("監査ログ x"), ["監", "査", "ロ", "グ", "x"]);
        assert_eq!(all(&"x".repeat(1000)), ["x".repeat(WORD_BYTES)]);
        assert_eq!(all(" -- "), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn words_hold_nothing_that_would_split_them(text in any::<String>()) {
            for word in all(&text) {
                prop_assert!(word.chars().all(|c| c.is_alphanumeric()), "{word:?}");
                prop_assert!(word.len() <= WORD_BYTES + 12);
            }
        }

        #[test]
        fn what_is_written_is_found_again(text in "\\PC{0,40}") {
            let once = all(&text);
            prop_assert_eq!(all(&once.join(" ")), once);
        }
    }
}
