//! What can be written on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{
    admin, audit, backup, certificate, config, doctor, erase, hold, jobs, key, licences, mail,
    maintenance, restore, retention, revoke, role, rollback, root_key, session, setup, sso,
    support, tenant, tls, token, upgrade, user,
};
use crate::config::{Settings, Sources};

/// Keeps customers' conversations encrypted, tenant by tenant, and proves who touched them.
#[derive(Parser)]
#[command(name = "strongroom", version, propagate_version = true)]
pub struct Arguments {
    /// Directory with all data
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object on standard output, nothing else
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Run the server; an empty data directory is initialised first
    Serve {
        /// Address and port of the HTTPS server
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// For an incident: answer on this machine alone, let only platform administrators in, run
        /// no jobs and connect to nothing
        #[arg(long)]
        recovery: bool,
        /// Do not begin without a root key from elsewhere, instead of making one beside the data
        #[arg(long)]
        require_root_key: bool,
    },
    /// Set up a new installation: five questions, or a file with the answers
    Setup(setup::Arguments),
    /// Initialise a data directory without serving
    Init,
    /// Serve a throw-away directory with two tenants, people in every role and made-up data
    Demo {
        /// Address and port of the HTTPS server
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// The configuration: whether it is right, and what is in force
    #[command(subcommand)]
    Config(config::Verb),
    /// The server's certificate
    #[command(subcommand)]
    Tls(tls::Verb),
    /// Make, list, freeze and suspend tenants
    #[command(subcommand)]
    Tenant(tenant::Verb),
    /// Platform administrators, for whoever is locked out
    #[command(subcommand)]
    Admin(admin::Verb),
    /// Members of a tenant
    #[command(subcommand)]
    User(user::Verb),
    /// Single sign-on of a tenant: its identity providers, and whether there are other ways in
    #[command(subcommand)]
    Sso(sso::Verb),
    /// Bring data back from backups
    #[command(subcommand)]
    Restore(restore::Verb),
    /// How long a tenant's data is kept; what would be deleted, and what was
    #[command(subcommand)]
    Retention(retention::Verb),
    /// Legal holds of a tenant: what must not be deleted
    #[command(subcommand)]
    Hold(hold::Verb),
    /// Roles of a tenant
    #[command(subcommand)]
    Role(role::Verb),
    /// API keys of a tenant
    #[command(subcommand)]
    Key(key::Verb),
    /// Who is signed in
    #[command(subcommand)]
    Session(session::Verb),
    /// In an incident: take away everything that lets somebody in
    #[command(subcommand)]
    Revoke(revoke::Verb),
    /// Read-only mode of the whole installation
    #[command(subcommand)]
    Maintenance(maintenance::Verb),
    /// Erase a person for good: everything stored about them becomes unreadable
    Erase(erase::Arguments),
    /// Check a certificate of an erasure or a destruction; needs only the public key
    Certificate(certificate::Arguments),
    /// What the appliance does by itself: run, cancel, change when
    #[command(subcommand)]
    Job(jobs::Verb),
    /// The way to the mail server
    #[command(subcommand)]
    Mail(mail::Verb),
    /// The key that everything is sealed under: which it is, and replacing it
    #[command(subcommand)]
    RootKey(root_key::Verb),
    /// The key that signs access tokens
    #[command(subcommand)]
    Token(token::Verb),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Backups: make them, list them, check them
    #[command(subcommand)]
    Backup(backup::Verb),
    /// Check whether this installation is as it should be, and say how to mend what is not
    ///
    /// Exit code 0: nothing to do; 1: something should be another way; 2: something needs you.
    Doctor(doctor::Arguments),
    /// What somebody who helps you needs to know, without secrets and names
    #[command(subcommand)]
    Support(support::Verb),
    /// Look before an upgrade: what it would do here, and whether a release is whole
    #[command(subcommand)]
    Upgrade(upgrade::Verb),
    /// Go back to the release before, as long as nothing was written since, or with what is lost
    Rollback(rollback::Arguments),
    /// Print version and build
    Version,
    /// List the libraries in this binary and their licences
    Licences(licences::Arguments),
    /// Print the OpenAPI document of the REST API
    Openapi,
    /// Write what packages hold beside the binary: man pages, completions, a configuration file
    #[command(hide = true)]
    Generate {
        /// Directory that it is written into
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// What all verbs share.
pub struct Context {
    data_dir: Option<PathBuf>,
    config: Option<PathBuf>,
    pub json: bool,
}

impl Context {
    pub fn new(arguments: &Arguments) -> Self {
        Self {
            data_dir: arguments.data_dir.clone(),
            config: arguments.config.clone(),
            json: arguments.json,
        }
    }

    /// Command line over environment over file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place; and what says all of it.
    pub fn settings(&self, listen: Option<SocketAddr>) -> anyhow::Result<Settings> {
        let cure =
            |first| anyhow::anyhow!("{first}; strongroom config check says all that is wrong");
        Settings::load(self.sources(listen)).map_err(cure)
    }

    /// `--config`
    pub fn config(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// `--data-dir`
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.data_dir.clone()
    }

    /// Where they come from.
    pub fn sources(&self, listen: Option<SocketAddr>) -> Sources {
        let (file, data_dir) = (self.config.clone(), self.data_dir.clone());
        Sources { file, data_dir, listen, ..Sources::process() }
    }
}
