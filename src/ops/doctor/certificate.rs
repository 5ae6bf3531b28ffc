//! The certificate that browsers and applications see.

use super::check::{Check, Finding, Room};
use super::facts::{Facts, span};
use crate::http::tls::{self, Shown, TlsError, acme};

/// The server does not start with a key that does not fit, or that others may read.
pub const READABLE: Check = Check {
    name: "certificate-pair",
    room: Room::Server,
    title: "The certificate and its key",
    expected: "both there, fitting, and the key closed to others",
    mend: "put the matching pair where server.tls_certificate and server.tls_key point; chmod 640 on \
           the key at most",
    run: readable,
    fix: None,
};

/// After its end nobody signs in without a warning, and applications stop.
pub const EXPIRY: Check = Check {
    name: "certificate-expiry",
    room: Room::Server,
    title: "The certificate's end",
    expected: "valid now and for 21 days more",
    mend: "renew the certificate: a server that runs takes new files over by itself (docs/tls.md); one \
           that Strongroom made itself is renewed in its last 30 days",
    run: expiry,
    fix: None,
};

/// A certificate for another name teaches people to click warnings away.
pub const NAMES: Check = Check {
    name: "certificate-names",
    room: Room::Server,
    title: "The certificate's names",
    expected: "the host of server.external_url is among them",
    mend: "have the certificate issued for the name that people use, or correct server.external_url; \
           behind a proxy that has the right one, this does not matter",
    run: names,
    fix: None,
};

/// What is not renewed ends.
pub const ACME: Check = Check {
    name: "acme",
    room: Room::Server,
    title: "Certificates from the authority",
    expected: "the last try brought a certificate",
    mend: "mend what the authority or the connection to it says (docs/tls.md), then strongroom tls \
           renew: it asks at once",
    run: authority,
    fix: None,
};

fn authority(facts: &Facts) -> Finding {
    let Some(standing) = acme::standing(&facts.settings) else {
        return Finding::none("acme.directory is not set");
    };
    let Some(tried) = standing.state.tried else {
        return Finding::warn("not asked yet: a server that starts asks at once");
    };
    let ago = span(facts.age(tried));
    let Some(error) = &standing.state.error else {
        return match standing.next {
            Some(next) if next > facts.now => {
                Finding::ok(format!("given {ago} ago; renewed in {}", span(next.since(facts.now))))
            }
            _ => Finding::ok(format!("given {ago} ago; to be renewed now")),
        };
    };
    let said = format!("{error} ({} failed, the last {ago} ago)", standing.state.failures);
    // Without one, or near the end of it, people see warnings.
    match shown(facts) {
        Ok(Some(shown)) if standing.renewal.is_some() && shown.warned_from() > facts.now => {
            Finding::warn(said)
        }
        _ => Finding::fail(said),
    }
}

fn shown(facts: &Facts) -> Result<Option<Shown>, TlsError> {
    tls::shown(&facts.settings)
}

fn readable(facts: &Facts) -> Finding {
    match shown(facts) {
        Ok(None) => Finding::none("none yet: the first start makes one"),
        Ok(Some(shown)) => Finding::ok(format!("SHA-256 {}", shown.fingerprint)),
        Err(error) => Finding::fail(error.to_string()),
    }
}

fn expiry(facts: &Facts) -> Finding {
    let Ok(Some(shown)) = shown(facts) else { return Finding::none("there is none to look at") };
    if shown.not_before > facts.now {
        return Finding::fail(format!("not valid before {}", shown.not_before.display()));
    }
    if shown.not_after < facts.now {
        return Finding::fail(format!("expired {} ago", span(facts.age(shown.not_after))));
    }
    let left = shown.not_after.since(facts.now);
    let said = format!("valid for {} more", span(left));
    if shown.warned_from() < facts.now { Finding::warn(said) } else { Finding::ok(said) }
}

fn names(facts: &Facts) -> Finding {
    let Some(url) = &facts.settings.server.external_url else {
        return Finding::none("server.external_url is not set");
    };
    let Ok(Some(shown)) = shown(facts) else { return Finding::none("there is none to look at") };
    let url = reqwest::Url::parse(url.as_str());
    let Some(host) = url.ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase)) else {
        return Finding::none("server.external_url has no host");
    };
    let host = host.trim_matches(['[', ']']);
    let said = format!("{host}; the certificate has {}", shown.names.join(", "));
    let fits = shown.names.iter().any(|name| covers(name, host));
    if fits { Finding::ok(said) } else { Finding::warn(said) }
}

/// A wildcard stands for one label (RFC 6125, 6.4.3).
fn covers(name: &str, host: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((_, rest))) => parent == rest,
        _ => name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_one_label() {
        assert!(covers("Vault.example.org", "vault.example.org"));
        assert!(covers("*.example.org", "vault.example.org"));
        assert!(!covers("*.example.org", "a.vault.example.org"));
        assert!(!covers("*.example.org", "example.org"));
        assert!(!covers("vault.example.com", "vault.example.org"));
    }
}
