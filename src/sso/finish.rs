//! What comes of a provider's answer.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::decide::{Plan, Who, decide};
use super::provision::provision;
use super::reports::{self, Content, ReportKind};
use super::{Found, Pending, Provider, Purpose, SsoError, repo};
use crate::audit::event::{Actor, Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::sso::{Identity, Refusal, Trace, Vouched};
use crate::authn::{
    self, Admission, AuthnError, Client, Factor, Factors, Person, Proof, Spend, admit,
};
use crate::authz::{Caller, Flag, Principal, Realm, RequestContext, TenantState};
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, SessionId, SsoTestId, UserId};
use crate::tenants::{AuditEvents, SystemWrite, Tenant, Tenants, WriteTx};

/// What a protocol makes of a provider's answer.
pub struct Answer {
    pub found: Found,
    /// Absent for what nobody has asked for.
    pub pending: Option<Pending>,
    pub result: Result<Identity, Refusal>,
    /// Ids of messages that work once, and until when they would work.
    pub messages: Vec<(String, Timestamp)>,
    pub trace: Trace,
}

pub enum Finished {
    Admitted {
        admission: Admission,
        /// Where the person wanted to go; of this console, if whoever sent them has looked.
        next: Option<String>,
    },
    Tested(ProviderId, SsoTestId),
    /// The new token of the session; its former one is over.
    Confirmed {
        token: Zeroizing<String>,
        next: Option<String>,
    },
    Refused(Refusal),
}

/// Admits, reports or confirms, as whoever was sent had wanted. Whatever is refused is recorded.
///
/// # Errors
/// What is broken, or nobody's doing at the provider: [`AuthnError::Suspended`].
pub async fn finish(
    tenants: &Tenants,
    tenant: &Tenant,
    answer: Answer,
    request: RequestContext,
) -> Result<Finished, SsoError> {
    let purpose = answer.pending.as_ref().map_or(Purpose::SignIn, |pending| pending.purpose);
    let desk = Desk { tenants, tenant, request };
    match purpose {
        Purpose::SignIn | Purpose::Confirm => {
            let (provider, kept) = (answer.found.provider.id, answer.pending.is_some());
            let mut content = Content::of(answer.trace.clone(), &answer.result);
            let done = match purpose {
                Purpose::SignIn => desk.sign_in(answer, &mut content.trace).await,
                _ => desk.confirm(answer, &mut content.trace).await,
            };
            match done {
                Err(SsoError::Refused(refusal)) => {
                    content.trace.refusal.get_or_insert(refusal);
                    desk.record_refusal(provider, refusal, kept.then_some(content)).await?;
                    Ok(Finished::Refused(refusal))
                }
                other => other,
            }
        }
        Purpose::Test => desk.test(answer).await,
        // A logout brings nobody in.
        Purpose::Logout => Ok(Finished::Refused(Refusal::NotAsked)),
    }
}

struct Desk<'a> {
    tenants: &'a Tenants,
    tenant: &'a Tenant,
    request: RequestContext,
}

/// Somebody who is known by now.
struct Known {
    provider: ProviderId,
    person: UserId,
    factor: Factor,
    vouched: Vouched,
    messages: Vec<(String, Timestamp)>,
}

impl Known {
    /// Uses the messages up, where it is still true that the provider speaks for the person.
    fn spend(&self, tx: &mut WriteTx<'_, SystemWrite>) -> Result<(), AuthnError> {
        let linked = repo::linked(tx, self.provider, &self.vouched.subject)?;
        if !repo::is_on(tx, self.provider)? || linked != Some(self.person) {
            return Err(AuthnError::Ticket);
        }
        for (message, until) in &self.messages {
            if !repo::use_up(tx, self.provider, message, *until)? {
                return Err(AuthnError::Ticket);
            }
        }
        Ok(repo::seen(tx, self.provider, self.person)?)
    }
}

impl Desk<'_> {
    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }

    async fn sign_in(&self, answer: Answer, trace: &mut Trace) -> Result<Finished, SsoError> {
        if !self.tenant.state.admits() {
            return Err(AuthnError::Suspended.into());
        }
        let (pending, known) = self.recognize(answer, trace).await?;
        let realm = self.realm();
        let id = *known.person.bytes();
        let find = self.tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
        let person = find.await?.ok_or(Refusal::Disabled)?;
        let factors = Factors::first(known.factor);
        let vouched = Some(known.vouched.clone());
        let spend: Spend = Box::new(move |tx, _| {
            known.spend(tx)?;
            Ok(AuditEvents::none())
        });
        let (client, request) = (Client::Browser, self.request.clone());
        let proof = Proof { person, factors, client, request, vouched, spend };
        let admission = admit(self.tenants, realm, proof).await.map_err(over)?;
        Ok(Finished::Admitted { admission, next: pending.and_then(|one| one.expected.next) })
    }

    async fn confirm(&self, answer: Answer, trace: &mut Trace) -> Result<Finished, SsoError> {
        let session = answer.pending.as_ref().and_then(|pending| pending.session);
        let session = session.ok_or(Refusal::Over)?;
        let caller = self.caller(session).await?.ok_or(Refusal::Over)?;
        let me = match &caller.principal {
            Principal::User { id, .. } => *id,
            _ => return Err(Refusal::Over.into()),
        };
        // Before anything is changed by a word about somebody else.
        if let (Ok(identity), provider) = (&answer.result, answer.found.provider.id) {
            let subject = identity.subject.clone();
            let look = self
                .tenants
                .credentials(self.realm(), move |tx| repo::linked(tx, provider, &subject));
            if look.await? != Some(me) {
                return Err(trace.refused("person-same", Refusal::OtherPerson, None, None).into());
            }
        }
        let (pending, known) = self.recognize(answer, trace).await?;
        let factor = known.factor;
        let spend = move |tx: &mut WriteTx<'_, SystemWrite>| known.spend(tx);
        let confirmed = authn::confirm_by_provider(self.tenants, &caller, factor, spend).await;
        let token = confirmed.map_err(over)?.token.ok_or(Refusal::Over)?;
        Ok(Finished::Confirmed { token, next: pending.and_then(|one| one.expected.next) })
    }

    /// Finds out who it is, and does to the members what the provider's settings say.
    async fn recognize(
        &self,
        answer: Answer,
        trace: &mut Trace,
    ) -> Result<(Option<Pending>, Known), SsoError> {
        let Answer { found, pending, result, messages, .. } = answer;
        let (provider, identity) = (found.provider, result?);
        if pending.as_ref().is_some_and(|pending| pending.provider != provider.id) {
            return Err(trace.refused("issuer", Refusal::IssuerWrong, None, None).into());
        }
        let plan = self.plan(&provider, &identity, &messages, trace).await?;
        let person = match &plan.who {
            // A frozen tenant lets people in and changes nothing about them; read-only mode as well.
            Who::Known(member)
                if self.tenant.state == TenantState::Frozen
                    || self.tenants.read_only().is_some()
                    || !plan.changes_something() =>
            {
                member.id
            }
            who => {
                let is_new = matches!(who, Who::New { .. });
                self.provision(&provider, &identity, is_new).await?
            }
        };
        let (factor, vouched) = vouched(&provider, identity, self.tenants.runtime().now());
        Ok((pending, Known { provider: provider.id, person, factor, vouched, messages }))
    }

    async fn plan(
        &self,
        provider: &Provider,
        identity: &Identity,
        messages: &[(String, Timestamp)],
        trace: &mut Trace,
    ) -> Result<Plan, SsoError> {
        let (provider, identity) = (provider.clone(), identity.clone());
        let (messages, mut steps) = (messages.to_vec(), std::mem::take(trace));
        let look = self.tenants.credentials(self.realm(), move |tx| {
            let mut look = || {
                if !repo::is_on(tx, provider.id)? {
                    return Err(steps.refused("provider", Refusal::ProviderOff, None, None).into());
                }
                for (message, _) in &messages {
                    if repo::was_used(tx, provider.id, message)? {
                        let found = Some(message.clone());
                        return Err(steps.refused("replay", Refusal::Replayed, found, None).into());
                    }
                }
                note_session(&provider, &identity, &mut steps);
                decide(tx, &provider, &identity, &mut steps)
            };
            let plan = look();
            Ok::<_, SsoError>((plan, steps))
        });
        let (plan, steps) = look.await?;
        *trace = steps;
        plan
    }

    /// Decides once more, and does it.
    async fn provision(
        &self,
        provider: &Provider,
        identity: &Identity,
        is_new: bool,
    ) -> Result<UserId, SsoError> {
        let realm = self.realm();
        let subject = match is_new {
            true => Some(self.tenants.new_subject(realm).await?),
            false => None,
        };
        let (provider, identity) = (provider.clone(), identity.clone());
        let request = self.request.clone();
        let write = self.tenants.change_credentials_if_active(realm, move |tx| {
            let plan = decide(tx, &provider, &identity, &mut Trace::default())?;
            provision(tx, &provider, &identity, plan, subject, &request)
        });
        Ok(write.await?.value)
    }

    /// Changes nothing but that there is a report.
    async fn test(&self, answer: Answer) -> Result<Finished, SsoError> {
        let session = answer.pending.as_ref().and_then(|pending| pending.session);
        let caller = match session {
            Some(session) => self.caller(session).await?,
            None => None,
        };
        let may = |caller: &Arc<Caller>| caller.principal.permissions().has(Flag::SsoManage);
        let Some(caller) = caller.filter(may) else { return Ok(Finished::Refused(Refusal::Over)) };
        let Answer { found, result, trace, .. } = answer;
        let provider = found.provider;
        let id = provider.id;
        let write = self.tenants.change_credentials(self.realm(), Some(caller), move |tx| {
            let mut content = Content::of(trace.clone(), &result);
            if let Ok(identity) = &result {
                note_session(&provider, identity, &mut content.trace);
                match decide(tx, &provider, identity, &mut content.trace) {
                    Ok(_) => {}
                    Err(SsoError::Refused(refusal)) => {
                        content.trace.refusal.get_or_insert(refusal);
                    }
                    Err(error) => return Err(error),
                }
            } else if let Err(refusal) = &result {
                content.trace.refusal.get_or_insert(*refusal);
            }
            let report = reports::keep(tx, provider.id, ReportKind::Test, &content)?;
            let mut event = Event::new(catalogue::SSO_TESTED);
            event.resource = Some(Resource::new("identity_provider", provider.id.to_string()));
            event.custom_fields.insert("report".into(), report.to_string().into());
            if let Some(refusal) = content.trace.refusal {
                event.outcome = Outcome::Failure;
                event.custom_fields.insert("reason".into(), refusal.code().into());
            }
            Ok::<_, SsoError>((report, event.into()))
        });
        Ok(Finished::Tested(id, write.await?.value))
    }

    /// Whoever had that session when they were sent, if they have it still.
    async fn caller(&self, session: SessionId) -> Result<Option<Arc<Caller>>, SsoError> {
        let principal = authn::principal_of(self.tenants, self.tenant.id, session).await?;
        let request = RequestContext { browser: None, ..self.request.clone() };
        Ok(principal.map(|principal| Arc::new(Caller { principal, request })))
    }

    async fn record_refusal(
        &self,
        provider: ProviderId,
        refusal: Refusal,
        report: Option<Content>,
    ) -> Result<(), SsoError> {
        let mut event = Event::new(catalogue::LOGIN_FAILED);
        event.outcome = Outcome::Failure;
        authn::links::from_stranger(&mut event, &self.request);
        event.custom_fields.insert("provider".into(), provider.to_string().into());
        event.custom_fields.insert("reason".into(), refusal.code().into());
        let subject = report.as_ref().and_then(|content| content.arrived.as_ref());
        if let Some(subject) = subject.map(|arrived| arrived.subject.clone()) {
            let look = self
                .tenants
                .credentials(self.realm(), move |tx| repo::linked(tx, provider, &subject));
            let actor = look.await?.map(|person| Actor::new("user", person.to_string()));
            event.actor = actor;
        }
        self.tenants.record_failed_sign_in(self.realm(), event).await?;
        let Some(content) = report else { return Ok(()) };
        let what = SystemWrite::SignInState;
        let keep = self.tenants.system_write(self.realm(), what, move |tx| {
            reports::keep(tx, provider, ReportKind::SignIn, &content)
        });
        Ok(keep.await.map(|_| ())?)
    }
}

/// What was shown counts once, and while things are as they were.
fn over(error: AuthnError) -> SsoError {
    match error {
        AuthnError::Ticket => Refusal::Replayed.into(),
        AuthnError::WrongPassword => Refusal::Disabled.into(),
        error => error.into(),
    }
}

/// Whether the provider says, and is trusted to know, that it has asked for two factors.
fn trusted<'a>(provider: &Provider, identity: &'a Identity) -> Option<&'a str> {
    let trusted = &provider.settings.trust.second_factor_contexts;
    let fits = |context: &&String| trusted.iter().any(|one| one == "*" || one == *context);
    identity.contexts.iter().find(fits).map(String::as_str)
}

fn note_session(provider: &Provider, identity: &Identity, trace: &mut Trace) {
    match trusted(provider, identity) {
        Some(context) => trace.passed("second-factor", context),
        None => trace.noted("second-factor-here", identity.contexts.join(", ")),
    }
}

fn vouched(provider: &Provider, identity: Identity, now: Timestamp) -> (Factor, Vouched) {
    let factor = match trusted(provider, &identity) {
        Some(_) => Factor::ProviderMfa,
        None => Factor::Provider,
    };
    let mut session = identity.session;
    let hours = provider
        .settings
        .session_hours
        .map(|hours| now.plus(std::time::Duration::from_secs(u64::from(hours) * 3600)));
    session.ends = session.ends.into_iter().chain(hours).min();
    (factor, Vouched { provider: provider.id, subject: identity.subject, session })
}
