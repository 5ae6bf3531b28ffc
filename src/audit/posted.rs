//! The members of an event that an application posts, each checked while it is read, so that the
//! parser still knows its place when one is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::event::{Actor, Change, Outcome};
use super::{canonical, catalogue, event};
use crate::kernel::{Timestamp, limits};

/// What an application may send. `requestId` and `reportedBy` are the server's to set.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostedEvent {
    #[schemars(required)]
    pub(super) action: Option<ActionName>,
    #[schemars(with = "Option<PostedActor>")]
    pub(super) actor: Option<Object<PostedActor>>,
    #[schemars(with = "Option<PostedResource>")]
    pub(super) resource: Option<Object<PostedResource>>,
    pub(super) outcome: Option<OutcomeName>,
    pub(super) ip: Option<Ip>,
    pub(super) user_agent: Option<Agent>,
    pub(super) occurred_at: Option<Time>,
    #[serde(default, deserialize_with = "changes")]
    pub(super) changes: BTreeMap<String, Change>,
    #[serde(default, deserialize_with = "canonical::object")]
    pub(super) custom_fields: Map<String, Value>,
    // OnRaven's shape.
    #[schemars(skip)]
    pub(super) activity_type: Option<ActionName>,
    #[schemars(skip)]
    pub(super) timestamp: Option<Time>,
    #[schemars(skip)]
    pub(super) user_id: Option<Line>,
    #[schemars(skip)]
    pub(super) domain_id: Option<Line>,
    #[schemars(skip)]
    pub(super) ip_address: Option<Ip>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PostedActor {
    pub(super) id: Line,
    #[serde(rename = "type")]
    pub(super) kind: Option<Kind>,
    pub(super) name: Option<Line>,
    pub(super) role: Option<Line>,
    pub(super) tenant: Option<Line>,
}

impl From<PostedActor> for Actor {
    fn from(posted: PostedActor) -> Self {
        Self {
            id: posted.id.0,
            kind: posted.kind.map_or_else(|| "user".to_owned(), |kind| kind.0),
            name: posted.name.map(|text| text.0),
            role: posted.role.map(|text| text.0),
            tenant: posted.tenant.map(|text| text.0),
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PostedResource {
    pub(super) id: Line,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PostedChange {
    #[serde(default, deserialize_with = "canonical::present")]
    old: Option<Value>,
    #[serde(default, deserialize_with = "canonical::present")]
    new: Option<Value>,
}

/// A struct given as an object. Derived code would take an array of its members too.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// A string type with a check; `$check` gives what is kept or says what is wrong.
macro_rules! checked {
    ($($name:ident($kept:ty), $expecting:literal, $schema:tt, $check:expr;)+) => { $(
        #[derive(Default)]
        pub(super) struct $name(pub(super) $kept);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Check;

                impl Visitor<'_> for Check {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let check: fn(&str) -> Option<$kept> = $check;
                        check(text).map($name).ok_or_else(|| {
                            E::custom(concat!("expected ", $expecting))
                        })
                    }
                }
                deserializer.deserialize_str(Check)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )+ };
}

checked! {
    ActionName(String),
    "an action such as \"invoice.exported\": 1 to 128 of a-z, 0-9, \"_\", \".\", \":\" and \"-\", \
     lower case, beginning with a letter or digit",
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9_.:-]{0,127}$" },
    |text| event::is_action(text).then(|| catalogue::canonical_name(text).to_owned());

    Kind(String),
    "a type such as \"invoice\": 1 to 64 of a-z, 0-9, \"_\", \".\", \":\" and \"-\", lower case, \
     beginning with a letter or digit",
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9_.:-]{0,63}$" },
    |text| (text.len() <= 64 && event::is_action(text)).then(|| text.to_owned());

    Line(String),
    "a text of 1 to 512 bytes without control characters",
    { "type": "string", "minLength": 1, "maxLength": 512 },
    |text| (!text.is_empty() && is_text(text, limits::LINE_BYTES)).then(|| text.to_owned());

    OutcomeName(Outcome),
    "one of the outcomes \"success\", \"failure\", \"denied\" and \"error\"",
    { "enum": ["success", "failure", "denied", "error"] },
    Outcome::from_name;

    Agent(Option<String>),
    "a text of up to 2048 bytes without control characters",
    { "type": "string", "maxLength": 2048 },
    |text| is_text(text, 2048).then(|| (!text.is_empty()).then(|| text.to_owned()));

    Ip(Option<IpAddr>),
    "an IPv4 or IPv6 address such as \"192.0.2.7\" or \"2001:db8::7\"",
    { "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] },
    // An IPv4 address may arrive mapped into IPv6; it is found as what it is.
    |text| text.parse().ok().map(|ip: IpAddr| Some(ip.to_canonical()));

    Time(Option<Timestamp>),
    "an RFC 3339 time such as \"2026-11-22T05:06:07Z\"",
    { "type": "string", "format": "date-time" },
    |text| Timestamp::parse(text).map(Some);
}

fn is_text(text: &str, bytes: usize) -> bool {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    text.len() <= bytes && (plain || !text.chars().any(char::is_control))
}

/// Changes by field name, which may occur once.
fn changes<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Change>, D::Error> {
    struct Changes;

    impl<'de> Visitor<'de> for Changes {
        type Value = BTreeMap<String, Change>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object such as {\"field\":{\"old\":1,\"new\":2}}")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut changes = BTreeMap::new();
            while let Some(Line(field)) = members.next_key()? {
                if changes.contains_key(&field) {
                    return Err(canonical::duplicate(&field));
                }
                let Object(PostedChange { old, new }) = members.next_value()?;
                changes.insert(field, Change { new, old });
            }
            Ok(changes)
        }
    }
    d.deserialize_any(Changes)
}
