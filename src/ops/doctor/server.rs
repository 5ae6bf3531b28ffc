//! Settings of the server that work and can still be wrong.

use super::check::{Check, Finding, Room};
use super::facts::Facts;
use crate::config::TlsVersion;

/// TLS 1.2 is there for old clients only.
pub const TLS: Check = Check {
    name: "tls-minimum",
    room: Room::Server,
    title: "Oldest TLS version",
    expected: "1.3",
    mend: "leave server.tls_minimum at \"1.3\", once no client needs 1.2 any more",
    run: tls,
    fix: None,
};

/// Whoever has a trusted address can say which address a request came from: it stands in the log,
/// and counts for limits and for networks of API keys.
pub const PROXIES: Check = Check {
    name: "trusted-proxies",
    room: Room::Server,
    title: "Proxies that are believed",
    expected: "none, or addresses of single machines of your own",
    mend: "name in server.trusted_proxies only the proxies that stand before this server",
    run: proxies,
    fix: None,
};

/// Somebody who finds a weakness looks in /.well-known/security.txt (RFC 9116) for whom to tell.
pub const CONTACT: Check = Check {
    name: "security-contact",
    room: Room::Server,
    title: "Where weaknesses are reported",
    expected: "server.security_contact is set",
    mend: "set server.security_contact to a mailto: or https: address that somebody reads",
    run: contact,
    fix: None,
};

/// Links in mails and identity providers need the name that people use; passkeys are bound to it.
pub const ADDRESS: Check = Check {
    name: "external-url",
    room: Room::Server,
    title: "The address that people use",
    expected: "server.external_url is set where others than this machine get in",
    mend: "set server.external_url to the address in people's browsers, before anybody registers a \
           passkey",
    run: address,
    fix: None,
};

/// Changes are refused everywhere while it is on: what was meant for an hour is forgotten.
pub const READ_ONLY: Check = Check {
    name: "read-only-mode",
    room: Room::Server,
    title: "Read-only mode",
    expected: "off",
    mend: "once what it was turned on for is over: strongroom maintenance read-only off",
    run: read_only,
    fix: None,
};

fn read_only(facts: &Facts) -> Finding {
    facts.with_records(|records| match &records.read_only {
        None => Finding::ok("off"),
        Some(on) => Finding::warn(on.to_string()),
    })
}

fn tls(facts: &Facts) -> Finding {
    match facts.settings.server.tls_minimum {
        TlsVersion::V1_3 => Finding::ok("1.3"),
        TlsVersion::V1_2 => Finding::warn("1.2"),
    }
}

fn proxies(facts: &Facts) -> Finding {
    let proxies = &facts.settings.server.trusted_proxies;
    let is_no_machine = |ip: &&std::net::IpAddr| ip.is_unspecified() || ip.is_multicast();
    if let Some(wrong) = proxies.iter().find(is_no_machine) {
        return Finding::fail(format!("{wrong} is no machine's address"));
    }
    match proxies.len() {
        0 => Finding::ok("none"),
        1..=16 => {
            Finding::ok(proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        many => Finding::warn(format!("{many} addresses")),
    }
}

fn contact(facts: &Facts) -> Finding {
    match &facts.settings.server.security_contact {
        Some(contact) => Finding::ok(contact.as_str()),
        None => Finding::warn("not set"),
    }
}

fn address(facts: &Facts) -> Finding {
    let server = &facts.settings.server;
    match &server.external_url {
        Some(url) => Finding::ok(url.as_str()),
        None if server.listen.ip().is_loopback() => {
            Finding::ok(format!("not set; only this machine gets in ({})", server.listen))
        }
        None => Finding::warn(format!("not set, and it listens at {}", server.listen)),
    }
}
