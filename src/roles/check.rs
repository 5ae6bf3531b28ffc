//! What is refused before a role is stored.

use super::RoleError;
use crate::authz::{Flag, Permissions, Principal, Role};
use crate::kernel::limits;

/// Words of addresses in the console, which a code must not hide.
const TAKEN: [&str; 2] = ["new", "copy"];

pub fn code(code: &str) -> Result<(), RoleError> {
    let bytes = code.as_bytes();
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = (2..=40).contains(&bytes.len())
        && bytes.iter().all(|byte| word(*byte) || *byte == b'-')
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().copied().is_some_and(word);
    let built_in = Role::TENANT.into_iter().chain(Role::PLATFORM);
    let mut others = built_in.chain([Role::LocalOperator, Role::System]).map(Role::name);
    if fits && !TAKEN.contains(&code) && others.all(|other| other != code) {
        Ok(())
    } else {
        Err(RoleError::Code)
    }
}

pub fn name(name: &str) -> Result<String, RoleError> {
    let name = name.trim();
    if name.is_empty() { Err(RoleError::Name) } else { line(name).ok_or(RoleError::Name) }
}

pub fn description(text: &str) -> Result<String, RoleError> {
    line(text.trim()).ok_or(RoleError::Description)
}

fn line(text: &str) -> Option<String> {
    let fits = text.len() <= limits::LINE_BYTES && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// The set of these names, with what everybody may do. A role of a tenant has nothing that its
/// owners lack.
pub fn permissions(names: &[String]) -> Result<Permissions, RoleError> {
    let most = Role::Owner.permissions();
    let flag = |name: &String| {
        let found = Flag::parse(name).filter(|flag| most.has(*flag));
        found.ok_or_else(|| RoleError::Permission(name.chars().take(64).collect()))
    };
    let named = names.iter().map(flag).collect::<Result<Permissions, _>>()?;
    Ok(named.or(Permissions::own_account()))
}

pub fn may_give(principal: &Principal, permissions: Permissions) -> Result<(), RoleError> {
    if principal.may_give(permissions) { Ok(()) } else { Err(RoleError::TooMuch) }
}
