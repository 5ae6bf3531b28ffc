//! The message catalogue: every string that a person reads in the console, by id, with arguments
//! and plurals ([Project Fluent](https://projectfluent.org)). A language is a pair of
//! `.ftl` files.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use intl_memoizer::concurrent::IntlLangMemoizer;
use unic_langid::langid;

/// An argument of a message; made from texts and numbers by `.into()`.
pub use fluent_bundle::FluentValue as Value;

/// What pages say, then the names of things that have a code, then both of single sign-on, of
/// provisioning, what pages say about the end of data, and about how long it is kept.
const ENGLISH: [&str; 6] = [
    include_str!("../../templates/messages/en.ftl"),
    include_str!("../../templates/messages/en-codes.ftl"),
    include_str!("../../templates/messages/en-sso.ftl"),
    include_str!("../../templates/messages/en-scim.ftl"),
    include_str!("../../templates/messages/en-ends.ftl"),
    include_str!("../../templates/messages/en-retention.ftl"),
];

/// One language's strings. Shared by every thread; looking up takes no lock.
pub struct Messages {
    lang: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Messages {
    pub fn english() -> &'static Self {
        static CATALOGUE: LazyLock<Messages> =
            LazyLock::new(|| Messages::parse("en", langid!("en"), &ENGLISH));
        &CATALOGUE
    }

    /// A broken message is left out and shows as its id: a typing error in one string must not
    /// keep the console from opening. Tests refuse such a catalogue.
    fn parse(lang: &'static str, id: unic_langid::LanguageIdentifier, sources: &[&str]) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks would end up in attributes, in copied text and in terminals.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(grouped));
        for source in sources {
            let resource = FluentResource::try_new((*source).to_owned())
                .unwrap_or_else(|(readable_part, _errors)| readable_part);
            bundle.add_resource_overriding(resource);
        }
        Self { lang, bundle }
    }

    /// The language's BCP 47 tag, for the `lang` attribute.
    pub fn lang(&self) -> &'static str {
        self.lang
    }

    pub fn text<'a>(&'a self, id: &'a str) -> Cow<'a, str> {
        self.format(id, None)
    }

    /// A message with arguments: `with("log-entries", &[("count", 12_345.into())])`.
    pub fn with<'a>(
        &'a self,
        id: &'a str,
        arguments: &[(&'static str, Value<'_>)],
    ) -> Cow<'a, str> {
        let mut named = FluentArgs::with_capacity(arguments.len());
        for (name, value) in arguments {
            named.set(*name, value.clone());
        }
        Cow::Owned(self.format(id, Some(&named)).into_owned())
    }

    /// The label of something that has a code of its own, such as the action `login.failed`:
    /// the message `action-login-failed`, or the code itself when the catalogue has none (an
    /// application's own actions).
    pub fn label(&self, prefix: &str, code: &str) -> String {
        let id = label_id(prefix, code);
        if self.bundle.has_message(&id) { self.text(&id).into_owned() } else { code.to_owned() }
    }

    /// Whether [`label`](Self::label) has words of its own for this code.
    pub fn has_label(&self, prefix: &str, code: &str) -> bool {
        self.bundle.has_message(&label_id(prefix, code))
    }

    fn format<'a>(&'a self, id: &'a str, arguments: Option<&FluentArgs<'_>>) -> Cow<'a, str> {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            return Cow::Borrowed(id);
        };
        let mut problems = Vec::new();
        let text = self.bundle.format_pattern(pattern, arguments, &mut problems);
        Cow::Owned(text.into_owned())
    }
}

/// Message ids cannot hold dots or underscores in the way that codes do.
fn label_id(prefix: &str, code: &str) -> String {
    format!("{prefix}{}", code.replace(['.', '_', ':'], "-"))
}

/// Whole numbers in groups of three, `12,345`; plural selection still sees the number.
fn grouped(value: &Value<'_>, _: &IntlLangMemoizer) -> Option<String> {
    let Value::Number(number) = value else { return None };
    (number.value.fract() == 0.0 && number.value.abs() >= 1000.0)
        .then(|| group_digits(&format!("{:.0}", number.value)))
}

fn group_digits(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_catalogue_has_no_broken_message() {
        for source in ENGLISH {
            assert!(FluentResource::try_new(source.to_owned()).is_ok());
        }
    }

    #[test]
    fn counts_choose_their_plural_and_are_grouped() {
        let say = |count: u64| {
            Messages::english().with("chain-entries", &[("count", count.into())]).into_owned()
        };
        assert_eq!(say(1), "1 entry");
        assert_eq!(say(999), "999 entries");
        assert_eq!(say(1_234_567), "1,234,567 entries");
    }

    #[test]
    fn a_missing_message_shows_its_id_and_an_unknown_code_itself() {
        assert_eq!(Messages::english().text("no-such-message"), "no-such-message");
        assert_eq!(Messages::english().label("action-", "invoice.exported"), "invoice.exported");
        assert_eq!(Messages::english().label("role-", "privacy_officer"), "Privacy officer");
    }
}
