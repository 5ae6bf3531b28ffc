//! The command line. Verbs reach a running server through its admin socket; without one they take
//! the directory's lock and work by themselves, through the same services.

mod admin;
mod approval;
mod args;
mod audit;
mod backup;
mod certificate;
mod closing;
mod command;
mod config;
mod demo;
mod doctor;
mod enforcement;
mod erase;
mod feedback;
mod generate;
mod hold;
mod init;
mod jobs;
mod key;
mod licences;
mod mail;
mod maintenance;
mod openapi;
mod output;
mod owner;
mod password;
mod recovery;
mod restore;
mod restore_told;
mod retention;
mod revoke;
mod role;
mod rollback;
mod root_key;
mod serve;
mod session;
mod setup;
mod shred;
mod sign_in;
mod socket;
mod sso;
mod support;
mod tenant;
mod tenant_export;
mod tls;
mod token;
mod upgrade;
mod upgrade_bundle;
mod user;
mod version;

pub use command::{Command, execute};
pub use socket::listen;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Verb};

/// Parses the command line and runs it: 0 done, 1 failed, 2 usage.
pub fn main() -> ExitCode {
    crate::ops::harden::process();
    let arguments = Arguments::parse();
    let json = arguments.json;
    let result = actix_web::rt::System::new().block_on(run(arguments));
    match result {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error, json);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let context = args::Context::new(&arguments);
    match arguments.verb {
        Verb::Serve { listen, recovery: false, require_root_key } => {
            serve::run(context, listen, require_root_key).await
        }
        Verb::Serve { listen, recovery: true, .. } => recovery::run(context, listen).await,
        Verb::Setup(arguments) => setup::run(&context, arguments).await,
        Verb::Init => init::run(context).await,
        Verb::Demo { listen } => demo::run(context, listen).await,
        Verb::Doctor(arguments) => doctor::run(&context, arguments).await,
        Verb::Config(verb) => config::run(&context, verb),
        Verb::Tls(verb) => tls::run(&context, verb).await,
        Verb::Support(verb) => support::run(&context, verb).await,
        Verb::Upgrade(verb) => upgrade::run(&context, verb),
        Verb::Rollback(arguments) => rollback::run(&context, &arguments).await,
        Verb::Version => version::run(&context),
        Verb::Licences(arguments) => licences::run(&context, &arguments),
        Verb::Openapi => openapi::run(),
        Verb::Generate { out } => generate::run(&out),
        Verb::Tenant(tenant::Verb::Export(arguments)) => {
            tenant_export::run(&context, arguments).await
        }
        Verb::Tenant(verb) => socket::dispatch(&context, tenant::command(verb)?).await,
        Verb::Admin(verb) => socket::dispatch(&context, admin::command(verb)?).await,
        Verb::User(verb) => socket::dispatch(&context, user::command(verb)?).await,
        Verb::Erase(arguments) => {
            socket::dispatch(&context, Command::Erase(erase::command(arguments)?)).await
        }
        Verb::Certificate(arguments) => certificate::run(&context, &arguments),
        Verb::Job(verb) => socket::dispatch(&context, jobs::command(verb)).await,
        Verb::Mail(verb) => socket::dispatch(&context, mail::command(verb)).await,
        Verb::Sso(verb) => socket::dispatch(&context, sso::command(verb)?).await,
        Verb::Restore(verb) => restore::run(&context, verb).await,
        Verb::Retention(verb) => socket::dispatch(&context, retention::command(verb)?).await,
        Verb::Hold(verb) => socket::dispatch(&context, hold::command(verb)?).await,
        Verb::Role(verb) => socket::dispatch(&context, role::command(verb)).await,
        Verb::Key(verb) => socket::dispatch(&context, key::command(verb)).await,
        Verb::Session(verb) => socket::dispatch(&context, session::command(verb)).await,
        Verb::Revoke(verb) => socket::dispatch(&context, revoke::command(verb)?).await,
        Verb::Maintenance(verb) => socket::dispatch(&context, maintenance::command(verb)?).await,
        Verb::RootKey(verb) => socket::dispatch(&context, root_key::command(verb)?).await,
        Verb::Token(verb) => socket::dispatch(&context, token::command(verb)).await,
        Verb::Backup(verb) => socket::dispatch(&context, backup::command(verb)?).await,
        Verb::Audit(verb) => audit::run(&context, verb).await,
    }
}
