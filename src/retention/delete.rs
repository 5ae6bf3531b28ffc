//! Deleting what is due, a bounded batch in each transaction. Every deletion asks for holds in its
//! own transaction, so that one that is set while a run goes on counts from then on.

use std::collections::HashMap;

use super::class::Class;
use super::due::Cutoff;
use super::report::ClassReport;
use super::{RetentionError, holds, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::kernel::Timestamp;
use crate::kernel::id::{ConversationId, RetentionRunId};
use crate::tenants::WriteTx;

/// Conversations deleted in one write, which its entry names; and about so many messages.
const CONVERSATIONS: u32 = 100;
const MESSAGES: u64 = 5_000;
/// Messages deleted in one write without their conversation.
const SINGLE_MESSAGES: u32 = 1_000;
const RECORDS: u32 = 500;

/// How far a class has come: the last that was looked at. What is held is passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    time: Timestamp,
    conversation: ConversationId,
    seq: u64,
}

impl Position {
    pub const START: Self = Self {
        time: Timestamp::from_micros(i64::MIN),
        conversation: ConversationId::from_bytes([0; 16]),
        seq: 0,
    };
}

/// What one write did.
pub struct Batch {
    pub report: ClassReport,
    /// Where the next one begins; nothing at the end.
    pub next: Option<Position>,
    /// Nothing when nothing was deleted.
    pub event: Option<Event>,
}

/// Deletes the next of what is due.
pub fn batch<P>(
    tx: &mut WriteTx<'_, P>,
    run: RetentionRunId,
    cutoff: Cutoff,
    from: Position,
) -> Result<Batch, RetentionError> {
    match cutoff.class {
        Class::ClosedConversations => conversations(tx, run, cutoff, from),
        Class::Messages => messages(tx, run, cutoff, from),
        _ => sign_in_records(tx, run, cutoff),
    }
}

fn conversations<P>(
    tx: &mut WriteTx<'_, P>,
    run: RetentionRunId,
    cutoff: Cutoff,
    from: Position,
) -> Result<Batch, RetentionError> {
    let now = tx.runtime().now();
    let mut report = ClassReport::new(cutoff.class, cutoff.days, cutoff.before);
    let after = (from.time, from.conversation);
    let due = repo::due_conversations(tx, cutoff.before, after, CONVERSATIONS)?;
    let is_full = due.len() >= CONVERSATIONS as usize;
    let (mut gone, mut next) = (Vec::new(), None);
    for found in due {
        if report.messages >= MESSAGES {
            break;
        }
        next = Some(Position { time: found.closed, conversation: found.id, seq: 0 });
        if holds::over(tx, found.id, found.person)?.is_some() {
            report.held += 1;
            continue;
        }
        repo::delete_conversation(tx, found.id)?;
        report.saw(found.closed);
        report.messages += found.messages;
        gone.push(found.id);
        if let Some(person) = found.person
            && !repo::has_conversations(tx, person)?
            && holds::subject(tx, person)?.is_none()
        {
            repo::retire_person(tx, person, run, now)?;
            report.persons += 1;
        }
    }
    let next = next.filter(|_| is_full || report.messages >= MESSAGES);
    let event = (!gone.is_empty()).then(|| event(run, &report, &gone));
    Ok(Batch { report, next, event })
}

fn messages<P>(
    tx: &mut WriteTx<'_, P>,
    run: RetentionRunId,
    cutoff: Cutoff,
    from: Position,
) -> Result<Batch, RetentionError> {
    let mut report = ClassReport::new(cutoff.class, cutoff.days, cutoff.before);
    let after = (from.time, from.conversation, from.seq);
    let due = repo::due_messages(tx, cutoff.before, after, SINGLE_MESSAGES)?;
    let is_full = due.len() >= SINGLE_MESSAGES as usize;
    let (mut gone, mut held, mut next) = (Vec::new(), HashMap::new(), None);
    for found in due {
        // The entry names the conversations, so there are not too many in a batch.
        let is_new = !held.contains_key(&found.conversation);
        if is_new && gone.len() >= CONVERSATIONS as usize {
            break;
        }
        if is_new {
            let is_held = holds::conversation(tx, found.conversation)?.is_some();
            held.insert(found.conversation, is_held);
            if !is_held {
                gone.push(found.conversation);
            }
        }
        let repo::DueMessage { conversation, seq, sent } = found;
        next = Some(Position { time: sent, conversation, seq });
        if held[&conversation] {
            report.held += 1;
        } else {
            repo::delete_message(tx, &found)?;
            report.saw(sent);
        }
    }
    let next = next.filter(|_| is_full || gone.len() >= CONVERSATIONS as usize);
    let event = (report.deleted > 0).then(|| event(run, &report, &gone));
    Ok(Batch { report, next, event })
}

fn sign_in_records<P>(
    tx: &mut WriteTx<'_, P>,
    run: RetentionRunId,
    cutoff: Cutoff,
) -> Result<Batch, RetentionError> {
    let mut report = ClassReport::new(cutoff.class, cutoff.days, cutoff.before);
    let mut times = repo::delete_devices(tx, cutoff.before, RECORDS)?;
    times.extend(repo::delete_sso_reports(tx, cutoff.before, RECORDS)?);
    times.into_iter().for_each(|time| report.saw(time));
    // What is held was not selected; it is counted at the end.
    let is_last = report.deleted == 0;
    if is_last {
        report.held = repo::count_sign_in_records(tx, cutoff.before)?.held;
    }
    let event = (!is_last).then(|| event(run, &report, &[]));
    Ok(Batch { report, next: (!is_last).then_some(Position::START), event })
}

/// What an auditor asks later: what went, by which rule, and which conversations it was of.
fn event(run: RetentionRunId, report: &ClassReport, conversations: &[ConversationId]) -> Event {
    let mut event = Event::new(catalogue::RETENTION_COMPLETED);
    event.resource = Some(Resource::new("retention_run", run.to_string()));
    let fields = &mut event.custom_fields;
    fields.insert("class".into(), report.class.name().into());
    fields.insert("retentionDays".into(), report.days.into());
    fields.insert("before".into(), report.before.to_string().into());
    fields.insert("deleted".into(), report.deleted.into());
    if report.class == Class::ClosedConversations {
        fields.insert("messageCount".into(), report.messages.into());
        fields.insert("persons".into(), report.persons.into());
    }
    if !conversations.is_empty() {
        let ids: Vec<_> = conversations.iter().map(ToString::to_string).collect();
        fields.insert("conversations".into(), ids.into());
    }
    event
}
