//! Addresses and networks in a search.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ast::{Condition, Expr};
use crate::kernel::Network;

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
    Network::parse(text).map(|network| (network.address(), network.bits()))
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
