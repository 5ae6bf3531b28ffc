//! Which addresses may be connected to. Whoever sets up a stream or an identity provider makes this
//! machine open connections from where it stands: what answers only because the caller is local
//! stays out of reach, whatever name leads there (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

/// Metadata services of clouds that are not link-local.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Why a host is not connected to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AddressError {
    #[error("the name {0} is not known")]
    Unknown(String),
    #[error("{0} is not an address that may be connected to")]
    Refused(IpAddr),
    #[error("recovery mode connects to nothing")]
    CutOff,
}

/// Whether this process connects to nothing at all.
static CUT_OFF: AtomicBool = AtomicBool::new(false);

/// From now on this process connects to nothing.
pub fn cut_off() {
    CUT_OFF.store(true, Ordering::Relaxed);
}

/// # Errors
/// [`AddressError::CutOff`] after [`cut_off`].
pub fn may_connect() -> Result<(), AddressError> {
    match CUT_OFF.load(Ordering::Relaxed) {
        true => Err(AddressError::CutOff),
        false => Ok(()),
    }
}

/// The administrator's word, from the configuration file.
#[derive(Clone, Debug)]
pub enum Allowed {
    /// The usual, and these.
    Also(Vec<IpAddr>),
    /// Whatever the configuration file itself names as a receiver.
    Anything,
}

impl Default for Allowed {
    fn default() -> Self {
        Self::Also(Vec::new())
    }
}

impl Allowed {
    /// Whether it may be connected to.
    pub fn admits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        match self {
            Self::Anything => true,
            Self::Also(listed) => {
                let is_listed = listed.iter().any(|allowed| allowed.to_canonical() == ip);
                is_listed || !(is_refused(ip) || is_own(ip))
            }
        }
    }

    /// The addresses of a host that may be used, asked for anew for every connection, so that a
    /// name cannot lead elsewhere after it was looked at.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, AddressError> {
        may_connect()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => {
                let lookup = tokio::net::lookup_host((bare, port)).await;
                lookup.map_err(|_| AddressError::Unknown(bare.to_owned()))?.collect()
            }
        };
        let Some(first) = found.first().copied() else {
            return Err(AddressError::Unknown(bare.to_owned()));
        };
        let usable: Vec<_> = found.into_iter().filter(|at| self.admits(at.ip())).collect();
        if usable.is_empty() { Err(AddressError::Refused(first.ip())) } else { Ok(usable) }
    }

    /// An address that is written as such in a URL: no resolver is asked about it.
    pub fn check_literal(&self, url: &Url) -> Result<(), AddressError> {
        may_connect()?;
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse() {
            Ok(ip) if !self.admits(ip) => Err(AddressError::Refused(ip)),
            _ => Ok(()),
        }
    }
}

fn is_refused(ip: IpAddr) -> bool {
    let special = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
    special
        || METADATA.contains(&ip)
        || match ip {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
            IpAddr::V6(v6) => {
                v6.is_unicast_link_local()
                    || embedded(v6).is_some_and(|inner| is_refused(IpAddr::V4(inner)))
            }
        }
}

/// Whether one of this machine's interfaces has the address: what a machine sends to itself comes
/// in as local whatever its name, past the firewall.
fn is_own(ip: IpAddr) -> bool {
    let has = |ip: IpAddr| UdpSocket::bind((ip, 0)).is_ok();
    // Of the documentation's addresses (RFC 5737, RFC 3849) no machine has any. One that binds them
    // binds everything (ip_nonlocal_bind), which says nothing.
    let nobodys = match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    has(ip) && !has(nobodys)
}

/// The IPv4 address that an IPv6 address leads to: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), and
/// the deprecated form of RFC 4291.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b, c, d, e, f) {
        (0x64, 0xff9b, 0, 0, 0, 0) | (0x64, 0xff9b, 1, ..) | (0, 0, 0, 0, 0, 0) => Some(join(g, h)),
        (0x2002, high, low, ..) => Some(join(high, low)),
        _ => None,
    }
}

/// Takes `host:port` apart; an IPv6 address stands in brackets.
pub fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let bare = if bracketed { &host[1..host.len() - 1] } else { host };
    let fits = match bracketed {
        true => bare.parse::<Ipv6Addr>().is_ok(),
        false => is_host(bare),
    };
    fits.then_some((bare, port))
}

/// A name of letters, digits, hyphens and dots, or an IPv4 address.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    (1..=253).contains(&name.len()) && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_only_to_this_machine_is_refused_in_every_spelling() {
        let nobody = Allowed::default();
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:7f00:1::",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(!nobody.admits(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["10.1.2.3", "192.168.0.9", "198.51.100.7", "2001:db8::7", "fd12:3456::7"] {
            assert!(nobody.admits(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn the_configuration_file_can_allow_an_address_and_that_one_alone() {
        let allowed = Allowed::Also(vec!["127.0.0.1".parse().unwrap()]);
        assert!(allowed.admits("127.0.0.1".parse().unwrap()));
        assert!(allowed.admits("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!allowed.admits("127.0.0.2".parse().unwrap()));
    }

    #[test]
    fn this_machine_is_refused_under_the_address_that_its_neighbours_know() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        // Nothing is sent; a machine without a network has no such address.
        let Ok(own) = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()) else {
            return;
        };
        assert!(!Allowed::default().admits(own.ip()), "{own}");
        assert!(Allowed::Also(vec![own.ip()]).admits(own.ip()));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        let refused = Allowed::default().resolve("localhost", 514).await;
        assert!(matches!(refused, Err(AddressError::Refused(_))), "{refused:?}");
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("siem.example.org:6514"), Some(("siem.example.org", 6514)));
        assert_eq!(host_and_port("[2001:db8::1]:514"), Some(("2001:db8::1", 514)));
        assert_eq!(host_and_port("10.0.0.1:1"), Some(("10.0.0.1", 1)));
        for bad in ["", "siem", "siem:", "siem:0", "siem:70000", ":1", "a b:1", "a/b:1", "::1:5"] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
        assert_eq!(host_and_port("[siem]:5"), None);
        assert_eq!(host_and_port("user@siem:5"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_host_with_room_for_something_else(text in ".{0,40}") {
            if let Some((host, _)) = host_and_port(&text) {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
                proptest::prop_assert!(host.chars().all(plain));
            }
        }
    }
}
