//! What would go, if retention ran now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::Class;
use super::due::{self, Cutoff};
use super::policy::{Installation, PolicyChanges, in_force};
use super::{RetentionError, clock, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{ConversationRead, RetentionRead};
use crate::authz::{Grant, Permission};
use crate::conversations;
use crate::kernel::Timestamp;
use crate::kernel::id::{ConversationId, KeyId};
use crate::tenants::{ReadTx, RealmTx, Tenants};

/// What a class shows of what would go, the oldest first.
const SAMPLE: u32 = 20;

/// What would go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The time that data is as old by: a clock that runs ahead is not believed at once.
    pub as_of: Timestamp,
    pub classes: Vec<PreviewedClass>,
    /// When the last backup that holds any of it would be deleted, at the latest; null when none is
    /// made.
    pub last_backup_until: Option<Timestamp>,
}

impl Preview {
    pub fn due(&self) -> u64 {
        self.classes.iter().map(|class| class.due).sum()
    }
}

/// What would go of one class.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewedClass {
    pub class: Class,
    /// Null when the class is kept until somebody deletes it.
    pub days: Option<u32>,
    /// Conversations, messages or records.
    pub due: u64,
    /// Messages that would go with their conversations.
    pub messages: u64,
    /// Persons of whom nothing would be left: their keys would be destroyed.
    pub persons: u64,
    /// Past their time, and kept by a legal hold.
    pub held: u64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    pub sample: Vec<Sample>,
}

/// One of what would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    pub conversation: ConversationId,
    /// From when its time counts: when it was closed or the message sent.
    pub at: Timestamp,
    /// The person, for who may see conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// What would go now, under the present policies or under others; looking is recorded.
///
/// # Errors
/// [`RetentionError::Days`], [`RetentionError::Elsewhere`]
pub async fn preview(
    tenants: &Tenants,
    grant: &Grant<RetentionRead>,
    changes: PolicyChanges,
    installation: Installation,
) -> Result<Preview, RetentionError> {
    changes.check()?;
    let wall = tenants.runtime().now();
    let names = grant.caller().principal.permissions().has(ConversationRead::FLAG);
    let carried = tenants.carried(grant.realm());
    let found = tenants.disclose(grant, move |tx| {
        let as_of = clock::careful(tx, carried, wall)?;
        let policies = in_force(tx, &changes)?;
        let cutoffs = due::cutoffs(&policies, as_of);
        let class = |class: &Class| {
            let cutoff = cutoffs.iter().find(|cutoff| cutoff.class == *class);
            look(tx, *class, cutoff, &cutoffs, names)
        };
        let classes: Result<Vec<_>, RetentionError> = Class::DELETED.iter().map(class).collect();
        let last_backup_until = installation.ageing.map(|ageing| ageing.data_gone(wall));
        let preview = Preview { as_of, classes: classes?, last_backup_until };
        let event = event(&preview, &changes);
        Ok::<_, RetentionError>((preview, event))
    });
    Ok(found.await?.value)
}

fn look(
    tx: &ReadTx<'_>,
    class: Class,
    cutoff: Option<&Cutoff>,
    all: &[Cutoff],
    names: bool,
) -> Result<PreviewedClass, RetentionError> {
    let Some(Cutoff { before, days, .. }) = cutoff.copied() else {
        return Ok(PreviewedClass::nothing(class));
    };
    let closed = all.iter().find(|cutoff| cutoff.class == Class::ClosedConversations);
    let closed = closed.map(|cutoff| cutoff.before);
    let (counted, persons, sample) = match class {
        Class::ClosedConversations => (
            repo::count_conversations(tx, before)?,
            repo::count_persons(tx, before)?,
            repo::sample_conversations(tx, before, SAMPLE)?,
        ),
        Class::Messages => (
            repo::count_messages(tx, before, closed)?,
            0,
            repo::sample_messages(tx, before, closed, SAMPLE)?,
        ),
        _ => (repo::count_sign_in_records(tx, before)?, 0, Vec::new()),
    };
    let sample = sample.into_iter().map(|(conversation, person, at)| {
        let person = match person {
            Some(person) if names => name(tx, person)?,
            _ => None,
        };
        Ok(Sample { conversation, at, person })
    });
    Ok(PreviewedClass {
        class,
        days: Some(days),
        due: counted.due,
        messages: counted.messages,
        persons,
        held: counted.held,
        oldest: counted.oldest,
        newest: counted.newest,
        sample: sample.collect::<Result<_, RetentionError>>()?,
    })
}

fn name(tx: &impl RealmTx, person: KeyId) -> Result<Option<String>, RetentionError> {
    let found = conversations::person(tx, person)?;
    Ok(found.and_then(|person| person.name.or(person.email).or(person.id)))
}

impl PreviewedClass {
    fn nothing(class: Class) -> Self {
        Self {
            class,
            days: None,
            due: 0,
            messages: 0,
            persons: 0,
            held: 0,
            oldest: None,
            newest: None,
            sample: Vec::new(),
        }
    }
}

fn event(preview: &Preview, changes: &PolicyChanges) -> Event {
    let mut event = Event::new(catalogue::RETENTION_PREVIEWED);
    event.resource = Some(Resource::new("setting", "retention"));
    let counts: serde_json::Map<_, _> = preview
        .classes
        .iter()
        .map(|class| (class.class.name().to_owned(), class.due.into()))
        .collect();
    event.custom_fields.insert("due".into(), counts.into());
    if !changes.policies.is_empty() {
        let days = serde_json::to_value(&changes.policies).unwrap_or_default();
        event.custom_fields.insert("policies".into(), days);
    }
    event
}
