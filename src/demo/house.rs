//! A tenant with its people, while its past is played.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use secrecy::SecretString;

use super::DemoError;
use super::company::{ADMINISTRATOR, Company, Person};
use crate::admins;
use crate::api_keys::{self, NewApiKey};
use crate::app::App;
use crate::authn::{self, Admission, Client, Credentials, Hasher, SecondFactor, Wanted};
use crate::authz::Grant;
use crate::authz::permission::{ApiKeyCreate, PlatformAdminManage, TenantCreate, UserCreate};
use crate::authz::{Caller, Permission, Principal, Realm, RequestContext, Role};
use crate::kernel::id::ConversationId;
use crate::provision::tenant_with_owner;
use crate::tenants::{NewTenant, Tenant};
use crate::users::{self, NewMember};

/// Everybody's: nothing in a throw-away directory is worth more.
pub const PASSWORD: &str = "harbour-lantern-orchid";

/// Where the application runs.
const SERVER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200)));

pub struct House {
    pub company: &'static Company,
    pub tenant: Tenant,
    /// As they last signed in, in the order of the company's people.
    people: Mutex<Vec<Principal>>,
    /// The secrets of their authenticator apps, in the same order.
    apps: Mutex<Vec<Option<String>>>,
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
        let apps = Mutex::new(vec![None; company.people.len()]);
        let house = Self { company, tenant, people, apps, token, conversations };
        house.sign_in(app, hasher).await?;
        Ok(house)
    }

    /// Signs everybody in through the front door.
    pub async fn sign_in(&self, app: &App, hasher: &Hasher) -> Result<(), DemoError> {
        let apps = self.apps();
        let people = self.company.people.iter().zip(&apps);
        let sign_ins = people.map(|(person, secret)| async move {
            let (credentials, request) = (credentials(person), request(app, person));
            let first = authn::sign_in(
                &app.tenants,
                hasher,
                &self.tenant,
                credentials,
                Client::Browser,
                request.clone(),
            );
            let realm = Realm::Tenant(self.tenant.id);
            come_in(app, realm, first.await?, request, secret.clone()).await
        });
        let (people, apps) = try_join_all(sign_ins).await?.into_iter().unzip();
        *self.people.lock().unwrap_or_else(PoisonError::into_inner) = people;
        *self.apps.lock().unwrap_or_else(PoisonError::into_inner) = apps;
        Ok(())
    }

    /// The secrets of people's authenticator apps, in the order of the company's people.
    pub fn apps(&self) -> Vec<Option<String>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let principal = app.api_keys.authenticate(&app.tenants, &self.token, SERVER).await?;
        let request = RequestContext {
            id: app.runtime.id(),
            ip: SERVER,
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

/// Makes the platform's administrator and signs them in. Answers with the secret of their
/// authenticator app, too.
pub async fn administrator(
    app: &App,
    hasher: &Hasher,
) -> Result<(Arc<Caller>, Option<String>), DemoError> {
    let operator = operator(app);
    let grant = app.tenants.authorize_platform::<PlatformAdminManage>(&operator, "cli").await?;
    let new = member(&ADMINISTRATOR);
    admins::create(&app.tenants, hasher, &grant, new, None).await?;
    sign_in_administrator(app, hasher, None).await
}

pub async fn sign_in_administrator(
    app: &App,
    hasher: &Hasher,
    secret: Option<String>,
) -> Result<(Arc<Caller>, Option<String>), DemoError> {
    let request = request(app, &ADMINISTRATOR);
    let credentials = credentials(&ADMINISTRATOR);
    let first = authn::sign_in_platform(&app.tenants, hasher, credentials, request.clone()).await?;
    let (principal, secret) = come_in(app, Realm::Platform, first, request.clone(), secret).await?;
    Ok((Arc::new(Caller { principal, request }), secret))
}

/// Goes on after the password as everybody does: with a code of the app, which is set up first where
/// there is none. Answers with its secret.
async fn come_in(
    app: &App,
    realm: Realm,
    first: Admission,
    request: RequestContext,
    secret: Option<String>,
) -> Result<(Principal, Option<String>), DemoError> {
    let (wanted, ticket) = match first {
        Admission::In(signed_in) => return Ok((signed_in.principal, secret)),
        Admission::Wanted { wanted, ticket } => (wanted, ticket),
    };
    let tenants = &app.tenants;
    let secret = match wanted {
        Wanted::Enrolment => authn::show_enrolment(tenants, realm, &ticket).await?.text.to_string(),
        Wanted::SecondFactor => secret.ok_or(DemoError::Empty)?,
    };
    let code = authn::authenticator_code(&secret, app.runtime.now()).ok_or(DemoError::Empty)?;
    let code = SecretString::from(code);
    let signed_in = match wanted {
        Wanted::Enrolment => authn::enrol(tenants, realm, &ticket, code, request).await?.0,
        Wanted::SecondFactor => {
            let shown = SecondFactor::typed(&code);
            match authn::second_factor(tenants, realm, &ticket, shown, request).await? {
                Admission::In(signed_in) => signed_in,
                Admission::Wanted { .. } => return Err(DemoError::Empty),
            }
        }
    };
    Ok((signed_in.principal, Some(secret)))
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
    let new = NewApiKey::with_role(name, role);
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
        role: person.role.into(),
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
