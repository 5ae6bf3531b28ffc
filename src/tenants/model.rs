//! What a tenant is.

use std::fmt;
use std::str::FromStr;

use crate::authz::TenantState;
use crate::behind_doors;
use crate::kernel::id::TenantId;
use crate::kernel::{ErrorKind, Fault, Timestamp};

use super::DoorError;

/// A tenant's name in URLs: 2 to 48 of `a-z 0-9 -`, a letter or digit at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let well_formed = (2..=48).contains(&bytes.len())
            && bytes.iter().all(|byte| word(*byte) || *byte == b'-')
            && bytes.first().copied().is_some_and(word)
            && bytes.last().copied().is_some_and(word)
            && uuid::Uuid::try_parse(text).is_err();
        well_formed.then(|| Self(text.to_owned())).ok_or(TenantError::Slug)
    }
}

#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: String,
    pub state: TenantState,
    pub created: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    #[error(
        "a tenant's short name has 2 to 48 of the characters a-z, 0-9 and -, and begins and ends with a letter or digit"
    )]
    Slug,
    #[error("a tenant needs a name of 1 to 512 bytes without control characters")]
    Name,
    #[error("there is a tenant with this short name already: choose another")]
    Taken,
    #[error(
        "this short name belonged to a tenant that was destroyed, and is free again when the last backup of its data is gone: choose another"
    )]
    Reserved,
    #[error("there is no such tenant")]
    NotFound,
    #[error("a tenant that is {0} cannot be changed in this way")]
    State(&'static str),
    #[error(transparent)]
    Door(DoorError),
}

behind_doors!(TenantError);

impl Fault for TenantError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Slug | Self::Name => ErrorKind::Invalid,
            Self::Taken | Self::Reserved | Self::State(_) => ErrorKind::Conflict,
            Self::NotFound => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Slug => "slug-invalid",
            Self::Name => "name-invalid",
            Self::Taken => "slug-taken",
            Self::Reserved => "slug-reserved",
            Self::NotFound => "tenant-not-found",
            Self::State(_) => "state-conflict",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Slug | Self::Taken | Self::Reserved => Some("slug"),
            Self::Name => Some("name"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_cannot_leave_its_place_in_a_path_or_pass_for_an_id() {
        for bad in ["", "a", "../x", "a/b", "A1", "-ab", "ab-", "a b", "ü1"] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
        assert!("01890a5d-ac96-774b-bcce-b302099a8057".parse::<Slug>().is_err());
        assert_eq!("acme-2".parse::<Slug>().unwrap().as_str(), "acme-2");
    }
    proptest::proptest! {
        #[test]
        fn whatever_passes_for_a_short_name_is_one(text in "[a-z0-9-]{0,50}|.*") {
            let Ok(slug) = text.parse::<Slug>() else { return Ok(()) };
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            proptest::prop_assert!(slug.as_str() == text && text.chars().all(plain));
        }
    }
}
