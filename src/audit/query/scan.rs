//! Reading a search from left to right: blanks, words, quotes.

use super::QueryError;

/// What is compared: a value after a colon, or a word of free text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Byte position in the query.
    pub at: usize,
    /// Without quotes and the `*` at the end.
    pub text: String,
    pub quoted: bool,
    /// It ends with a `*` outside of quotes.
    pub star: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    pub at: usize,
}

/// Ends a name, a value and a word alike.
fn ends(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '"')
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn done(&self) -> bool {
        self.rest().is_empty()
    }

    pub fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Whether `AND`, `OR` or `NOT` follows and stands alone.
    pub fn at_word(&self, word: &str) -> bool {
        self.rest().strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(char::is_whitespace) || rest.starts_with(['(', ')'])
        })
    }

    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Up to a character that ends it, or the end of the query.
    fn take(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// The name before a colon, which is eaten too; nothing when no colon follows.
    pub fn name(&mut self) -> Option<&'a str> {
        let start = self.at;
        let name = self.take(|character| ends(character) || matches!(character, ':' | ','));
        if self.eat(":") {
            return Some(name);
        }
        self.at = start;
        None
    }

    /// A word of free text, or text in quotes.
    pub fn words(&mut self) -> Result<Value, QueryError> {
        self.value_until(ends)
    }

    /// One value after a colon; a comma ends it.
    pub fn value(&mut self) -> Result<Value, QueryError> {
        self.value_until(|character| ends(character) || character == ',')
    }

    fn value_until(&mut self, ends: fn(char) -> bool) -> Result<Value, QueryError> {
        let at = self.at;
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            let star = self.eat("*");
            return match self.peek().filter(|next| !ends(*next) || *next == '"') {
                Some(_) => Err(self.error("put a blank after the closing quote")),
                None => Ok(Value { at, text, quoted: true, star }),
            };
        }
        let raw = self.take(ends);
        match self.peek() {
            Some('"') => {
                return Err(self.error("a quote begins in the middle; put all of it into quotes"));
            }
            Some('(') if !raw.is_empty() => {
                return Err(self.error("put what holds a ( into quotes"));
            }
            _ => {}
        }
        let text = raw.strip_suffix('*').unwrap_or(raw);
        if let Some(star) = text.find('*') {
            let message = "a * stands at the end only; put a literal * into quotes";
            return Err(QueryError::new(at + star, message));
        }
        Ok(Value { at, text: text.to_owned(), quoted: false, star: text.len() < raw.len() })
    }

    /// Text in quotes; `\` takes the next character as it is.
    pub fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += offset + 1;
                    return Ok(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                _ => value.push(character),
            }
        }
        Err(QueryError::new(start, "the closing quote is missing"))
    }

    /// Past a value or a word, whether it is a good one or not; what `ends` it stays.
    pub fn skip(&mut self, in_value: bool) {
        if self.peek() != Some('"') {
            self.take(|character| ends(character) || (in_value && character == ','));
        } else if self.quoted().is_err() {
            self.at = self.text.len();
        } else {
            self.eat("*");
        }
    }

    /// What is wrong where it stands.
    pub fn error(&self, message: impl Into<String>) -> QueryError {
        QueryError::new(self.at, message)
    }
}
