//! Addresses and networks (CIDR, RFC 4632 and 4291), in one form: IPv4 in IPv6 is IPv4, and what
//! a network leaves open is zero.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ast::{Condition, Expr};

const WRONG: &str =
    "write an address or a network, for example 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";

/// `star` is a `*` at the end: `10.1.*`, or alone for any address at all.
pub(super) fn read(text: &str, star: bool) -> Result<Expr, String> {
    let network = |(address, bits)| Expr::Is(Condition::Network { address, bits });
    match (text, star) {
        ("", true) => {
            let all = [(Ipv4Addr::UNSPECIFIED.into(), 0), (Ipv6Addr::UNSPECIFIED.into(), 0)];
            Some(Expr::any(all.map(network).to_vec()))
        }
        (_, true) => first_bytes(text).map(network),
        (_, false) => cidr(text).map(network),
    }
    .ok_or_else(|| WRONG.to_owned())
}

fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        None => (text.parse().ok()?, None),
        Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
    };
    let most = width(address);
    let bits = bits.unwrap_or(most);
    (bits <= most).then(|| masked(address, bits))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, bits: u8) -> (IpAddr, u8) {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            (Ipv4Addr::from_bits(v4.to_bits() & mask).into(), bits)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped().filter(|_| bits >= 96) {
            Some(v4) => masked(v4.into(), bits - 96),
            None => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                (Ipv6Addr::from_bits(v6.to_bits() & mask).into(), bits)
            }
        },
    }
}

/// `10.`, `10.1.`, `10.1.2.`
fn first_bytes(text: &str) -> Option<(IpAddr, u8)> {
    let parts: Vec<u8> =
        text.strip_suffix('.')?.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut bytes = [0; 4];
    bytes.get_mut(..parts.len()).filter(|_| parts.len() < 4)?.copy_from_slice(&parts);
    let bits = u8::try_from(8 * parts.len()).ok()?;
    Some((Ipv4Addr::from(bytes).into(), bits))
}
