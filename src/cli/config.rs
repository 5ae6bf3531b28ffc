//! `strongroom config`: whether the configuration is right, and what is in force. Both read it as
//! `serve` does, and ask no server.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};

use super::args::Context;
use super::output::{Report, table};
use super::socket;
use crate::config::{ConfigError, Examined, Origin, Settings, ShownSetting, is_reloaded};
use crate::http::tls;
use crate::kernel::Runtime;
use crate::ops::doctor::{Outcome, State, Wanted, look_from_outside};

#[derive(Subcommand)]
pub enum Verb {
    /// Say everything that is wrong with the configuration, and how to mend it; changes nothing
    ///
    /// Exit code 0: a server would start with it; 1: it would not.
    Check,
    /// Every setting as it is in force, with where it comes from; secrets are left out
    Show {
        /// Only what is not at its default
        #[arg(long)]
        changed: bool,
    },
}

/// Checks of the doctor that look at settings and would keep no server from starting.
const ADVICE: [&str; 8] = [
    "root-key-source",
    "root-key-beside-data",
    "configuration-file",
    "certificate-expiry",
    "certificate-names",
    "tls-minimum",
    "trusted-proxies",
    "external-url",
];

pub fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let examined = Settings::examine(context.sources(None));
    let report = match verb {
        Verb::Check => check(examined),
        Verb::Show { changed } => {
            if let Some(first) = examined.problems.first() {
                bail!("{first}; strongroom config check says all that is wrong");
            }
            show(&examined.settings, changed)
        }
    };
    socket::finish(context, report)
}

fn check(examined: Examined) -> Report {
    let Examined { settings, mut problems } = examined;
    // Files are looked at when it is known which.
    if problems.is_empty() {
        problems = settings.file_problems();
    }
    let mut wrong: Vec<_> = problems.iter().map(problem).collect();
    let server = &settings.server;
    let names_pair = server.tls_certificate.is_some() && server.tls_key.is_some();
    if let Some(Err(error)) = names_pair.then(|| tls::shown(&settings)) {
        wrong.push(certificate_problem(&settings, &error));
    }
    let advice = if wrong.is_empty() { advice(&settings) } else { Vec::new() };
    let file = settings.file.as_ref().map(|path| path.display().to_string());
    let ok = wrong.is_empty();
    let text = text(file.as_deref(), &wrong, &advice);
    let json = json!({
        "ok": ok,
        "file": file,
        "problems": wrong,
        "advice": advice.iter().map(|one| json!({
            "check": one.name,
            "found": one.found,
            "mend": one.mend,
            "page": one.page,
        })).collect::<Vec<_>>(),
    });
    Report { json, text, ok }
}

fn text(file: Option<&str>, wrong: &[Value], advice: &[Outcome]) -> String {
    let mut text: String = wrong
        .iter()
        .filter_map(|problem| problem["message"].as_str())
        .map(|message| format!("{message}\n"))
        .collect();
    let file = file.unwrap_or("The configuration (there is no file)");
    text += &match wrong.len() {
        0 => format!("{file} is right: a server would start with it.\n"),
        1 => format!("{file}: one problem. A server would not start.\n"),
        many => format!("{file}: {many} problems. A server would not start.\n"),
    };
    for one in advice {
        text += &format!("\nAdvice ({}): {}\n", one.name, one.found);
        text.extend(one.mend.iter().map(|mend| format!("  {mend}\n")));
    }
    text
}

fn problem(error: &ConfigError) -> Value {
    placed(error.to_string(), error.origin())
}

fn certificate_problem(settings: &Settings, error: &tls::TlsError) -> Value {
    let origin = settings.origins.of("server.tls_certificate");
    let place = origin.map(|origin| format!("{origin}: ")).unwrap_or_default();
    placed(format!("{place}server.tls_certificate: {error}"), origin)
}

fn placed(message: String, origin: Option<&Origin>) -> Value {
    let mut json = json!({ "message": message });
    match origin {
        Some(Origin::File { path, line }) => {
            json["file"] = path.display().to_string().into();
            json["line"] = (*line).into();
        }
        Some(Origin::Env(name)) => json["variable"] = name.as_str().into(),
        _ => {}
    }
    json
}

/// What works and should be another way.
fn advice(settings: &Settings) -> Vec<Outcome> {
    let names = ADVICE.map(str::to_owned).to_vec();
    let wanted = Wanted { names, ..Wanted::default() };
    let why = "settings alone are looked at".to_owned();
    let outcomes = look_from_outside(settings, Runtime::system().now(), why, &wanted);
    outcomes.into_iter().filter(|outcome| outcome.state >= State::Warn).collect()
}

fn show(settings: &Settings, changed: bool) -> Report {
    let all = settings.shown();
    let shown: Vec<_> = all.iter().filter(|one| !changed || one.origin.is_some()).collect();
    let row = |one: &&ShownSetting| {
        let hidden: String = one.hidden.iter().map(|place| format!(" (not {place})")).collect();
        let value = if one.value.is_empty() { "-" } else { &one.value };
        vec![one.key.to_owned(), value.to_owned(), origin(one) + &hidden]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    let entry = |one: &&ShownSetting| {
        json!({
            "key": one.key,
            "value": (!one.value.is_empty()).then_some(&one.value),
            "origin": origin(one),
            "hides": one.hidden.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "reload": is_reloaded(one.key),
        })
    };
    let json = json!({
        "file": settings.file.as_ref().map(|path| path.display().to_string()),
        "settings": shown.iter().map(entry).collect::<Vec<_>>(),
    });
    Report::done(json, table(&["SETTING", "VALUE", "FROM"], &rows))
}

fn origin(one: &ShownSetting) -> String {
    one.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string)
}
