//! How the people of a tenant have to sign in.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Serialize;

use super::change::{Way, changed};
use super::{SettingsError, repo};
use crate::approvals::{self, Act, Approved};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::{SignInPolicy, count_without_second, end_single_factor};
use crate::authz::permission::{PlatformAuditRecord, SignInManage};
use crate::authz::{Grant, Permission, Principal};
use crate::kernel::limits;
use crate::tenants::{AuditEvents, Tenant, Tenants, WriteTx};

const IDLE_MINUTES: RangeInclusive<u32> = 5..=1440;
const ABSOLUTE_HOURS: RangeInclusive<u32> = 1..=720;
const TOKEN_MINUTES: RangeInclusive<u32> = 1..=1440;

/// The policy, and whom it concerns.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInSettings {
    #[serde(flatten)]
    pub policy: SignInPolicy,
    /// Active members who have no second factor yet.
    pub without_second_factor: u64,
}

/// As it is now. `P` is a permission to see it or to change it.
pub async fn sign_in<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<SignInSettings, SettingsError> {
    let realm = grant.realm();
    let look = tenants.read(grant, move |tx| {
        let (policy, without) = (SignInPolicy::read(tx)?, count_without_second(tx, realm)?);
        Ok(SignInSettings { policy, without_second_factor: without })
    });
    look.await
}

/// Changes it as a whole. When everybody needs a second factor from now on, sessions that were begun
/// without one end.
///
/// # Errors
/// What is out of bounds; [`SettingsError::Approval`] when a second person has to approve it, or
/// when there is none who could.
pub async fn change_sign_in(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    policy: SignInPolicy,
) -> Result<SignInSettings, SettingsError> {
    let policy = checked(policy)?;
    let to = move |before: &SignInPolicy| policy.clone().keeping_single_sign_on(before);
    change(tenants, grant, to, Way::Alone).await?;
    sign_in(tenants, grant).await
}

/// Turns four eyes off, as somebody else has asked and the caller approves.
pub async fn four_eyes_off(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    approved: Approved,
) -> Result<(), SettingsError> {
    change(tenants, grant, without_four_eyes, Way::Approved(approved)).await.map(|_| ())
}

/// Turns four eyes off where nobody is left who could approve that. The platform's log says so too.
/// `false`: they were off already, and nothing was changed or recorded.
///
/// # Errors
/// [`SettingsError::NotTheOperator`]
pub async fn four_eyes_off_by_operator(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    platform: &Grant<PlatformAuditRecord>,
    tenant: &Tenant,
) -> Result<bool, SettingsError> {
    if !matches!(grant.caller().principal, Principal::LocalOperator { .. }) {
        return Err(SettingsError::NotTheOperator);
    }
    let way = Way::FromTheMachine { field: "fourEyes", words: FROM_THE_MACHINE };
    if !change(tenants, grant, without_four_eyes, way).await? {
        return Ok(false);
    }
    tracing::warn!(tenant = %tenant.slug, "four eyes were turned off from the machine");
    let mut event = Event::new(catalogue::SETTINGS_CHANGED);
    event.resource = Some(Resource::new("tenant", tenant.id.to_string()));
    event.custom_fields.insert("fourEyes".into(), FROM_THE_MACHINE.into());
    let record = tenants.disclose(platform, move |_| Ok::<_, SettingsError>(((), event)));
    record.await.map(|_| true)
}

const FROM_THE_MACHINE: &str = "turned off by the machine's operator, without a second person";

fn without_four_eyes(before: &SignInPolicy) -> SignInPolicy {
    SignInPolicy { four_eyes: false, ..before.clone() }
}

/// Whether anything had to be changed.
async fn change(
    tenants: &Tenants,
    grant: &Grant<SignInManage>,
    to: impl Fn(&SignInPolicy) -> SignInPolicy + Send + 'static,
    way: Way,
) -> Result<bool, SettingsError> {
    let realm = grant.realm();
    let written = tenants.write(grant, move |tx| {
        let before = SignInPolicy::read(tx)?;
        let after = to(&before);
        let passed = pass(tx, &before, &after, &way)?;
        if before == after {
            return Ok((false, passed));
        }
        let mut event = changed(&before, &after, "sign-in");
        if after.second_factor_for_all && !before.second_factor_for_all {
            let ended = end_single_factor(tx, realm)?;
            event.custom_fields.insert("sessionsEnded".into(), ended.into());
        }
        way.mark(&mut event);
        repo::set_sign_in(tx, &after, tx.runtime().now())?;
        Ok::<_, SettingsError>((true, passed.and(event)))
    });
    written.await.map(|written| written.value)
}

/// Four eyes are turned on where two people could turn them off again, and off by two.
fn pass<P>(
    tx: &mut WriteTx<'_, P>,
    before: &SignInPolicy,
    after: &SignInPolicy,
    way: &Way,
) -> Result<AuditEvents, SettingsError> {
    if after.four_eyes && !before.four_eyes {
        approvals::check_quorum(tx)?;
    }
    match way {
        Way::Approved(approved) => Ok(approvals::pass(tx, Some(approved), Act::FourEyesOff)?),
        Way::Alone if before.four_eyes && !after.four_eyes => {
            Ok(approvals::pass(tx, None, Act::FourEyesOff)?)
        }
        Way::Alone | Way::FromTheMachine { .. } => Ok(AuditEvents::none()),
    }
}

fn checked(mut policy: SignInPolicy) -> Result<SignInPolicy, SettingsError> {
    let within = |value: Option<u32>, field, what, range: RangeInclusive<u32>| match value
        .is_none_or(|value| range.contains(&value))
    {
        true => Ok(()),
        false => Err(SettingsError::Range { field, what, range }),
    };
    within(policy.idle_minutes, "idleMinutes", "minutes without a request", IDLE_MINUTES)?;
    within(policy.absolute_hours, "absoluteHours", "hours after sign-in", ABSOLUTE_HOURS)?;
    let tokens = Some(policy.access_token_minutes);
    within(tokens, "accessTokenMinutes", "minutes of an access token", TOKEN_MINUTES)?;
    let domains = std::mem::take(&mut policy.registration_domains);
    let domains = domains.iter().map(|domain| domain.trim().trim_start_matches('@').to_lowercase());
    policy.registration_domains = domains.filter(|domain| !domain.is_empty()).collect();
    policy.registration_domains.sort();
    policy.registration_domains.dedup();
    if let Some(wrong) = policy.registration_domains.iter().find(|domain| !is_domain(domain)) {
        return Err(SettingsError::Domain(wrong.chars().take(80).collect()));
    }
    match policy.registration_domains.len() {
        0 if policy.registration => Err(SettingsError::NoDomains),
        many if many > limits::REGISTRATION_DOMAINS => Err(SettingsError::TooManyDomains),
        _ => Ok(policy),
    }
}

/// Two labels at least (RFC 1035, 2.3.1; with the digits of RFC 1123).
pub fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_brought_into_one_form_and_nothing_else_passes_for_one() {
        let domains = |given: &[&str]| {
            let registration_domains = given.iter().map(|domain| (*domain).to_owned()).collect();
            let policy =
                SignInPolicy { registration: true, registration_domains, ..Default::default() };
            checked(policy).map(|policy| policy.registration_domains)
        };
        let fine = domains(&[" @Example.ORG", "b.example.org", "example.org", ""]).unwrap();
        assert_eq!(fine, ["b.example.org", "example.org"]);
        for wrong in
            ["localhost", "a..b", "-a.b", "a b.c", "evil.example/", "*.example.org", "é.fr"]
        {
            assert!(matches!(domains(&[wrong]), Err(SettingsError::Domain(_))), "{wrong}");
        }
        assert!(matches!(domains(&[]), Err(SettingsError::NoDomains)));
    }

    #[test]
    fn times_have_bounds() {
        let idle = |minutes| SignInPolicy { idle_minutes: Some(minutes), ..Default::default() };
        assert!(checked(idle(5)).is_ok() && checked(idle(1440)).is_ok());
        assert!(checked(idle(4)).is_err() && checked(idle(1441)).is_err());
        let token = |minutes| SignInPolicy { access_token_minutes: minutes, ..Default::default() };
        assert!(checked(token(0)).is_err() && checked(token(1441)).is_err());
    }
}
