//! Conversations, made up from topics.

use super::company::Company;
use super::dice::Dice;
use super::language::Language;
use crate::conversations::{AuthorType, NewAuthor, NewConversation, NewDataSubject, NewMessage};

pub struct Script {
    pub new: NewConversation,
    pub messages: Vec<NewMessage>,
}

/// Somebody who writes to the company.
#[derive(Clone)]
pub struct Customer {
    language: Language,
    id: String,
    first: &'static str,
    last: &'static str,
    name: String,
    email: String,
}

impl Customer {
    pub fn new(dice: &mut Dice, number: usize) -> Self {
        use Language::{English, French, German, Japanese, Spanish};
        let language = match dice.between(0, 100) {
            0..60 => English,
            60..77 => French,
            77..90 => Japanese,
            90..96 => German,
            _ => Spanish,
        };
        let (firsts, lasts) = language.names();
        let ((first, ascii_first), (last, ascii_last)) = (*dice.pick(firsts), *dice.pick(lasts));
        let host = dice.pick(&["example.com", "example.net", "example.org"]);
        Self {
            language,
            id: format!("C-{}", 10_000 + number * 7),
            first,
            last,
            name: language.full_name(first, last),
            email: format!("{ascii_first}.{ascii_last}{number}@{host}"),
        }
    }

    fn subject(&self) -> NewDataSubject {
        let (name, email) = (Some(self.name.clone()), Some(self.email.clone()));
        NewDataSubject { id: self.id.clone(), name, email }
    }
}

/// The names with which the desk signs.
const AGENTS: [&str; 5] = ["Aiko", "Ben", "Chiara", "Devon", "Hugo"];

pub fn write(company: &Company, customer: &Customer, dice: &mut Dice) -> Script {
    let topics: Vec<_> =
        company.topics.iter().filter(|topic| topic.language == customer.language).collect();
    let topic = dice.pick(&topics);
    let agent = *dice.pick(&AGENTS);
    let reference = format!("{}-{}", company.prefix, dice.between(100_000, 999_999));
    let filler =
        Filler { customer, agent, reference: &reference, city: *dice.pick(company.cities) };
    let mut lines = vec![(AuthorType::Customer, *dice.pick(topic.openings))];
    if dice.chance(85) {
        lines.push((AuthorType::Agent, *dice.pick(customer.language.hold())));
    }
    let told = if dice.chance(80) { topic.turns.len() } else { dice.index(topic.turns.len()) };
    for (n, turn) in topic.turns.iter().take(told).enumerate() {
        let author = if n % 2 == 0 { AuthorType::Agent } else { AuthorType::Customer };
        lines.push((author, turn));
    }
    if told == topic.turns.len() && dice.chance(75) {
        lines.push((AuthorType::Customer, *dice.pick(customer.language.thanks())));
    }
    let topic_subject = *dice.pick(topic.subjects);
    let subject = filler.fill(topic_subject, dice);
    let messages = lines
        .into_iter()
        .map(|(kind, line)| NewMessage {
            author: filler.author(kind),
            body: filler.fill(line, dice),
            sent_at: None,
        })
        .collect();
    let mut tags: Vec<String> = topic.tags.iter().map(|tag| (*tag).to_owned()).collect();
    if dice.chance(12) {
        tags.push("vip".into());
    }
    let mut custom_fields = serde_json::Map::new();
    custom_fields.insert("reference".into(), reference.as_str().into());
    let channel = Some((*dice.pick(company.channels)).to_owned());
    let data_subject = Some(customer.subject());
    Script {
        new: NewConversation { subject, channel, data_subject, tags, custom_fields },
        messages,
    }
}

struct Filler<'a> {
    customer: &'a Customer,
    agent: &'a str,
    reference: &'a str,
    city: &'a str,
}

impl Filler<'_> {
    fn fill(&self, text: &str, dice: &mut Dice) -> String {
        let language = self.customer.language;
        text.replace("{ref}", self.reference)
            .replace("{city}", self.city)
            .replace("{first}", self.customer.first)
            .replace("{last}", self.customer.last)
            .replace("{agent}", self.agent)
            .replace("{amount}", &language.amount(dice))
            .replace("{date}", &language.date(dice))
            .replace("{n}", &dice.between(12, 98).to_string())
    }

    fn author(&self, kind: AuthorType) -> NewAuthor {
        let name = match kind {
            AuthorType::Customer => self.customer.name.clone(),
            _ => self.agent.to_owned(),
        };
        let id = (kind == AuthorType::Customer).then(|| self.customer.id.clone());
        NewAuthor { kind, id, name: Some(name) }
    }
}
