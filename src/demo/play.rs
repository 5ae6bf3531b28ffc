//! Doing what was planned, through the same services as everybody.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::DemoError;
use super::clock::HistoryClock;
use super::house::House;
use super::plan::{Plan, Planned, Step};
use crate::api_keys::{self, NewApiKey};
use crate::app::App;
use crate::audit::event::{Actor, Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::{self, Hasher};
use crate::authz::permission as p;
use crate::authz::{Caller, Principal, Realm, Role};
use crate::conversations::ConversationState;
use crate::conversations::{
    self, ConversationChanges, ConversationFilter, NewMessages, PageRequest,
};
use crate::jobs::{Runner, verify_logs};
use crate::kernel::Timestamp;
use crate::kernel::id::SessionId;
use crate::tenants::{AuditEvents, DoorError, StateChange, change_state};
use crate::trail::{self, SearchRequest};
use crate::users;

/// Steps that share commits.
const GROUP: usize = 40;
/// They lie this close together.
const GROUP_SPAN: Duration = Duration::from_secs(3 * 60 * 60);
/// How often a step looks at the clock, about.
const LOOKS: usize = 16;

pub struct Stage<'a> {
    pub app: &'a App,
    pub clock: &'a HistoryClock,
    pub houses: &'a [House],
    pub administrator: &'a Arc<Caller>,
    pub jobs: &'a Runner,
    pub hasher: &'a Hasher,
}

/// Plays the plans of all houses side by side.
pub async fn play(stage: &Stage<'_>, plans: Vec<Plan>) -> Result<(), DemoError> {
    let (mut scripts, mut steps) = (Vec::new(), Vec::new());
    for (house, plan) in plans.into_iter().enumerate() {
        scripts.push(plan.scripts);
        steps.extend(plan.steps.into_iter().map(|planned| (house, planned)));
    }
    steps.sort_by_key(|(_, planned)| planned.at);
    let mut rest = steps.as_slice();
    while let Some((_, first)) = rest.first() {
        let (group, after) = rest.split_at(group_len(rest));
        let next = after.first().map_or(first.at, |(_, planned)| planned.at);
        stage.clock.go_to(first.at);
        stage.clock.pace(next.since(first.at), group.len() * LOOKS);
        let steps = group.iter().map(|(house, planned)| {
            let scene = Scene { stage, house: &stage.houses[*house], scripts: &scripts[*house] };
            async move { scene.perform(&planned.step).await }
        });
        try_join_all(steps).await?;
        rest = after;
    }
    Ok(())
}

/// How many of the next steps can be done at once: what follows from another waits for it.
fn group_len(steps: &[(usize, Planned)]) -> usize {
    let mut touched = std::collections::HashSet::new();
    let begins = steps.first().map_or(Timestamp::from_micros(0), |(_, planned)| planned.at);
    let fits = |n: usize, (house, planned): &(usize, Planned)| {
        let free = planned.step.conversation().is_none_or(|c| touched.insert((*house, c)));
        free && n < GROUP && planned.at.since(begins) < GROUP_SPAN && !planned.step.alone()
    };
    let mut fits = fits;
    let len = steps.iter().enumerate().take_while(|(n, step)| fits(*n, step)).count();
    len.max(1)
}

struct Scene<'a> {
    stage: &'a Stage<'a>,
    house: &'a House,
    scripts: &'a [super::script::Script],
}

impl Scene<'_> {
    async fn perform(&self, step: &Step) -> Result<(), DemoError> {
        match step {
            Step::SignIn(person) => self.sign_in(*person).await,
            Step::SignOut(person) => {
                let caller = self.house.person(self.stage.app, *person)?;
                Ok(authn::end_session(&self.stage.app.tenants, &caller).await?)
            }
            Step::SignInFails { email, ip } => self.sign_in_fails(email, ip).await,
            Step::Start(conversation) => self.start(*conversation).await,
            Step::Say { conversation, message } => self.say(*conversation, *message).await,
            Step::Close(conversation) => self.close(*conversation).await,
            Step::Reopen(conversation) => self.reopen(*conversation).await,
            Step::Tag { conversation, tag } => self.tag(*conversation, tag).await,
            Step::Look { person, conversation } => self.look(*person, *conversation).await,
            Step::List { person, open } => self.list(*person, *open).await,
            Step::Search { person, q } => self.search(*person, q).await,
            Step::Verify(person) => self.verify(*person).await,
            Step::Report(events) => self.report(events).await,
            Step::Trespass(person) => self.trespass(*person).await,
            Step::Overreach(person) => self.overreach(*person).await,
            Step::Promote { role } => self.promote(*role).await,
            Step::RotateKey => self.rotate_key().await,
            Step::Maintenance => self.maintenance().await,
            Step::EverybodySignsIn => {
                // A code of an app is right for half a minute.
                self.stage.clock.pace(Duration::ZERO, 1);
                self.house.sign_in(self.stage.app, self.stage.hasher).await
            }
            Step::NightlyVerification => {
                self.stage.jobs.run(&verify_logs::JOB).await;
                Ok(())
            }
        }
    }

    /// As `authn` records it; without the password, whose hashing takes a fifth of a second.
    async fn sign_in(&self, person: usize) -> Result<(), DemoError> {
        self.house.renew(self.stage.app, person);
        let caller = self.house.person(self.stage.app, person)?;
        let mut created = Event::new(catalogue::SESSION_CREATED);
        if let Principal::User { session, .. } = &caller.principal {
            created.resource = Some(Resource::new("session", SessionId::to_string(session)));
        }
        let events =
            move || AuditEvents::from(Event::new(catalogue::LOGIN_SUCCEEDED)).and(created.clone());
        let realm = Realm::Tenant(self.house.tenant.id);
        let tenants = &self.stage.app.tenants;
        let write = tenants
            .change_credentials(realm, Some(caller), move |_| Ok::<_, DoorError>(((), events())));
        Ok(write.await.map(|_| ())?)
    }

    async fn sign_in_fails(&self, email: &str, ip: &str) -> Result<(), DemoError> {
        let app = self.stage.app;
        let mut event = Event::new(catalogue::LOGIN_FAILED);
        event.outcome = Outcome::Failure;
        event.ip = ip.parse().ok();
        event.request_id = Some(app.runtime.id::<crate::kernel::id::RequestId>().to_string());
        match self.house.company.people.iter().position(|person| person.email == email) {
            Some(known) => {
                let caller = self.house.person(app, known)?;
                event.user_agent.clone_from(&caller.request.user_agent);
                event.actor = Some(Actor::new("user", caller.principal.actor().id));
            }
            None => {
                event.user_agent = Some("python-requests/2.32".into());
                event.custom_fields.insert("email".into(), email.into());
            }
        }
        let realm = Realm::Tenant(self.house.tenant.id);
        Ok(app.tenants.record(realm, event).await.map(|_| ())?)
    }

    async fn start(&self, conversation: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.application(app).await?;
        let grant = self.house.grant::<p::ConversationCreate>(app, &caller, "demo").await?;
        let new = self.scripts[conversation].new.clone();
        let created = conversations::create(&app.tenants, &grant, new, None).await?;
        self.house.started(conversation, created.value.id);
        self.say(conversation, 0).await
    }

    async fn say(&self, conversation: usize, message: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.application(app).await?;
        let grant = self.house.grant::<p::MessageAppend>(app, &caller, "demo").await?;
        let id = self.house.conversation(conversation)?;
        let message = self.scripts[conversation].messages[message].clone();
        let new = NewMessages::One(Box::new(message));
        conversations::append_messages(&app.tenants, &grant, id, new, None).await?;
        Ok(())
    }

    async fn close(&self, conversation: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.application(app).await?;
        let grant = self.house.grant::<p::ConversationClose>(app, &caller, "demo").await?;
        let id = self.house.conversation(conversation)?;
        conversations::close(&app.tenants, &grant, id).await?;
        Ok(())
    }

    async fn reopen(&self, conversation: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, 2)?;
        let grant = self.house.grant::<p::ConversationReopen>(app, &caller, "demo").await?;
        let id = self.house.conversation(conversation)?;
        conversations::reopen(&app.tenants, &grant, id).await?;
        Ok(())
    }

    async fn tag(&self, conversation: usize, tag: &str) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, 2)?;
        let grant = self.house.grant::<p::ConversationUpdate>(app, &caller, "demo").await?;
        let id = self.house.conversation(conversation)?;
        let mut tags = self.scripts[conversation].new.tags.clone();
        tags.push(tag.to_owned());
        let changes = ConversationChanges { tags: Some(tags), ..ConversationChanges::default() };
        conversations::update(&app.tenants, &grant, id, changes).await?;
        Ok(())
    }

    async fn look(&self, person: usize, conversation: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let grant = self.house.grant::<p::MessageRead>(app, &caller, "demo").await?;
        let id = self.house.conversation(conversation)?;
        conversations::transcript(&app.tenants, &grant, id, PageRequest::default()).await?;
        Ok(())
    }

    async fn list(&self, person: usize, open: bool) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let grant = self.house.grant::<p::ConversationRead>(app, &caller, "demo").await?;
        let state = open.then_some(ConversationState::Open);
        let filter = ConversationFilter { state, ..ConversationFilter::default() };
        conversations::list(&app.tenants, &grant, filter, PageRequest::default()).await?;
        Ok(())
    }

    async fn search(&self, person: usize, q: &str) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let grant = self.house.grant::<p::AuditRead>(app, &caller, "demo").await?;
        let request = SearchRequest { q: q.to_owned(), ..SearchRequest::default() };
        trail::search(&app.tenants, &grant, request).await?;
        Ok(())
    }

    async fn verify(&self, person: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let grant = self.house.grant::<p::AuditVerify>(app, &caller, "demo").await?;
        trail::verify(&app.tenants, &grant).await?;
        Ok(())
    }

    async fn report(&self, events: &[serde_json::Value]) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.application(app).await?;
        let grant = self.house.grant::<p::AuditIngest>(app, &caller, "demo").await?;
        let body = serde_json::Value::from(events).to_string();
        let tenant = &self.house.tenant;
        trail::ingest(&app.tenants, &grant, tenant, body.into_bytes().into(), None).await?;
        Ok(())
    }

    /// The refusal is what is wanted: it leaves its entry.
    async fn trespass(&self, person: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let route = "GET /api/v1/conversations/{tenant}";
        for other in self.stage.houses {
            if other.tenant.id != self.house.tenant.id {
                let slug = other.company.slug;
                let _ = app.tenants.authorize::<p::ConversationRead>(&caller, slug, route).await;
            }
        }
        // The job that does it on a server does not run in the past.
        app.tenants.flush_denials(true).await;
        Ok(())
    }

    async fn overreach(&self, person: usize) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, person)?;
        let (slug, route) = (self.house.company.slug, "POST /t/{tenant}/admin/members");
        let _ = app.tenants.authorize::<p::UserCreate>(&caller, slug, route).await;
        app.tenants.flush_denials(true).await;
        Ok(())
    }

    async fn promote(&self, role: Role) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, 0)?;
        let grant = self.house.grant::<p::UserRole>(app, &caller, "demo").await?;
        let who = self.house.company.people[3].email;
        users::change_role(&app.tenants, &grant, who, role.name()).await?;
        Ok(())
    }

    /// Makes a key for an import and revokes it again.
    async fn rotate_key(&self) -> Result<(), DemoError> {
        let app = self.stage.app;
        let caller = self.house.person(app, 1)?;
        let grant = self.house.grant::<p::ApiKeyCreate>(app, &caller, "demo").await?;
        let (name, role) = ("Quarterly import".to_owned(), Role::Operator.name().to_owned());
        let new = NewApiKey::with_role(name, role);
        let made = api_keys::create(&app.tenants, &grant, new).await?;
        let grant = self.house.grant::<p::ApiKeyRevoke>(app, &caller, "demo").await?;
        Ok(api_keys::revoke(&app.tenants, &grant, made.key.id).await?)
    }

    async fn maintenance(&self) -> Result<(), DemoError> {
        let (tenants, slug) = (&self.stage.app.tenants, self.house.company.slug);
        let admin = self.stage.administrator;
        let grant = tenants.authorize_platform::<p::TenantState>(admin, "demo").await?;
        change_state(tenants, &grant, slug, StateChange::Freeze).await?;
        change_state(tenants, &grant, slug, StateChange::Unfreeze).await?;
        Ok(())
    }
}
