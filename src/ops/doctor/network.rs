//! Whether what is set up can be reached. Only what the settings name is asked, and only when
//! somebody wants it (`--network`).

use std::time::Duration;

use tokio::net::TcpStream;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, some};
use crate::config::{Place, Settings};

/// Looks for a connection only: whether mails are taken is found out by strongroom mail test.
pub const MAIL: Check = Check {
    name: "mail-reachable",
    room: Room::Outside,
    title: "The mail server answers",
    expected: "a connection to mail.smtp_host, within five seconds",
    mend: "look at the name, the port and the firewall between",
    run: mail,
    fix: None,
};

/// Looks for a connection only: whether archives are taken is what backup-targets
/// says.
pub const TARGETS: Check = Check {
    name: "targets-reachable",
    room: Room::Outside,
    title: "Backup targets answer",
    expected: "a connection to every target that is on another machine, within five seconds",
    mend: "look at the name, the port and the firewall between; docs/backup-targets.md has what each \
           kind needs",
    run: targets,
    fix: None,
};

const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Mail,
    Target,
}

/// Somewhere that was asked.
#[derive(Clone, Debug)]
pub struct Reached {
    pub role: Role,
    pub name: String,
    /// Or why not.
    pub result: Result<(), String>,
}

/// Tries each place once.
pub async fn reach(settings: &Settings) -> Vec<Reached> {
    let mut reached = Vec::new();
    if let Some(host) = &settings.mail.smtp_host {
        reached.push(one(Role::Mail, host.as_str(), host.as_str(), settings.mail.port()).await);
    }
    for url in &settings.backup.targets {
        let (host, port) = match url.place() {
            Place::Directory(_) => continue,
            Place::Sftp(place) => (place.host.clone(), place.port),
            Place::S3(place) => match &place.endpoint {
                Some(endpoint) => (
                    endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
                    endpoint.port_or_known_default().unwrap_or(443),
                ),
                None => (format!("s3.{}.amazonaws.com", place.region), 443),
            },
        };
        reached.push(one(Role::Target, url.name(), &host, port).await);
    }
    reached
}

async fn one(role: Role, name: &str, host: &str, port: u16) -> Reached {
    if let Err(error) = crate::outgoing::may_connect() {
        return Reached { role, name: name.to_owned(), result: Err(error.to_string()) };
    }
    let result = match tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{host}:{port}: {error}")),
        Err(_) => Err(format!("{host}:{port}: no answer")),
    };
    Reached { role, name: name.to_owned(), result }
}

fn mail(facts: &Facts) -> Finding {
    of(facts, Role::Mail)
}

fn targets(facts: &Facts) -> Finding {
    of(facts, Role::Target)
}

fn of(facts: &Facts, role: Role) -> Finding {
    let Some(reached) = &facts.reached else {
        return Finding::none("the network was not asked (--network)");
    };
    let all: Vec<_> = reached.iter().filter(|one| one.role == role).collect();
    let failed: Vec<_> = all
        .iter()
        .filter_map(|one| Some(format!("{}: {}", one.name, one.result.as_ref().err()?)))
        .collect();
    match (all.len(), failed.is_empty()) {
        (0, _) => Finding::none("none is set up on another machine"),
        (count, true) => Finding::ok(format!("{count} answer")),
        (_, false) => Finding::fail(some(&failed)),
    }
}
