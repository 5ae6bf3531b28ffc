//! From a letter to a message (RFC 5322) in plain text and HTML.

use std::time::{Duration, UNIX_EPOCH};

use askama::Template;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::letter::Letter;
use super::send::SendError;
use super::words::say;
use crate::kernel::Timestamp;
use crate::kernel::id::MailId;

/// What a letter does not know by itself.
pub struct Circumstances<'a> {
    /// The same at every attempt, so that a receiver recognises a mail that came twice.
    pub id: MailId,
    pub from: &'a Mailbox,
    /// What links begin with.
    pub base_url: &'a str,
    /// The tenant's name; none for the platform.
    pub place: Option<&'a str>,
    pub written: Timestamp,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Page<'a> {
    subject: &'a str,
    text: &'a str,
    link: Option<Link>,
    after: Option<String>,
    answer: &'a str,
}

struct Link {
    words: String,
    plain: String,
    url: String,
}

/// # Errors
/// [`SendError::Address`] for a recipient that no mail server would take.
pub fn compose(about: &Circumstances<'_>, to: &str, letter: &Letter) -> Result<Message, SendError> {
    let to: Address = to.parse().map_err(|_| SendError::Address)?;
    let host = about.base_url.strip_prefix("https://").unwrap_or(about.base_url);
    let arguments = arguments(about, letter, host);
    let word = |part: &str| say(&format!("{}-{part}", letter.code()), &arguments);
    let subject = word("subject").unwrap_or_default();
    let text = word("text").unwrap_or_default();
    let answer = say("answer", &arguments).unwrap_or_default();
    let link = letter.link().map(|path| Link {
        words: word("button").unwrap_or_default(),
        plain: say("link-plain", &[]).unwrap_or_default(),
        url: format!("{}{path}", about.base_url),
    });
    let page = Page { subject: &subject, text: &text, link, after: word("after"), answer: &answer };
    let html = page.render().map_err(|_| SendError::Composing)?;
    let plain = plain(&page);
    let written = Duration::from_micros(about.written.as_micros().try_into().unwrap_or(0));
    let domain = about.from.email.domain();
    Message::builder()
        .from(about.from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject.as_str())
        .date(UNIX_EPOCH + written)
        .message_id(Some(format!("<{}@{domain}>", about.id)))
        // No out-of-office answers (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .multipart(MultiPart::alternative_plain_html(plain, html))
        .map_err(|_| SendError::Composing)
}

fn plain(page: &Page<'_>) -> String {
    let mut parts = vec![page.text.to_owned()];
    parts.extend(page.link.as_ref().map(|link| link.url.clone()));
    parts.extend(page.after.clone());
    // The signature separator of Usenet and mail: "-- ".
    parts.push(format!("-- \n{}", page.answer));
    parts.join("\n\n") + "\n"
}

fn arguments(
    about: &Circumstances<'_>,
    letter: &Letter,
    host: &str,
) -> Vec<(&'static str, String)> {
    let place = about.place.map(str::to_owned).or_else(|| say("platform", &[]));
    let mut arguments =
        vec![("place", one_line(&place.unwrap_or_default())), ("host", host.to_owned())];
    match letter {
        Letter::Invitation { by: Some(by), .. } => arguments.push(("by", one_line(by))),
        Letter::ProviderExpiring { provider, .. } => {
            arguments.push(("provider", one_line(provider)));
        }
        Letter::BackupTargetFailing { target, .. } => {
            arguments.push(("target", one_line(target)));
        }
        Letter::NewDevice { browser, ip, .. } | Letter::EmergencyUsed { browser, ip, .. } => {
            arguments.push(("browser", one_line(browser)));
            arguments.push(("ip", one_line(ip)));
        }
        _ => {}
    }
    arguments.extend(letter.at().map(|at| ("at", at.display())));
    arguments
}

/// What comes from people stays on its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
