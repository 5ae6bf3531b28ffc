//! Who somebody from a provider is here, and what becomes of them: decided by the provider's settings
//! and what it has signed, and by nothing that a member could have arranged.
//!
//! An address is believed only where the provider vouches for its domain, and only to find a member
//! the first time; from then on they are known by their subject.

use super::{Protocol, Provider, Provisioning, SsoError, presets, repo};
use crate::approvals;
use crate::authn::SignInPolicy;
use crate::authn::sso::{Identity, Refusal, Trace};
use crate::authz::{Flag, Rights, Role};
use crate::roles::{self, RoleError};
use crate::scim;
use crate::tenants::RealmTx;
use crate::users::{self, Alteration, Member, MemberState};

/// What is to be done before somebody is admitted.
pub(super) struct Plan {
    pub who: Who,
    /// Of a member.
    pub changes: Alteration,
}

pub(super) enum Who {
    /// Somebody who was here before.
    Known(Member),
    /// A member who comes by this provider for the first time.
    ToLink(Member),
    /// Nobody yet.
    New { name: String, email: String, rights: Rights },
}

impl Plan {
    pub fn changes_something(&self) -> bool {
        !matches!(self.who, Who::Known(_)) || self.changes != Alteration::default()
    }
}

/// # Errors
/// [`SsoError::Refused`] for whoever does not get in.
pub(super) fn decide(
    tx: &impl RealmTx,
    provider: &Provider,
    identity: &Identity,
    trace: &mut Trace,
) -> Result<Plan, SsoError> {
    if let Some(id) = repo::linked(tx, provider.id, &identity.subject)?
        && let Some(member) = users::look(tx, id)?
    {
        check_active(&member, trace)?;
        check_not_emergency(tx, &member, trace)?;
        trace.passed("person-known", shown(&member));
        let address = match stated(provider, identity) {
            Some(email) => Some(believed(provider, identity, email, trace)?),
            None => None,
        };
        let changes = changes(tx, provider, identity, &member, address, trace)?;
        return Ok(Plan { who: Who::Known(member), changes });
    }
    let email = stated(provider, identity).ok_or_else(|| {
        let names = presets::mapping(&provider.settings).email.join(", ");
        trace.refused("email", Refusal::EmailMissing, None, Some(names))
    })?;
    let email = believed(provider, identity, email, trace)?;
    match users::look_by_email(tx, &email)? {
        Some(member) => to_link(tx, provider, identity, member, trace),
        None => new(tx, provider, identity, email, trace),
    }
}

fn check_active(member: &Member, trace: &mut Trace) -> Result<(), Refusal> {
    match member.state {
        MemberState::Active => Ok(()),
        MemberState::Disabled => {
            let found = Some(shown(member));
            Err(trace.refused("person-active", Refusal::Disabled, found, None))
        }
    }
}

/// The emergency account is for the day on which the provider is wrong.
fn check_not_emergency(
    tx: &impl RealmTx,
    member: &Member,
    trace: &mut Trace,
) -> Result<(), SsoError> {
    match SignInPolicy::read(tx)?.is_break_glass(*member.id.bytes()) {
        true => {
            let found = Some(shown(member));
            Err(trace.refused("break-glass", Refusal::NotLinked, found, None).into())
        }
        false => Ok(()),
    }
}

fn shown(member: &Member) -> String {
    member.email.clone().unwrap_or_else(|| member.id.to_string())
}

/// The address that the provider states.
fn stated<'a>(provider: &Provider, identity: &'a Identity) -> Option<&'a str> {
    let names = presets::mapping(&provider.settings).email;
    identity.first(&names).or_else(|| {
        let format = identity.session.name_format.as_deref();
        let by_name = format == Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
        identity.session.name.as_deref().filter(|_| by_name)
    })
}

/// Whether the provider may say that of somebody.
fn believed(
    provider: &Provider,
    identity: &Identity,
    email: &str,
    trace: &mut Trace,
) -> Result<String, Refusal> {
    let domains = &provider.settings.domains;
    let expected = || Some(domains.join(", "));
    // Letters that look like others are other letters: what was not typed here is not guessed at.
    let plain = email.is_ascii() && users::check_email(email).is_ok();
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    let domain = domain.filter(|domain| plain && domains.contains(domain));
    if domain.is_none() {
        let found = Some(email.to_owned());
        return Err(trace.refused("email-domain", Refusal::EmailForeign, found, expected()));
    }
    // A provider that knows says so; one that never says is believed for its own domains.
    if let Protocol::Oidc(oidc) = &provider.settings.protocol {
        let claim = |name: &str| identity.attributes.get(name).and_then(|values| values.first());
        if claim("email_verified").is_some_and(|verified| verified != "true") {
            let (found, expected) = (Some("false".to_owned()), Some("true".to_owned()));
            return Err(trace.refused("email-verified", Refusal::EmailUnverified, found, expected));
        }
        // Anybody can have an account there, with an address from elsewhere; the organisation
        // vouches only for those that it has made itself.
        let organisation = claim("hd").map(|domain| domain.to_ascii_lowercase());
        let is_shared = oidc.issuer.trim_end_matches('/') == "https://accounts.google.com";
        if is_shared && !organisation.as_ref().is_some_and(|domain| domains.contains(domain)) {
            let why = Refusal::EmailForeign;
            return Err(trace.refused("email-organisation", why, organisation, expected()));
        }
    }
    trace.passed("email-domain", email);
    Ok(email.to_owned())
}

fn to_link(
    tx: &impl RealmTx,
    provider: &Provider,
    identity: &Identity,
    member: Member,
    trace: &mut Trace,
) -> Result<Plan, SsoError> {
    check_active(&member, trace)?;
    check_not_emergency(tx, &member, trace)?;
    let is_somebody_else = repo::has_link(tx, provider.id, member.id)?;
    if !provider.settings.provisioning.link || is_somebody_else {
        let found = Some(shown(&member));
        return Err(trace.refused("person-linked", Refusal::NotLinked, found, None).into());
    }
    trace.passed("person-linked", shown(&member));
    let changes = changes(tx, provider, identity, &member, None, trace)?;
    Ok(Plan { who: Who::ToLink(member), changes })
}

fn new(
    tx: &impl RealmTx,
    provider: &Provider,
    identity: &Identity,
    email: String,
    trace: &mut Trace,
) -> Result<Plan, SsoError> {
    let provisioning = &provider.settings.provisioning;
    if !provisioning.create {
        return Err(trace
            .refused("person-created", Refusal::CreationOff, Some(email), None)
            .into());
    }
    let code = role(provisioning, identity).or(provisioning.default_role.as_deref());
    let rights = resolved(tx, code, trace)?;
    if rights.permissions().has(Flag::ApprovalDecide) && approvals::is_on(tx)? {
        let found = Some(rights.role().to_owned());
        return Err(trace.refused("role", Refusal::RoleTooHigh, found, None).into());
    }
    trace.passed("person-created", email.as_str());
    trace.passed("role", rights.role());
    let name = named(provider, identity);
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    Ok(Plan { who: Who::New { name, email, rights }, changes: Alteration::default() })
}

/// The role of the first rule that fits.
pub(super) fn role<'a>(provisioning: &'a Provisioning, identity: &Identity) -> Option<&'a str> {
    let fits = |rule: &&super::RoleRule| {
        let values = identity.attributes.get(&rule.attribute).map(Vec::as_slice);
        let fits = |value: &String| rule.value == "*" || rule.value == *value;
        values.unwrap_or_default().iter().any(fits)
    };
    provisioning.rules.iter().find(fits).map(|rule| rule.role.as_str())
}

fn resolved(tx: &impl RealmTx, code: Option<&str>, trace: &mut Trace) -> Result<Rights, SsoError> {
    let found = code.map(|code| roles::resolve(tx, code));
    match found {
        Some(Ok(rights)) => Ok(rights),
        Some(Err(RoleError::Door(error))) => Err(error.into()),
        // The role is gone meanwhile.
        Some(Err(_)) | None => {
            let found = code.map(str::to_owned);
            Err(trace.refused("role", Refusal::NoRole, found, None).into())
        }
    }
}

/// What changes about a member.
fn changes(
    tx: &impl RealmTx,
    provider: &Provider,
    identity: &Identity,
    member: &Member,
    address: Option<String>,
    trace: &mut Trace,
) -> Result<Alteration, SsoError> {
    let name = named(provider, identity).filter(|name| member.name.as_ref() != Some(name));
    if let Some(name) = &name {
        trace.noted("name", name.as_str());
    }
    let email = address.filter(|email| member.email.as_ref() != Some(email));
    let email = match email {
        Some(email) => match users::look_by_email(tx, &email)? {
            Some(other) if other.id != member.id => {
                trace.noted("email-taken", email);
                None
            }
            _ => {
                trace.noted("email", email.as_str());
                Some(email)
            }
        },
        None => None,
    };
    let role = new_role(tx, provider, identity, member, trace)?;
    Ok(Alteration { name, email, role })
}

/// Another role for a member, where there are rules; but not for whoever has theirs by their groups in
/// provisioning: two that decide would take turns.
fn new_role(
    tx: &impl RealmTx,
    provider: &Provider,
    identity: &Identity,
    member: &Member,
    trace: &mut Trace,
) -> Result<Option<Rights>, SsoError> {
    let provisioning = &provider.settings.provisioning;
    if provisioning.rules.is_empty() {
        trace.passed("role", member.role.as_str());
        return Ok(None);
    }
    if scim::keeps(tx, member.id)? {
        trace.noted("role-provisioned", member.role.as_str());
        return Ok(None);
    }
    let code = role(provisioning, identity).or(provisioning.default_role.as_deref());
    let rights = resolved(tx, code, trace)?;
    if rights.role() == member.role {
        trace.passed("role", rights.role());
        return Ok(None);
    }
    if users::is_last_owner(tx, member)? {
        trace.noted("role-last-owner", member.role.as_str());
        return Ok(None);
    }
    let before = match roles::resolve(tx, &member.role) {
        Err(RoleError::Door(error)) => return Err(error.into()),
        other => other.map(|rights| rights.permissions()).unwrap_or_default(),
    };
    let rises =
        rights.role() == Role::Owner.name() || approvals::gains(before, rights.permissions());
    if rises && approvals::is_on(tx)? {
        trace.noted("role-needs-second-person", rights.role());
        return Ok(None);
    }
    trace.passed("role", rights.role());
    Ok(Some(rights))
}

/// What the provider calls somebody, if that is a name.
fn named(provider: &Provider, identity: &Identity) -> Option<String> {
    let mapping = presets::mapping(&provider.settings);
    let whole = identity.first(&mapping.name).map(str::to_owned);
    let parts = || {
        let parts = [identity.first(&mapping.given_name), identity.first(&mapping.family_name)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    whole.or_else(parts).filter(|name| users::check_name(name).is_ok())
}
