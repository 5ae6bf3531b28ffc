//! Commands: what a verb asks of the services, in a form that crosses the admin socket.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::feedback::Feedback;
use super::output::Report;
use super::{
    admin, audit, backup, doctor, erase, hold, jobs, key, mail, maintenance, restore, retention,
    revoke, role, root_key, session, sso, support, tenant, tls, token, user,
};
use crate::authn::{Hasher, SessionPolicy};
use crate::authz::{Caller, Grant, Permission, Principal, RequestContext};
use crate::config::{Ageing, Backup, Settings};
use crate::http::tls::acme::Acme;
use crate::jobs::Jobs;
use crate::mail::Mailer;
use crate::streams::Streams;
use crate::tenants::{Tenant, Tenants};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Tenant(tenant::Command),
    Admin(admin::Command),
    User(user::Command),
    Restore(restore::Command),
    Retention(retention::Command),
    Hold(hold::Command),
    Role(role::Command),
    Key(key::Command),
    Session(session::Command),
    Revoke(revoke::Command),
    Maintenance(maintenance::Command),
    Sso(sso::Command),
    Job(jobs::Command),
    Mail(mail::Command),
    Erase(erase::Command),
    RootKey(root_key::Command),
    Token(token::Command),
    Audit(audit::Command),
    Backup(backup::Command),
    Doctor(doctor::Command),
    Support(support::Command),
    Tls(tls::Command),
}

/// A password on its way through the socket, which only this machine's root and the server's own
/// user can open.
#[derive(Serialize, Deserialize)]
pub struct Password(String);

impl Password {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// What commands work on.
pub struct Operator {
    pub tenants: Tenants,
    pub hasher: Hasher,
    pub mailer: Mailer,
    pub caller: Arc<Caller>,
    /// What links begin with.
    pub base_url: String,
    /// How long sessions last on this installation.
    pub sessions: SessionPolicy,
    /// How long backups keep what is destroyed, and how long closing can be taken back.
    pub ageing: Option<Ageing>,
    pub grace: Duration,
    /// Where backups go and who can read them.
    pub backup: Backup,
    /// The jobs that run, when a server does.
    pub jobs: Jobs,
    /// Of schedules.
    pub time_zone: chrono_tz::Tz,
    pub settings: Settings,
    /// What sends, when a server does.
    pub streams: Option<Streams>,
    /// What asks for certificates, when a server does.
    pub acme: Option<Arc<Acme>>,
    /// Where progress and exported data go.
    pub feedback: Feedback,
}

impl Operator {
    pub fn new(
        tenants: &Tenants,
        hasher: &Hasher,
        mailer: &Mailer,
        base_url: &str,
        uid: u32,
        feedback: Feedback,
    ) -> Self {
        let agent = concat!("strongroom/", env!("CARGO_PKG_VERSION")).to_owned();
        let request = RequestContext {
            user_agent: Some(agent),
            ..RequestContext::local(tenants.runtime().id())
        };
        let principal = Principal::LocalOperator { uid };
        Self {
            tenants: tenants.clone(),
            hasher: hasher.clone(),
            mailer: mailer.clone(),
            caller: Arc::new(Caller { principal, request }),
            base_url: base_url.to_owned(),
            sessions: SessionPolicy::default(),
            ageing: None,
            grace: Duration::ZERO,
            backup: Settings::default().backup,
            jobs: Jobs::default(),
            time_zone: chrono_tz::Tz::UTC,
            settings: Settings::default(),
            streams: None,
            acme: None,
            feedback,
        }
    }

    #[must_use]
    pub fn with_sessions(self, sessions: SessionPolicy) -> Self {
        Self { sessions, ..self }
    }

    #[must_use]
    pub fn with_jobs(self, jobs: &Jobs, settings: &Settings) -> Self {
        Self { jobs: jobs.clone(), time_zone: settings.jobs.time_zone.zone(), ..self }
    }

    /// What settings say about destroying.
    #[must_use]
    pub fn with_ends(self, settings: &Settings) -> Self {
        Self {
            ageing: settings.backup.ageing(),
            grace: settings.closing.grace(),
            backup: settings.backup.clone(),
            settings: settings.clone(),
            ..self
        }
    }

    #[must_use]
    pub fn with_streams(self, streams: &Streams) -> Self {
        Self { streams: Some(streams.clone()), ..self }
    }

    #[must_use]
    pub fn with_acme(self, acme: Option<&Arc<Acme>>) -> Self {
        Self { acme: acme.cloned(), ..self }
    }

    pub async fn tenant<P: Permission>(&self, name: &str) -> anyhow::Result<(Grant<P>, Tenant)> {
        if self.tenants.tenant(name).is_none() {
            anyhow::bail!("there is no tenant {name}; see: strongroom tenant list");
        }
        Ok(self.tenants.authorize::<P>(&self.caller, name, "cli").await?)
    }

    pub async fn platform<P: Permission>(&self) -> anyhow::Result<Grant<P>> {
        Ok(self.tenants.authorize_platform::<P>(&self.caller, "cli").await?)
    }
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Tenant(command) => tenant::execute(operator, command).await,
        Command::Admin(command) => admin::execute(operator, command).await,
        Command::User(command) => user::execute(operator, command).await,
        Command::Job(command) => jobs::execute(operator, command).await,
        Command::Mail(command) => mail::execute(operator, command).await,
        Command::Erase(command) => erase::execute(operator, command).await,
        Command::Restore(command) => restore::execute(operator, command).await,
        Command::Retention(command) => retention::execute(operator, command).await,
        Command::Hold(command) => hold::execute(operator, command).await,
        Command::Role(command) => role::execute(operator, command).await,
        Command::Key(command) => key::execute(operator, command).await,
        Command::Session(command) => session::execute(operator, command).await,
        Command::Revoke(command) => revoke::execute(operator, command).await,
        Command::Maintenance(command) => maintenance::execute(operator, command).await,
        Command::Sso(command) => sso::execute(operator, command).await,
        Command::RootKey(command) => root_key::execute(operator, command).await,
        Command::Token(command) => token::execute(operator, command).await,
        Command::Backup(command) => backup::execute(operator, command).await,
        Command::Audit(command) => audit::execute(operator, command).await,
        Command::Doctor(command) => doctor::execute(operator, command).await,
        Command::Support(command) => support::execute(operator, command).await,
        Command::Tls(command) => tls::execute(operator, command).await,
    }
}
