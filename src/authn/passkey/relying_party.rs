//! Who asks for passkeys: the name in this installation's address. A passkey answers to that name
//! alone, which is what makes it useless to a page that imitates ours.

use webauthn_rs::WebauthnBuilder;
use webauthn_rs::prelude::{Url, Webauthn};

use crate::kernel::limits;

/// This installation, as passkeys know it.
pub struct RelyingParty {
    pub(super) webauthn: Webauthn,
    origin: String,
}

/// What a browser sees of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Passkeys work here.
    Here,
    /// They work at this address of the same console.
    At(String),
    /// The installation has no name.
    Nowhere,
}

impl RelyingParty {
    /// For an installation whose links begin with `base`; none when that has an IP address for a
    /// name, which WebAuthn does not allow. Loopback addresses have one: `localhost`.
    pub fn of(base: &str) -> Option<Self> {
        let mut origin = Url::parse(base).ok()?;
        if is_loopback(&origin) {
            origin.set_host(Some("localhost")).ok()?;
        }
        let id = origin.domain()?.to_owned();
        let builder = WebauthnBuilder::new(&id, &origin).ok()?;
        let builder = builder.rp_name("Strongroom").timeout(limits::CEREMONY_LIFE);
        let origin = origin.origin().ascii_serialization();
        Some(Self { webauthn: builder.build().ok()?, origin })
    }

    /// What somebody sees whose browser asks for this host (the header, with its port).
    pub fn place(party: Option<&Self>, host: &str) -> Place {
        match party {
            Some(party) if party.origin == format!("https://{host}") => Place::Here,
            Some(party) => Place::At(party.origin.clone()),
            None => Place::Nowhere,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(base: &str, host: &str) -> Place {
        RelyingParty::place(RelyingParty::of(base).as_ref(), host)
    }

    #[test]
    fn passkeys_work_at_the_installations_name_and_nowhere_else() {
        let base = "https://vault.example.org";
        assert_eq!(seen(base, "vault.example.org"), Place::Here);
        assert_eq!(seen("https://vault.example.org:8443", "vault.example.org:8443"), Place::Here);
        for other in ["vault.example.org:8443", "evil.example.org", "192.0.2.1", ""] {
            assert_eq!(seen(base, other), Place::At(base.to_owned()), "{other}");
        }
    }

    #[test]
    fn a_loopback_address_goes_by_the_name_of_localhost() {
        for base in ["https://127.0.0.1:8443", "https://[::1]:8443"] {
            assert_eq!(seen(base, "localhost:8443"), Place::Here);
            let there = Place::At("https://localhost:8443".to_owned());
            assert_eq!(seen(base, "127.0.0.1:8443"), there);
        }
    }

    #[test]
    fn an_address_without_a_name_has_no_passkeys() {
        for base in ["https://192.0.2.1", "https://[2001:db8::1]:8443", ""] {
            assert_eq!(seen(base, "192.0.2.1"), Place::Nowhere);
        }
    }
}
