//! Addresses as they are counted, and networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What one sender can hold: an IPv4 address, or the /64 of an IPv6 address, in which whoever has
/// one address has them all.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// A network (CIDR, RFC 4632 and 4291) in one form: IPv4 in IPv6 is IPv4, and what it leaves open is
/// zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            None => (text.parse().ok()?, None),
            Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
        };
        let most = width(address);
        let bits = bits.unwrap_or(most);
        (bits <= most).then(|| Self::masked(address, bits))
    }

    fn masked(address: IpAddr, bits: u8) -> Self {
        match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                Self { address: Ipv4Addr::from_bits(v4.to_bits() & mask).into(), bits }
            }
            IpAddr::V6(v6) => match v6.to_ipv4_mapped().filter(|_| bits >= 96) {
                Some(v4) => Self::masked(v4.into(), bits - 96),
                None => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                    Self { address: Ipv6Addr::from_bits(v6.to_bits() & mask).into(), bits }
                }
            },
        }
    }

    pub fn address(self) -> IpAddr {
        self.address
    }

    pub fn bits(self) -> u8 {
        self.bits
    }

    pub fn contains(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.address.is_ipv4() && Self::masked(ip, self.bits) == self
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(self.address) {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let inside = |network: &str, ip: &str| {
            Network::parse(network).unwrap().contains(ip.parse().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.200.3.4") && !inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("10.1.2.3/8", "10.9.9.9"), "what a network leaves open counts for nothing");
        assert!(inside("192.0.2.7", "::ffff:192.0.2.7") && !inside("192.0.2.7", "192.0.2.8"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!inside("2001:db8::/32", "2001:db9::1"));
        // All of one kind is nothing of the other.
        assert!(inside("0.0.0.0/0", "203.0.113.1") && !inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("::/0", "2001:db8::1") && !inside("::/0", "203.0.113.1"));
        assert!(inside("::ffff:10.0.0.0/104", "10.1.1.1"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "/8", "host", "1/2/3"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_network_reads_back_as_it_is_written(bytes: [u8; 16], bits in 0..=128u8, v4: bool) {
            let address = match v4 {
                true => IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]),
                false => IpAddr::from(bytes),
            };
            let text = format!("{address}/{}", bits.min(width(address)));
            let network = Network::parse(&text).unwrap();
            proptest::prop_assert_eq!(Network::parse(&network.to_string()), Some(network));
            proptest::prop_assert!(network.contains(network.address()));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*|[0-9a-f:./]{0,40}") {
            let _ = Network::parse(&text);
        }
    }

    #[test]
    fn all_addresses_of_one_ipv6_line_count_as_one() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
