//! Settings that are right one by one and impossible together.

use super::table::Settings;
use super::types::OptionalListen;
use crate::kernel::limits;

/// What does not go together.
pub(super) struct Conflict {
    /// The settings that it is between.
    pub keys: &'static [&'static str],
    /// What is wrong, and what to do.
    pub reason: &'static str,
}

impl Conflict {
    pub const fn new(keys: &'static [&'static str], reason: &'static str) -> Self {
        Self { keys, reason }
    }
}

/// Everything that is impossible.
pub(super) fn all(settings: &Settings) -> Vec<Conflict> {
    let own = [addresses(settings), certificate(settings), closing(settings), sessions(settings)];
    let mail = settings.mail.conflicts();
    let rest = publishing(settings).into_iter().chain(settings.acme_conflicts());
    own.into_iter().flatten().chain(mail).chain(rest).collect()
}

fn certificate(settings: &Settings) -> Option<Conflict> {
    let server = &settings.server;
    (server.tls_certificate.is_some() != server.tls_key.is_some()).then_some(Conflict::new(
        &["server.tls_certificate", "server.tls_key"],
        "server.tls_certificate and server.tls_key go together: set both or neither",
    ))
}

fn addresses(settings: &Settings) -> Option<Conflict> {
    let https = settings.server.listen;
    let OptionalListen::On(http) = settings.server.http_redirect_listen else { return None };
    let all = |address: std::net::SocketAddr| address.ip().is_unspecified();
    let same = https.ip() == http.ip() || all(https) || all(http);
    // Port 0 is one that the operating system chooses, another each time.
    (same && https.port() == http.port() && https.port() != 0).then_some(Conflict::new(
        &["server.listen", "server.http_redirect_listen"],
        "server.listen and server.http_redirect_listen are the same address: \
         choose another port, or \"off\" for the redirect",
    ))
}

fn closing(settings: &Settings) -> Option<Conflict> {
    let days = settings.closing.grace_days + settings.backup.key_days;
    (days > limits::CLOSING_DAYS).then_some(Conflict::new(
        &["closing.grace_days", "backup.key_days"],
        "closing.grace_days and backup.key_days are more than 30 days together, by which \
         everything of a closed tenant has to be destroyed: lower one of them",
    ))
}

fn sessions(settings: &Settings) -> Option<Conflict> {
    let sessions = &settings.sessions;
    (sessions.idle_minutes > sessions.absolute_hours * 60).then_some(Conflict::new(
        &["sessions.idle_minutes", "sessions.absolute_hours"],
        "sessions.idle_minutes is longer than a session can last: lower it, or raise \
         sessions.absolute_hours",
    ))
}

fn publishing(settings: &Settings) -> Vec<Conflict> {
    let checkpoints = &settings.checkpoints;
    let mut found = Vec::new();
    if checkpoints.publish_http_header.is_some() && checkpoints.publish_http.is_none() {
        found.push(Conflict::new(
            &["checkpoints.publish_http_header", "checkpoints.publish_http"],
            "checkpoints.publish_http_header goes with nothing: set checkpoints.publish_http too",
        ));
    }
    let nowhere = checkpoints.publish_http.is_none() && checkpoints.publish_syslog.is_none();
    if checkpoints.publish_ca.is_some() && nowhere {
        found.push(Conflict::new(
            &["checkpoints.publish_ca", "checkpoints.publish_http", "checkpoints.publish_syslog"],
            "checkpoints.publish_ca is for checkpoints.publish_http and checkpoints.publish_syslog: \
             set one of them too",
        ));
    }
    found
}
