//! What a member is, and what is asked of a new one.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::approvals::ApprovalError;
use crate::authn::{AuthnError, Hasher};
use crate::crypto::password::{self, Context, PasswordError};
use crate::kernel::id::UserId;
use crate::kernel::{ErrorKind, Fault, Timestamp, limits};
use crate::roles::RoleError;
use crate::tenants::DoorError;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub id: UserId,
    /// Null once the person was erased.
    pub name: Option<String>,
    pub email: Option<String>,
    /// The role's code.
    pub role: String,
    pub state: MemberState,
    pub second_factor: SecondFactor,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    Active,
    Disabled,
}

impl MemberState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// What somebody can show beside a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// An authenticator app or a passkey is set up.
    On,
    /// None, and none is asked for.
    Off,
    /// None yet, though one is asked for: the next sign-in leads into setting it up.
    Missing,
}

impl SecondFactor {
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Missing => "missing",
        }
    }

    pub(crate) const fn of(is_there: bool, is_wanted: bool) -> Self {
        match (is_there, is_wanted) {
            (true, _) => Self::On,
            (false, false) => Self::Off,
            (false, true) => Self::Missing,
        }
    }
}

/// Which members are listed.
#[derive(Clone, Debug, Default)]
pub struct MemberFilter {
    /// A part of the name or of the e-mail address; a whole address is found at once.
    pub q: Option<String>,
    /// The code of a role.
    pub role: Option<String>,
    pub state: Option<MemberState>,
    pub second_factor: Option<SecondFactor>,
}

/// Members, oldest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberPage {
    pub items: Vec<Member>,
    pub next_cursor: Option<String>,
}

/// A member to be made.
#[derive(Clone)]
pub struct NewMember {
    pub name: String,
    pub email: String,
    pub password: SecretString,
    /// The code of a role, built in or the tenant's own.
    pub role: String,
}

/// A new member, checked, with the password hashed.
#[derive(Clone)]
pub struct Prepared {
    pub name: String,
    pub email: String,
    pub password_hash: String,
    /// The code of a role.
    pub role: String,
}

impl NewMember {
    /// Everything that is wrong with the input, for forms that say it all at once. `place` is the
    /// name of their tenant: it makes no password. Empty for the platform.
    pub fn problems(&self, place: &str) -> Vec<UserError> {
        let known = Context::of(&[&self.name, &self.email, place]);
        let checks = [
            check_name(self.name.trim()),
            check_email(self.email.trim()),
            password::check(&self.password, &known).map_err(UserError::Password),
        ];
        checks.into_iter().filter_map(Result::err).collect()
    }

    /// Checks everything and hashes the password, before any transaction.
    pub async fn prepare(self, hasher: &Hasher, place: &str) -> Result<Prepared, UserError> {
        self.problems(place).into_iter().next().map_or(Ok(()), Err)?;
        let (name, email) = (self.name.trim().to_owned(), self.email.trim().to_owned());
        let password_hash = hasher.hash(self.password).await.map_err(DoorError::from)?;
        Ok(Prepared { name, email, password_hash, role: self.role })
    }
}

/// Stands where a password hash would: no password matches it.
pub const NO_PASSWORD: &str = "!";

impl Prepared {
    /// Somebody who has yet to choose a password.
    pub fn without_password(
        name: &str,
        email: &str,
        role: impl Into<String>,
    ) -> Result<Self, UserError> {
        let (name, email) = (name.trim().to_owned(), email.trim().to_owned());
        check_name(&name)?;
        check_email(&email)?;
        Ok(Self { name, email, password_hash: NO_PASSWORD.to_owned(), role: role.into() })
    }
}

/// # Errors
/// [`UserError::Name`] for what is none.
pub fn check_name(name: &str) -> Result<(), UserError> {
    let fine =
        (1..=limits::LINE_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    fine.then_some(()).ok_or(UserError::Name)
}

/// # Errors
/// [`UserError::Email`] for what is none.
pub fn check_email(email: &str) -> Result<(), UserError> {
    let plausible = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    let clean = email.len() <= 254 && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    (plausible && clean).then_some(()).ok_or(UserError::Email)
}

#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("a name has 1 to 512 bytes and no control characters")]
    Name,
    #[error("this is not an e-mail address")]
    Email,
    #[error(transparent)]
    Password(PasswordError),
    #[error("somebody with this e-mail address is there already")]
    Taken,
    #[error("there is no such member")]
    NotFound,
    #[error("a page has 1 to {} items", limits::PAGE_ITEMS)]
    Limit,
    #[error("this cursor is not one that a page of this list gave: begin without a cursor")]
    Cursor,
    #[error("this link was used before or its time is over: ask for a new one")]
    Link,
    #[error("nobody can register here with an address of this domain")]
    Domain,
    #[error("there is no such invitation: it was accepted, withdrawn, or is over")]
    NotInvited,
    #[error("{} invitations are open: withdraw some first", limits::INVITATIONS)]
    Invitations,
    #[error(
        "two people have to agree on somebody who can approve: invite with another role and change it then"
    )]
    SecondPerson,
    #[error(transparent)]
    Role(RoleError),
    #[error("you cannot give away more rights than you have")]
    TooMuch,
    #[error("somebody else has to do this to your account: you might lock yourself out")]
    Oneself,
    #[error("a tenant needs at least one active owner: make another one first")]
    LastOwner,
    #[error(
        "this is the emergency account of single sign-on, which stays an active owner with a second factor: name another one first"
    )]
    Emergency,
    #[error(
        "only single sign-on lets people in here: give them access at the identity provider instead; whoever is to have a role beforehand can be added as a member"
    )]
    SingleSignOn,
    #[error("the current password is wrong")]
    WrongPassword,
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(UserError);

impl From<ApprovalError> for UserError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<AuthnError> for UserError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            AuthnError::Password(error) => Self::Password(error),
            AuthnError::WrongPassword => Self::WrongPassword,
            _ => Self::Link,
        }
    }
}

impl From<RoleError> for UserError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::TooMuch => Self::TooMuch,
            RoleError::Door(error) => Self::Door(error),
            other => Self::Role(other),
        }
    }
}

impl Fault for UserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name
            | Self::Email
            | Self::Password(_)
            | Self::WrongPassword
            | Self::Limit
            | Self::Domain
            | Self::Cursor => ErrorKind::Invalid,
            Self::Role(error) => error.kind(),
            Self::Taken
            | Self::LastOwner
            | Self::Oneself
            | Self::Invitations
            | Self::Emergency
            | Self::SingleSignOn
            | Self::SecondPerson => ErrorKind::Conflict,
            Self::NotFound | Self::Link | Self::NotInvited => ErrorKind::NotFound,
            Self::TooMuch => ErrorKind::Denied,
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Email => "email-invalid",
            Self::Password(error) => error.code(),
            Self::Taken => "email-taken",
            Self::NotFound => "member-not-found",
            Self::Link => "link-over",
            Self::Domain => "domain-not-listed",
            Self::NotInvited => "invitation-not-found",
            Self::Invitations => "too-many-invitations",
            Self::SecondPerson => "second-person-needed",
            Self::Limit => "limit-invalid",
            Self::Cursor => "cursor-invalid",
            Self::Role(error) => error.code(),
            Self::Oneself => "own-account",
            Self::TooMuch => "forbidden",
            Self::LastOwner => "last-owner",
            Self::Emergency => "emergency-account",
            Self::SingleSignOn => "single-sign-on-only",
            Self::WrongPassword => "wrong-password",
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("name"),
            Self::Email | Self::Taken | Self::Domain => Some("email"),
            Self::Password(_) => Some("password"),
            Self::Role(error) => error.field(),
            Self::WrongPassword => Some("current"),
            Self::Limit => Some("limit"),
            Self::Cursor => Some("cursor"),
            _ => None,
        }
    }
}
