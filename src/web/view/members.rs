//! People of a tenant.

use askama::Template;

use super::query::{Pager, href};
use super::{Choice, Chrome, Field, MemberState, SecondFactorState};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/members[?q=&role=&state=&factor=&cursor=]`; `POST` adds one (`name`, `email`,
/// `role`, `password`).
#[derive(Template)]
#[template(path = "members.html")]
pub struct MembersPage {
    pub chrome: Chrome,
    pub filter: MembersFilter,
    pub rows: Vec<MemberRow>,
    pub pager: Pager,
    /// The form, for who may add; open when it was refused.
    pub form: Option<MemberForm>,
}

/// What the list was narrowed to.
pub struct MembersFilter {
    pub q: String,
    /// Every role, the first choice for any.
    pub roles: Vec<Choice>,
    pub state: Option<MemberState>,
    pub factor: Option<SecondFactorState>,
}

impl MembersFilter {
    pub fn role(&self) -> &str {
        let chosen = self.roles.iter().find(|choice| choice.selected);
        chosen.map_or("", |choice| choice.value.as_str())
    }

    pub fn is_on(&self) -> bool {
        let chosen = self.state.is_some() || self.factor.is_some();
        !self.q.is_empty() || !self.role().is_empty() || chosen
    }

    pub fn is_state(&self, state: &MemberState) -> bool {
        self.state == Some(*state)
    }

    pub fn is_factor(&self, factor: &SecondFactorState) -> bool {
        self.factor == Some(*factor)
    }

    /// The same list, from `cursor` on.
    pub fn page(&self, path: &str, cursor: &str) -> String {
        let state = self.state.map_or("", |state| state.code());
        let factor = self.factor.map_or("", |factor| factor.code());
        let role = self.role();
        let fields = [("q", &*self.q), ("role", role), ("state", state), ("factor", factor)];
        href(path, &[&fields[..], &[("cursor", cursor)]].concat())
    }
}

pub struct MemberRow {
    pub id: String,
    /// Empty once the person was erased.
    pub name: String,
    pub email: String,
    /// The role's name.
    pub role: String,
    pub state: MemberState,
    pub factor: SecondFactorState,
    pub last_sign_in: Option<Timestamp>,
    /// The person who looks at the page.
    pub is_me: bool,
}

/// `GET /t/{slug}/members/{id}`. Forms go to `…/name`, `…/role`, `…/enable`; disabling asks first.
#[derive(Template)]
#[template(path = "member.html")]
pub struct MemberPage {
    pub chrome: Chrome,
    pub row: MemberRow,
    pub created: Timestamp,
    /// The name, where it may be changed.
    pub name: Option<Field>,
    /// Roles that may be given; empty when the role cannot be changed here.
    pub roles: Vec<Choice>,
    pub role: Field,
    pub may_disable: bool,
    pub may_enable: bool,
    pub may_reset_factors: bool,
    /// Whether a link for a new password can be made.
    pub may_link: bool,
    /// Identity providers that sign the person in; empty for who may not see them.
    pub providers: Vec<SignsInWith>,
    pub may_unlink: bool,
    /// Why nothing can be done: the person has rights that the one who looks lacks.
    pub is_above: bool,
}

/// A provider that signs somebody in.
pub struct SignsInWith {
    /// The provider's id; unlinking goes to `…/providers/{id}/unlink`.
    pub id: String,
    pub name: String,
    pub since: Timestamp,
}

impl MemberPage {
    pub fn unlinks(&self) -> bool {
        self.may_unlink && !self.providers.is_empty()
    }

    pub fn may_nothing(&self) -> bool {
        let may_turn =
            self.may_disable || self.may_enable || self.may_reset_factors || self.may_link;
        let may_turn = may_turn || self.unlinks();
        self.name.is_none() && self.roles.is_empty() && !may_turn
    }
}

pub struct MemberForm {
    pub name: Field,
    pub email: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
    pub password: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}

impl MemberForm {
    pub fn new(roles: Vec<Choice>, password_min: u64) -> Self {
        let (name, email, role, password) = Default::default();
        Self { name, email, role, roles, password, password_min }
    }

    pub fn is_refused(&self) -> bool {
        [&self.name, &self.email, &self.role, &self.password]
            .iter()
            .any(|field| field.error.is_some())
    }
}
