//! Erasing a person. Three steps, each of which is done once however often it is tried: it is begun
//! (a row and the entry `erasure.requested`), the key is destroyed (search index first, then the
//! ledger, then the key), and it is finished: what is not sealed under the key is dealt with, and
//! `erasure.completed` has the certificate. One that was interrupted is completed by the next call
//! about the same person, or by the job `erasures.complete`.

use serde::{Deserialize, Serialize};

use super::certificate::Certified;
use super::person::{self, Person};
use super::repo::{self, Stored};
use super::{Erasure, ErasureCounts, Kind, PrivacyError, Wanted, Who, list, preview};
use crate::approvals::{self, Act, Approved};
use crate::audit::event::Resource;
use crate::audit::proof::Prover;
use crate::audit::read::Opener;
use crate::audit::shreds::AskedBy;
use crate::audit::{Event, catalogue};
use crate::authz::permission::SubjectErase;
use crate::authz::{Actor, Grant};
use crate::backup;
use crate::config::Ageing;
use crate::conversations;
use crate::crypto::Field;
use crate::kernel::id::{ErasureId, KeyId, UserId};
use crate::kernel::{Timestamp, limits};
use crate::retention::holds::{self, Held};
use crate::store::StoreError;
use crate::store::erasures::OF_A_PERSON;
use crate::tenants::{AuditEvents, DoorError, IdempotencyKey, RealmTx, Tenant, Tenants, WriteTx};
use crate::trail::export;
use crate::users;

/// What is kept of an erasure beside its row's columns; sealed under the tenant's key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    pub reason: String,
    pub request: Option<String>,
    pub counts: ErasureCounts,
    pub keys_until: Option<Timestamp>,
    pub data_until: Option<Timestamp>,
}

/// Erases a person. `ageing` says how long backups keep what was destroyed.
///
/// # Errors
/// [`PrivacyError::NobodyFound`], [`PrivacyError::Several`], [`PrivacyError::Confirmation`],
/// [`PrivacyError::Reason`], [`PrivacyError::Held`]; of a member [`PrivacyError::User`] for the last
/// owner, the emergency account, oneself and whoever has more rights;
/// [`PrivacyError::Approval`] when a second person has to approve it. Called again it goes on where
/// it stopped, and for somebody who is erased it answers with what was done then.
pub async fn erase(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    wanted: Wanted,
    ageing: Option<Ageing>,
    key: Option<IdempotencyKey>,
) -> Result<Erasure, PrivacyError> {
    let asked = Asked {
        who: wanted.who,
        confirm: Some(wanted.confirm),
        reason: check_reason(&wanted.reason)?,
        request: wanted.request.map(|number| check_request(&number)).transpose()?.flatten(),
        approved: None,
    };
    to_its_end(tenants, grant, tenant, asked, ageing, key).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn erase_approved(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    (subject, request): (KeyId, Option<String>),
    reason: &str,
    approved: Approved,
    ageing: Option<Ageing>,
) -> Result<Erasure, PrivacyError> {
    let (reason, approved) = (reason.to_owned(), Some(approved));
    let asked = Asked { who: Who::Subject(subject), confirm: None, reason, request, approved };
    to_its_end(tenants, grant, tenant, asked, ageing, None).await
}

#[derive(Clone)]
struct Asked {
    who: Who,
    confirm: Option<String>,
    reason: String,
    request: Option<String>,
    approved: Option<Approved>,
}

/// Goes on to its end even when the caller goes away.
async fn to_its_end(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    asked: Asked,
    ageing: Option<Ageing>,
    key: Option<IdempotencyKey>,
) -> Result<Erasure, PrivacyError> {
    let (tenants, grant, tenant) = (tenants.clone(), grant.clone(), tenant.clone());
    let run = tokio::spawn(async move {
        let id = begin(&tenants, &grant, asked, key).await?;
        match complete(&tenants, &grant, &tenant, id, ageing).await {
            Err(PrivacyError::Door(DoorError::Store(StoreError::LedgerNotCopied(why)))) => {
                tracing::error!(%why, "a person's erasure waits for a backup target");
                Err(PrivacyError::Begun)
            }
            done => done,
        }
    });
    run.await.map_err(|_| DoorError::from(StoreError::Panicked))?
}

#[cfg(test)]
pub(super) async fn begin_for_test(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    who: Who,
) -> ErasureId {
    let (confirm, reason) = (None, "test".to_owned());
    let asked = Asked { who, confirm, reason, request: None, approved: None };
    begin(tenants, grant, asked, None).await.unwrap()
}

/// Writes down that the person is erased from now on. A member cannot sign in any more.
async fn begin(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    asked: Asked,
    key: Option<IdempotencyKey>,
) -> Result<ErasureId, PrivacyError> {
    let who = asked.who.clone();
    // From the index, which a write cannot ask.
    let entries = tenants.read(grant, move |tx| match person::find(tx, &who)?.as_slice() {
        [person] => preview::mentions(tx, person.key),
        _ => Ok(None),
    });
    let entries = entries.await?;
    let caller = grant.caller().clone();
    let written = tenants.write_once(grant, key, move |tx| {
        if let Who::Subject(subject) = asked.who
            && let Some(known) = repo::of_subject(tx, subject)?
        {
            return Ok((known.id, AuditEvents::none()));
        }
        let person = person::find_one(tx, &asked.who)?;
        if let Some(known) = repo::of_subject(tx, person.key)? {
            return Ok((known.id, AuditEvents::none()));
        }
        if let Some(typed) = &asked.confirm
            && !person.is_confirmed_by(typed)
        {
            return Err(PrivacyError::Confirmation(person.kind));
        }
        check_held(tx, person.key)?;
        let member = person.member;
        if let Some(id) = member {
            users::check_leaving(tx, &caller.principal, id)?;
        }
        let act = Act::ErasePerson { subject: person.key, request: asked.request.clone() };
        let passed = approvals::pass(tx, asked.approved.as_ref(), act)?;
        let counts = ErasureCounts { entries, ..repo::counts(tx, &person)? };
        for search in repo::searches_naming(tx, &person)? {
            repo::delete_search(tx, search)?;
        }
        if let Some(id) = member {
            users::lock_out(tx, id)?;
        }
        let stored = insert(tx, caller.principal.actor(), &person, &asked, counts)?;
        let mut event = about(catalogue::ERASURE_REQUESTED, &stored, member);
        event.custom_fields.insert("reason".into(), asked.reason.as_str().into());
        if let Some(number) = &asked.request {
            event.custom_fields.insert("request".into(), number.as_str().into());
        }
        let counts = serde_json::to_value(counts).unwrap_or_default();
        event.custom_fields.insert("counts".into(), counts);
        asked.approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok((stored.id, passed.and(event)))
    });
    Ok(written.await?.value)
}

fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    actor: Actor,
    person: &Person,
    asked: &Asked,
    counts: ErasureCounts,
) -> Result<Stored, PrivacyError> {
    let id: ErasureId = tx.runtime().id();
    let details = Details {
        reason: asked.reason.clone(),
        request: asked.request.clone(),
        counts,
        keys_until: None,
        data_until: None,
    };
    let stored = Stored {
        id,
        subject: person.key,
        kind: person.kind,
        actor: AskedBy { kind: actor.kind.to_owned(), id: actor.id },
        details: seal(tx, id, &details)?,
        begun: tx.runtime().now(),
        finished: None,
    };
    repo::insert(tx, &stored)?;
    Ok(stored)
}

/// Destroys the key and finishes; what is done already is not done again.
pub(super) async fn complete(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    id: ErasureId,
    ageing: Option<Ageing>,
) -> Result<Erasure, PrivacyError> {
    let found = tenants.read(grant, move |tx| {
        let stored = repo::find(tx, id)?.ok_or(PrivacyError::NotFound)?;
        let lives = tx.keys().holds_subject(stored.subject)?;
        if lives {
            // One may have been set since it was begun.
            check_held(tx, stored.subject)?;
        }
        Ok::<_, PrivacyError>((stored.finished.is_some(), stored.subject, lives))
    });
    let (finished, subject, lives) = found.await?;
    if finished {
        return list::find(tenants, grant, id).await;
    }
    if lives || tenants.ledger_line(subject).await?.is_none() {
        tenants.destroy_subject(grant.realm(), subject, OF_A_PERSON).await?;
    }
    // It has their tags, their account and what finds them. Until this is finished it is done again,
    // should another upgrade come in between.
    tenants.forget_data_before(grant.realm()).await?;
    // Files that were written while the key was there say in clear what it sealed.
    export::discard_all(tenants, grant).await?;
    finish(tenants, grant, tenant, id, ageing).await?;
    list::find(tenants, grant, id).await
}

async fn finish(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    id: ErasureId,
    ageing: Option<Ageing>,
) -> Result<(), PrivacyError> {
    let (notary, slug) = (tenants.notary().clone(), tenant.slug.clone());
    let subject = list::find(tenants, grant, id).await?.subject;
    let ledger = tenants.ledger_line(subject).await?.ok_or(PrivacyError::NotFound)?;
    let elsewhere = backup::catalogue::beyond_reach(tenants).await?;
    let written = tenants.write(grant, move |tx| {
        let stored = repo::find(tx, id)?.ok_or(PrivacyError::NotFound)?;
        if stored.finished.is_some() {
            return Ok(((), AuditEvents::none()));
        }
        let member = repo::member_of(tx, stored.subject)?;
        match stored.kind {
            Kind::DataSubject => {
                conversations::forget_subject(tx, stored.subject)?;
                repo::clear_tags(tx, stored.subject)?;
            }
            Kind::Member => member.map_or(Ok(()), |id| users::remove(tx, id))?,
        }
        let time = tx.runtime().now();
        let mut details = open(tx, &stored)?;
        details.keys_until = ageing.map(|ageing| ageing.keys_gone(time));
        details.data_until = ageing.map(|ageing| ageing.data_gone(time));
        let size = tx.first_entry() - 1;
        let root = Prover::of_log(tx).and_then(|prover| {
            prover.root(size).map_err(|error| StoreError::Sql(error.to_string().into()))
        })?;
        let certified = Certified {
            erasure: &stored,
            tenant: tx.owner(),
            slug: slug.as_str(),
            counts: details.counts,
            ledger: &ledger,
            log: Opener::new(tx, tx.shared_keys())?.log(),
            size,
            root,
            time,
            keys_until: details.keys_until,
            data_until: details.data_until,
            elsewhere: &elsewhere,
        };
        let certificate = certified.sign(notary.signer())?;
        let sealed = seal(tx, id, &details)?;
        repo::finish(tx, id, &sealed, time, &certificate)?;
        let mut event = about(catalogue::ERASURE_COMPLETED, &stored, member);
        event.custom_fields.insert("certificate".into(), certificate.as_str().into());
        Ok::<_, PrivacyError>(((), event.into()))
    });
    written.await.map(|_| ())
}

fn about(action: catalogue::Action, erasure: &Stored, member: Option<UserId>) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(match member {
        Some(id) => Resource::new("user", id.to_string()),
        None => Resource::new("data_subject", erasure.subject.to_string()),
    });
    event.custom_fields.insert("erasure".into(), erasure.id.to_string().into());
    event.custom_fields.insert("subject".into(), erasure.subject.to_string().into());
    event
}

/// # Errors
/// [`PrivacyError::Held`] while a legal hold keeps the person.
fn check_held(tx: &impl RealmTx, key: KeyId) -> Result<(), PrivacyError> {
    holds::subject(tx, key)?.map_or(Ok(()), |hold| Err(Held(hold).into()))
}

fn seal<P>(tx: &WriteTx<'_, P>, id: ErasureId, details: &Details) -> Result<Vec<u8>, PrivacyError> {
    let json = serde_json::to_vec(details).unwrap_or_default();
    Ok(tx.seal(Field::ErasureDetails, id.bytes(), None, &json)?)
}

pub(super) fn open(tx: &impl RealmTx, stored: &Stored) -> Result<Details, PrivacyError> {
    let json = tx.open(Field::ErasureDetails, stored.id.bytes(), &stored.details)?;
    Ok(serde_json::from_slice(&json).map_err(|_| crate::crypto::CryptoError::Unreadable)?)
}

fn check_reason(reason: &str) -> Result<String, PrivacyError> {
    let reason = reason.trim();
    let fine = (1..=limits::LINE_BYTES).contains(&reason.len())
        && !reason.chars().any(|c| c.is_control() && c != '\n' && c != '\r');
    fine.then(|| reason.to_owned()).ok_or(PrivacyError::Reason)
}

/// An empty one is none.
fn check_request(number: &str) -> Result<Option<String>, PrivacyError> {
    let number = number.trim();
    match number.len() <= 128 && !number.chars().any(char::is_control) {
        true => Ok(Some(number.to_owned()).filter(|number| !number.is_empty())),
        false => Err(PrivacyError::Request),
    }
}
