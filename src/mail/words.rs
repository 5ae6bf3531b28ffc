//! The words of mails: `templates/messages/en-mail.ftl`.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::langid;

const ENGLISH: &str = include_str!("../../templates/messages/en-mail.ftl");

static CATALOGUE: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    let mut bundle = FluentBundle::new_concurrent(vec![langid!("en")]);
    // Isolation marks would end up in copied text.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(ENGLISH.to_owned());
    bundle.add_resource_overriding(resource.unwrap_or_else(|(readable_part, _)| readable_part));
    bundle
});

/// The message of this id; none when the catalogue has none.
pub fn say(id: &str, arguments: &[(&'static str, String)]) -> Option<String> {
    let pattern = CATALOGUE.get_message(id)?.value()?;
    let mut named = FluentArgs::with_capacity(arguments.len());
    for (name, value) in arguments {
        named.set(*name, value.as_str());
    }
    let text = CATALOGUE.format_pattern(pattern, Some(&named), &mut Vec::new());
    Some(text.into_owned())
}
