//! A throw-away installation with ninety days of history, so that somebody who has it running for
//! a minute understands the product. The past is played through the same services and doors as
//! everything else, on a clock that begins ninety days ago; nothing is written past them.

mod clock;
mod company;
mod dice;
mod house;
mod language;
mod plan;
mod play;
mod script;
#[cfg(test)]
mod tests;
mod topics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::HistoryClock;
use company::{ADMINISTRATOR, COMPANIES};
use futures_util::future::try_join_all;
use house::House;
use play::Stage;

use crate::app::App;
use crate::authn::{self, Hasher};
use crate::config::Settings;
use crate::jobs::Runner;
use crate::kernel::{Clock, Runtime, Timestamp};
use crate::tenants::Boot;

/// The past ends this far back.
const BEFORE_NOW: Duration = Duration::from_secs(5 * 60);

/// How to get in.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DemoSignIns {
    /// The same for everybody.
    pub password: &'static str,
    pub people: Vec<DemoSignIn>,
    pub applications: Vec<DemoApplication>,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DemoSignIn {
    /// Where the sign-in page is, under the server's address.
    pub path: String,
    pub organisation: &'static str,
    pub role: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    /// Of the authenticator app, for who has one: base32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What the app shows now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// An application's API key.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DemoApplication {
    pub tenant: &'static str,
    pub name: &'static str,
    pub token: String,
}

/// Fills the empty data directory of the settings with two tenants and their past, and closes it.
/// It can then be served like any other.
///
/// # Errors
/// [`DemoError`] when the directory cannot be written.
pub async fn prepare(settings: &Settings, runtime: &Runtime) -> Result<DemoSignIns, DemoError> {
    let now = runtime.now();
    let start = now.minus(Duration::from_secs(plan::DAYS * 24 * 60 * 60));
    let clock = Arc::new(HistoryClock::new(start));
    let past = Runtime { clock: clock.clone(), random: runtime.random.clone() };
    let boot = Boot::open(settings, &past)?;
    let app = App::new(&boot, settings, &past)?;
    let hasher = Hasher::on_all_cores(&past);
    let (administrator, secret) = house::administrator(&app, &hasher).await?;
    let houses = COMPANIES.iter().map(|company| House::build(&app, &hasher, company));
    let houses = try_join_all(houses).await?;
    let end = now.minus(BEFORE_NOW);
    let plans = COMPANIES.iter().map(|company| plan::plan(company, clock.now(), end)).collect();
    let jobs = Runner::new(&app);
    let stage = Stage {
        app: &app,
        clock: &clock,
        houses: &houses,
        administrator: &administrator,
        jobs: &jobs,
        hasher: &hasher,
    };
    play::play(&stage, plans).await?;
    clock.pace(Duration::ZERO, 1);
    clock.go_to(end);
    let (_, secret) = house::sign_in_administrator(&app, &hasher, secret).await?;
    authn::flush_use(&app.api_keys, &app.tenants).await?;
    app.tenants.feed_indexes(Duration::from_secs(5)).await?;
    app.tenants.shut_down().await;
    Ok(sign_ins(&houses, secret))
}

fn sign_ins(houses: &[House], secret: Option<String>) -> DemoSignIns {
    let mut people = vec![DemoSignIn {
        path: "/platform/login".to_owned(),
        organisation: "Platform",
        role: ADMINISTRATOR.role.name(),
        name: ADMINISTRATOR.name,
        email: ADMINISTRATOR.email,
        secret,
        code: None,
    }];
    for house in houses {
        let with_apps = house.company.people.iter().zip(house.apps());
        people.extend(with_apps.map(|(person, secret)| DemoSignIn {
            path: format!("/t/{}/login", house.company.slug),
            organisation: house.company.name,
            role: person.role.name(),
            name: person.name,
            email: person.email,
            secret,
            code: None,
        }));
    }
    let applications = houses.iter().map(|house| DemoApplication {
        tenant: house.company.slug,
        name: house.company.application,
        token: house.token.clone(),
    });
    DemoSignIns { password: house::PASSWORD, people, applications: applications.collect() }
}

impl DemoSignIns {
    /// With the codes that are right at this time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        let mut with = self.clone();
        for person in &mut with.people {
            person.code =
                person.secret.as_deref().and_then(|secret| authn::authenticator_code(secret, now));
        }
        with
    }

    /// The codes alone, on one line.
    pub fn codes(&self) -> String {
        let code =
            |person: &DemoSignIn| Some(format!("{} {}", person.email, person.code.as_ref()?));
        self.people.iter().filter_map(code).collect::<Vec<_>>().join("   ")
    }
}

/// What is printed for whoever started it.
pub fn render(sign_ins: &DemoSignIns, base_url: &str, directory: &Path) -> String {
    let mut text = format!(
        "\nTwo tenants with ninety days of history; all of it made up, all of it gone at the end\n\
         (Ctrl-C). The browser will warn about the certificate: it was made just now.\n\n\
         Password of everybody: {}\n",
        sign_ins.password
    );
    let certificate = directory.join("data/tls/cert.pem");
    let mut path = "";
    for person in &sign_ins.people {
        if person.path != path {
            path = &person.path;
            text += &format!("\n{}  {base_url}{path}\n", person.organisation);
        }
        text += &format!("  {:<16} {:<28} {}\n", person.role, person.email, person.name);
        if let (Some(code), Some(secret)) = (&person.code, &person.secret) {
            text += &format!("  {:<16} code now: {code}    key for an app: {secret}\n", "");
        }
    }
    text += "\nAn application keeps its conversations here with an API key, for instance:\n";
    for application in &sign_ins.applications {
        text += &format!(
            "\n  curl --cacert {} -H 'Authorization: Bearer {}' \\\n    \
             '{base_url}/api/v1/conversations/{}?limit=3'\n",
            certificate.display(),
            application.token,
            application.tenant
        );
    }
    text + &format!("\nThe data lies in {} while this runs.", directory.display())
}

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Something that the demo's own tables promise is not there.
    #[error("the demo's tables do not fit together")]
    Empty,
    #[error(transparent)]
    Boot(#[from] crate::tenants::BootError),
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    #[error(transparent)]
    Door(#[from] crate::tenants::DoorError),
    #[error(transparent)]
    Denied(#[from] crate::authz::Denied),
    #[error(transparent)]
    Tenant(#[from] crate::tenants::TenantError),
    #[error(transparent)]
    Provision(#[from] crate::provision::ProvisionError),
    #[error(transparent)]
    User(#[from] crate::users::UserError),
    #[error(transparent)]
    Admin(#[from] crate::admins::AdminError),
    #[error(transparent)]
    ApiKey(#[from] crate::api_keys::ApiKeyError),
    #[error(transparent)]
    Authn(#[from] crate::authn::AuthnError),
    #[error(transparent)]
    Conversation(#[from] crate::conversations::ConversationError),
    #[error(transparent)]
    Trail(#[from] crate::trail::TrailError),
}
