//! `strongroom init`

use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use super::admin::link;
use super::args::Context;
use super::command::Operator;
use super::feedback::Feedback;
use super::output::Report;
use crate::authn::{Hasher, LinkFor};
use crate::kernel::Runtime;
use crate::mail::Mailer;
use crate::tenants::Boot;

pub async fn run(context: Context) -> anyhow::Result<ExitCode> {
    let settings = context.settings(None)?;
    let runtime = Runtime::system();
    let boot = Boot::open(&settings, &runtime)?;
    if !boot.is_new {
        bail!(
            "{} is initialised already; a new setup link: strongroom admin setup-link",
            settings.store.data_dir.display()
        );
    }
    let base_url = settings.server.base_url(settings.server.listen);
    let uid = rustix::process::getuid().as_raw();
    let operator = Operator::new(
        &boot.tenants,
        &Hasher::new(&runtime).with_cost(settings.auth.bcrypt_cost),
        &Mailer::new(&settings.mail, &runtime),
        &base_url,
        uid,
        Feedback::nobody(),
    );
    let url = link(&operator, LinkFor::Setup).await?;
    boot.tenants.shut_down().await;
    let json = json!({ "installationId": boot.installation, "setupUrl": url });
    let mut text = format!(
        "Installation {} made in {}.\nStart the server, then open within 30 minutes, once:\n{url}",
        boot.installation,
        settings.store.data_dir.display()
    );
    if boot.embedded_root_key {
        text += "\n\n";
        text += super::serve::EMBEDDED_KEY_WARNING;
    }
    Report::done(json, text).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}
