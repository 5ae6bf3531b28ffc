//! A tenant with its people, while its past is played.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;

use super::DemoError;
use super::company::{ADMINISTRATOR, Company, Person};
use crate::admins;
use crate::api_keys::{self, NewApiKey};
use crate::app::App;
use crate::authn::{self, Admission, Client, Credentials, Hasher};
use crate::authz::Grant;
use crate::authz::permission::{ApiKeyCreate, PlatformAdminManage, TenantCreate, UserCreate};
use crate::authz::{Caller, Permission, Principal, RequestContext, Role};
use crate::kernel::id::ConversationId;
use crate::provision::tenant_with_owner;
use crate::tenants::{NewTenant, Tenant};
use crate::users::{self, NewMember};

/// Everybody's: nothing in a throw-away directory is worth more.
pub const PASSWORD: &str = "try-the-strongroom";

pub struct House {
    pub company: &'static Company,
    pub tenant: Tenant,
    /// As they last signed in, in the order of the company's people.
    people: Mutex<Vec<Principal>>,
    /// The application's API key.
    pub token: String,
    conversations: Mutex<Vec<Option<ConversationId>>>,
}

impl House {
    /// Makes the tenant with its people and its application's key.
    pub async fn build(
        app: &App,
        hasher: &Hasher,
        company: &'static Company,
    ) -> Result<Self, DemoError> {
        let operator = operator(app);
        let grant = app.tenants.authorize_platform::<TenantCreate>(&operator, "cli").await?;
        let new = NewTenant { slug: company.slug.parse()?, name: company.name.to_owned() };
        let (owner, others) = company.people.split_first().ok_or(DemoError::Empty)?;
        let tenant = tenant_with_owner(&app.tenants, hasher, &grant, new, member(owner)).await?;
        let (grant, _) =
            app.tenants.authorize::<UserCreate>(&operator, company.slug, "cli").await?;
        let others = others.iter();
        try_join_all(
            others.map(|person| users::create(&app.tenants, hasher, &grant, member(person))),
        )
        .await?;
        let token = api_key(app, &operator, company.slug, company.application).await?;
        let (people, conversations) = (Mutex::default(), Mutex::default());
        let house = Self { company, tenant, people, token, conversations };
        house.sign_in(app, hasher).await?;
        Ok(house)
    }

    /// Signs everybody in through the front door.
    pub async fn sign_in(&self, app: &App, hasher: &Hasher) -> Result<(), DemoError> {
        let sign_ins = self.company.people.iter().map(|person| {
            let (credentials, request) = (credentials(person), request(app, person));
            authn::sign_in(
                &app.tenants,
                hasher,
                &self.tenant,
                credentials,
                Client::Browser,
                request,
            )
        });
        let people = try_join_all(sign_ins).await?;
        let people = people.into_iter().map(principal).collect::<Result<_, _>>()?;
        *self.people.lock().unwrap_or_else(PoisonError::into_inner) = people;
        Ok(())
    }

    /// A person at their desk.
    pub fn person(&self, app: &App, person: usize) -> Result<Arc<Caller>, DemoError> {
        let request = request(app, &self.company.people[person]);
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let principal = people.get(person).cloned().ok_or(DemoError::Empty)?;
        Ok(Arc::new(Caller { principal, request }))
    }

    /// Gives somebody a new session.
    pub fn renew(&self, app: &App, person: usize) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Principal::User { session, .. }) = people.get_mut(person) {
            *session = app.runtime.id();
        }
    }

    /// The application, through its key.
    pub async fn application(&self, app: &App) -> Result<Arc<Caller>, DemoError> {
        let principal = app.api_keys.authenticate(&app.tenants, &self.token).await?;
        let request = RequestContext {
            id: app.runtime.id(),
            ip: "192.0.2.200".parse().ok(),
            user_agent: Some(format!("{}/3.2", self.company.application.replace(' ', "-"))),
            browser: None,
        };
        Ok(Arc::new(Caller { principal, request }))
    }

    pub async fn grant<P: Permission>(
        &self,
        app: &App,
        caller: &Arc<Caller>,
        route: &str,
    ) -> Result<Grant<P>, DemoError> {
        Ok(app.tenants.authorize::<P>(caller, self.company.slug, route).await?.0)
    }

    pub fn conversation(&self, number: usize) -> Result<ConversationId, DemoError> {
        let known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(number).copied().flatten().ok_or(DemoError::Empty)
    }

    pub fn started(&self, number: usize, id: ConversationId) {
        let mut known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() <= number {
            known.resize(number + 1, None);
        }
        known[number] = Some(id);
    }
}

/// Makes the platform's administrator and signs them in.
pub async fn administrator(app: &App, hasher: &Hasher) -> Result<Arc<Caller>, DemoError> {
    let operator = operator(app);
    let grant = app.tenants.authorize_platform::<PlatformAdminManage>(&operator, "cli").await?;
    let new = member(&ADMINISTRATOR);
    admins::create(&app.tenants, hasher, &grant, new, None).await?;
    sign_in_administrator(app, hasher).await
}

pub async fn sign_in_administrator(app: &App, hasher: &Hasher) -> Result<Arc<Caller>, DemoError> {
    let request = request(app, &ADMINISTRATOR);
    let credentials = credentials(&ADMINISTRATOR);
    let signed_in = authn::sign_in_platform(&app.tenants, hasher, credentials, request.clone());
    let principal = principal(signed_in.await?)?;
    Ok(Arc::new(Caller { principal, request }))
}

/// Who has come in.
fn principal(admission: Admission) -> Result<Principal, DemoError> {
    match admission {
        Admission::In(signed_in) => Ok(signed_in.principal),
        Admission::Wanted { .. } => Err(DemoError::Empty),
    }
}

/// Makes an API key; answers its token.
async fn api_key(
    app: &App,
    caller: &Arc<Caller>,
    slug: &str,
    name: &str,
) -> Result<String, DemoError> {
    let (grant, _) = app.tenants.authorize::<ApiKeyCreate>(caller, slug, "cli").await?;
    let role = Role::Operator.name().to_owned();
    let new = NewApiKey { name: name.to_owned(), role, expires_at: None };
    Ok(api_keys::create(&app.tenants, &grant, new).await?.token.to_string())
}

fn operator(app: &App) -> Arc<Caller> {
    let request = RequestContext::local(app.runtime.id());
    let uid = rustix::process::getuid().as_raw();
    Arc::new(Caller { principal: Principal::LocalOperator { uid }, request })
}

fn member(person: &Person) -> NewMember {
    NewMember {
        name: person.name.to_owned(),
        email: person.email.to_owned(),
        password: PASSWORD.into(),
        role: person.role,
    }
}

fn credentials(person: &Person) -> Credentials {
    Credentials { email: person.email.to_owned(), password: PASSWORD.into() }
}

fn request(app: &App, person: &Person) -> RequestContext {
    RequestContext {
        id: app.runtime.id(),
        ip: person.ip.parse().ok(),
        user_agent: Some(person.browser.to_owned()),
        browser: None,
    }
}
