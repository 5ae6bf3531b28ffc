//! The names that stand before a colon: one table, from which parser, completion and the checks
//! of the documentation are made.

use super::ast::Field;

/// What stands before the colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Text(Field),
    Ip,
    Seq,
    Time,
    After,
    Before,
    /// `custom.` and a path.
    Custom(String),
}

/// A field as its users know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldName {
    pub name: &'static str,
    /// One line in English.
    pub meaning: &'static str,
}

/// How the path of an application's own field begins.
pub(super) const CUSTOM: &str = "custom.";

/// All fields, in the order in which they are offered.
pub const FIELDS: &[FieldName] = &[
    field("action", "What happened: an event type such as login.failed"),
    field("actor", "Who did it: id or name"),
    field("actor.type", "What kind of actor: user, api_key, platform_admin, system and others"),
    field("role", "The role that the actor had"),
    field("outcome", "How it ended: success, failure, denied or error"),
    field("resource", "What it was done to: the id"),
    field("type", "What kind of thing it was done to"),
    field("changed", "The name of a field that was changed"),
    field("ip", "From which address or network"),
    field("after", "Written down at this time or later"),
    field("before", "Written down before this time"),
    field("time", "Written down on a day, or from one time to another: A..B"),
    field("request", "The id of the request that it belongs to"),
    field("reporter", "The API key through which an application reported it: id or name"),
    field("seq", "The entry's number, or numbers: 5, 5..9, >5"),
    field(CUSTOM, "A field of your own, by its name: custom.campaign"),
];

const fn field(name: &'static str, meaning: &'static str) -> FieldName {
    FieldName { name, meaning }
}

impl Field {
    pub const ALL: [Self; 10] = [
        Self::Action,
        Self::Actor,
        Self::ActorType,
        Self::Role,
        Self::Outcome,
        Self::Resource,
        Self::Type,
        Self::Request,
        Self::Changed,
        Self::Reporter,
    ];

    /// As it stands before the colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Actor => "actor",
            Self::ActorType => "actor.type",
            Self::Role => "role",
            Self::Outcome => "outcome",
            Self::Resource => "resource",
            Self::Type => "type",
            Self::Request => "request",
            Self::Changed => "changed",
            Self::Reporter => "reporter",
        }
    }
}

impl Name {
    /// Names are read in any case, but for the path of an application's own field.
    pub fn read(name: &str) -> Option<Self> {
        if let Some(path) = custom_path(name) {
            return (!path.is_empty()).then(|| Self::Custom(path.to_owned()));
        }
        let name = name.to_ascii_lowercase();
        let text = Field::ALL.into_iter().find(|field| field.name() == name);
        text.map(Self::Text).or(match name.as_str() {
            "ip" => Some(Self::Ip),
            "seq" => Some(Self::Seq),
            "time" => Some(Self::Time),
            "after" => Some(Self::After),
            "before" => Some(Self::Before),
            _ => None,
        })
    }
}

/// What follows `custom.`
pub(super) fn custom_path(name: &str) -> Option<&str> {
    let head = name.get(..CUSTOM.len())?;
    head.eq_ignore_ascii_case(CUSTOM).then(|| &name[CUSTOM.len()..])
}

/// What was probably meant by a name that there is not.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let other_words = OTHER_WORDS.iter().find(|(word, _)| *word == name).map(|(_, field)| *field);
    other_words.or_else(|| {
        let near = |field: &FieldName| {
            let distance = strsim::damerau_levenshtein(&name, field.name.trim_end_matches('.'));
            (distance <= 2 && distance < name.chars().count()).then_some((distance, field.name))
        };
        FIELDS.iter().filter_map(near).min().map(|(_, field)| field)
    })
}

/// What people try who know other products.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("activity", "action"),
    ("actor.id", "actor"),
    ("actor.name", "actor"),
    ("actor.role", "role"),
    ("address", "ip"),
    ("changes", "changed"),
    ("customfields", CUSTOM),
    ("date", "time"),
    ("event", "action"),
    ("from", "after"),
    ("id", "seq"),
    ("network", "ip"),
    ("number", "seq"),
    ("object", "resource"),
    ("requestid", "request"),
    ("resource.id", "resource"),
    ("resource.type", "type"),
    ("result", "outcome"),
    ("since", "after"),
    ("source", "ip"),
    ("status", "outcome"),
    ("target", "resource"),
    ("to", "before"),
    ("until", "before"),
    ("user", "actor"),
    ("who", "actor"),
];
