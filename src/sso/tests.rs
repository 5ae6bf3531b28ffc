use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::approvals::ApprovalError;
use crate::authn::oidc::OidcSettings;
use crate::authn::sso::{Identity, ProviderSession, Refusal, Trace};
use crate::authn::{Admission, Hasher};
use crate::authz::permission::{SignInManage, SsoManage, UserCreate, UserDisable, UserRead};
use crate::authz::{Principal, RequestContext};
use crate::kernel::Timestamp;
use crate::settings;
use crate::tenants::Tenant;
use crate::testing::TestServer;
use crate::users::{self, Member, NewMember};

struct House {
    server: TestServer,
    tenant: Tenant,
    provider: ProviderId,
}

use crate::kernel::id::ProviderId;

fn oidc() -> Protocol {
    let settings = serde_json::json!({
        "issuer": "https://id.example.org", "clientId": "strongroom", "clientAuthentication": "none",
    });
    Protocol::Oidc(serde_json::from_value::<OidcSettings>(settings).unwrap())
}

fn rule(value: &str, role: &str) -> RoleRule {
    RoleRule { attribute: "groups".into(), value: value.into(), role: role.into() }
}

fn provisioning(rules: &[RoleRule], default_role: Option<&str>) -> Provisioning {
    let default_role = default_role.map(str::to_owned);
    Provisioning { rules: rules.to_vec(), default_role, ..Provisioning::default() }
}

fn settings_with(provisioning: Provisioning) -> ProviderSettings {
    ProviderSettings {
        name: "Example".into(),
        preset: Preset::Other,
        protocol: oidc(),
        mapping: Mapping::default(),
        provisioning,
        domains: vec!["example.org".into()],
        trust: Trust { second_factor_contexts: vec!["mfa".into()] },
        session_hours: Some(8),
    }
}

fn identity(subject: &str, claims: &[(&str, &str)]) -> Identity {
    let mut attributes = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in claims {
        attributes.entry((*name).to_owned()).or_default().push((*value).to_owned());
    }
    let session = ProviderSession::default();
    let contexts = vec!["pwd".to_owned()];
    Identity { subject: subject.into(), attributes, contexts, authenticated: None, session }
}

impl House {
    async fn with(provisioning: Provisioning) -> Self {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        let grant = server.grant::<SsoManage>(&tenant).await;
        let (settings, metadata) = (settings_with(provisioning), None);
        let new = NewProvider { settings, metadata, secret: None };
        let made = create(&server.tenants, &grant, new).await.unwrap();
        let house = Self { server, tenant, provider: made.id };
        house.change(Some(ProviderState::On), None).await.unwrap();
        house
    }

    async fn change(
        &self,
        state: Option<ProviderState>,
        settings: Option<ProviderSettings>,
    ) -> Result<Provider, SsoError> {
        let grant = self.server.grant::<SsoManage>(&self.tenant).await;
        let wanted = ProviderChange { state, settings, ..ProviderChange::default() };
        change(&self.server.tenants, &grant, self.provider, wanted).await
    }

    async fn member(&self, email: &str, role: &str) -> Member {
        let grant = self.server.grant::<UserCreate>(&self.tenant).await;
        let password = "correct horse battery staple".into();
        let new =
            NewMember { name: "Kim".into(), email: email.into(), password, role: role.into() };
        let hasher = Hasher::new(&self.server.runtime).with_cost(4);
        users::create(&self.server.tenants, &hasher, &grant, new).await.unwrap()
    }

    async fn find(&self, email: &str) -> Option<Member> {
        let grant = self.server.grant::<UserRead>(&self.tenant).await;
        let all = users::list(&self.server.tenants, &grant).await.unwrap();
        all.into_iter().find(|member| member.email.as_deref() == Some(email))
    }

    async fn finish(
        &self,
        result: Result<Identity, Refusal>,
        message: &str,
    ) -> Result<Finished, SsoError> {
        let found = find(&self.server.tenants, &self.tenant, self.provider).await.unwrap();
        let ends = Timestamp::parse("2100-01-01T00:00:00Z").unwrap();
        let (pending, messages) = (None, vec![(message.to_owned(), ends)]);
        let (found, trace) = (found.unwrap(), Trace::default());
        let answer = Answer { found, pending, result, messages, trace };
        let request = RequestContext::local(self.server.runtime.id());
        finish(&self.server.tenants, &self.tenant, answer, request).await
    }

    /// Signs somebody in; the refusal of whoever does not get in.
    async fn sign_in(&self, identity: Identity) -> Result<Admission, Refusal> {
        let message = self.server.runtime.id::<ProviderId>().to_string();
        match self.finish(Ok(identity), &message).await.unwrap() {
            Finished::Admitted { admission, .. } => Ok(admission),
            Finished::Refused(refusal) => Err(refusal),
            _ => panic!("somebody signs in, and something else comes of it"),
        }
    }

    async fn log(&self, action: &str) -> Vec<crate::audit::view::EntryView> {
        let all = self.server.entries(&self.tenant).await;
        all.into_iter().filter(|entry| entry.action == action).collect()
    }
}

fn kim(more: &[(&str, &str)]) -> Identity {
    let claims = [&[("email", "kim@example.org"), ("name", "Kim Doe")], more].concat();
    identity("kim", &claims)
}

#[tokio::test]
async fn somebody_new_becomes_a_member_in_the_role_of_the_first_rule_that_fits() {
    let rules = [rule("staff", "operator"), rule("*", "auditor")];
    let house = House::with(provisioning(&rules, Some("viewer"))).await;
    assert!(house.sign_in(kim(&[("groups", "x"), ("groups", "staff")])).await.is_ok());
    let member = house.find("kim@example.org").await.unwrap();
    assert_eq!((member.role.as_str(), member.name.as_deref()), ("operator", Some("Kim Doe")));
    assert_eq!(house.log("user.created").await.len(), 1);
    assert_eq!(house.log("identity.linked").await.len(), 1);

    // The rules count at every sign-in, and so do name and address.
    let claims = [("email", "k.doe@example.org"), ("name", "Kim Roe"), ("groups", "other")];
    assert!(house.sign_in(identity("kim", &claims)).await.is_ok());
    let member = house.find("k.doe@example.org").await.unwrap();
    assert_eq!((member.role.as_str(), member.name.as_deref()), ("auditor", Some("Kim Roe")));
    let changed = house.log("role.changed").await.pop().unwrap();
    let change = serde_json::to_value(&changed).unwrap();
    assert_eq!(change["changes"]["role"]["old"], "operator", "{change}");
    assert_eq!(change["changes"]["role"]["new"], "auditor", "{change}");
    assert_eq!(house.log("email.changed").await.len(), 1);
    assert_eq!(house.log("user.updated").await.len(), 1);
    assert!(house.sign_in(identity("kim", &claims[..2])).await.is_ok());
    assert_eq!(house.find("k.doe@example.org").await.unwrap().role, "viewer");
}

#[tokio::test]
async fn an_address_is_believed_only_where_the_provider_vouches_for_its_domain() {
    let house = House::with(provisioning(&[], Some("viewer"))).await;
    house.member("kim@elsewhere.org", "viewer").await;
    for foreign in [
        "kim@elsewhere.org",
        "kim@example.org.elsewhere.org",
        "kim@sub.example.org",
        "kim@example.org@elsewhere.org",
        "kim@examp\u{142}e.org",
        "k\u{131}m@example.org",
    ] {
        let refused = house.sign_in(identity("1", &[("email", foreign)])).await;
        assert_eq!(refused.err(), Some(Refusal::EmailForeign), "{foreign}");
    }
    let refused = house.sign_in(identity("1", &[("name", "Kim")])).await;
    assert_eq!(refused.err(), Some(Refusal::EmailMissing));
    let refused = house.sign_in(kim(&[("email_verified", "false")])).await;
    assert_eq!(refused.err(), Some(Refusal::EmailUnverified));
    assert!(house.sign_in(kim(&[("email_verified", "true")])).await.is_ok());
    assert!(house.find("kim@elsewhere.org").await.unwrap().signed_in_at.is_none());

    // Without domains nobody is believed.
    let mut none = settings_with(provisioning(&[], Some("viewer")));
    none.domains.clear();
    house.change(None, Some(none)).await.unwrap();
    assert_eq!(house.sign_in(kim(&[])).await.err(), Some(Refusal::EmailForeign));
    let failed = house.log("login.failed").await.pop().unwrap();
    let failed = serde_json::to_value(&failed).unwrap();
    assert_eq!(failed["customFields"]["reason"], "email-domain-foreign", "{failed}");
    assert_eq!(failed["customFields"]["provider"], house.provider.to_string(), "{failed}");
}

#[tokio::test]
async fn a_member_is_linked_once_and_known_by_their_subject_from_then_on() {
    let house = House::with(provisioning(&[], None)).await;
    let member = house.member("kim@example.org", "operator").await;
    assert!(house.sign_in(kim(&[])).await.is_ok());
    assert_eq!(house.find("kim@example.org").await.unwrap().id, member.id);
    // Whoever has the address at the provider by now is somebody else.
    let other = identity("another", &[("email", "kim@example.org")]);
    assert_eq!(house.sign_in(other).await.err(), Some(Refusal::NotLinked));
    let capital = identity("KIM", &[("email", "kim@example.org")]);
    assert_eq!(house.sign_in(capital).await.err(), Some(Refusal::NotLinked));

    house.member("lee@example.org", "viewer").await;
    let mut off = settings_with(Provisioning { link: false, ..provisioning(&[], None) });
    off.provisioning.create = false;
    house.change(None, Some(off)).await.unwrap();
    let lee = identity("lee", &[("email", "lee@example.org")]);
    assert_eq!(house.sign_in(lee).await.err(), Some(Refusal::NotLinked));
    let new = identity("new", &[("email", "new@example.org")]);
    assert_eq!(house.sign_in(new).await.err(), Some(Refusal::CreationOff));
    assert!(house.sign_in(kim(&[])).await.is_ok());
}

#[tokio::test]
async fn nobody_without_a_role_or_disabled_gets_in() {
    let house = House::with(provisioning(&[rule("staff", "viewer")], None)).await;
    assert_eq!(house.sign_in(kim(&[])).await.err(), Some(Refusal::NoRole));
    assert!(house.find("kim@example.org").await.is_none());
    assert!(house.sign_in(kim(&[("groups", "staff")])).await.is_ok());
    // Whoever loses what gave them the role loses the way in.
    assert_eq!(house.sign_in(kim(&[])).await.err(), Some(Refusal::NoRole));
    let grant = house.server.grant::<UserDisable>(&house.tenant).await;
    let disabled = users::set_enabled(&house.server.tenants, &grant, "kim@example.org", false);
    disabled.await.unwrap();
    let again = house.sign_in(kim(&[("groups", "staff")])).await;
    assert_eq!(again.err(), Some(Refusal::Disabled));
}

#[tokio::test]
async fn a_message_works_once_and_a_provider_that_is_off_not_at_all() {
    let house = House::with(provisioning(&[], Some("viewer"))).await;
    let first = house.finish(Ok(kim(&[])), "message").await.unwrap();
    assert!(matches!(first, Finished::Admitted { .. }));
    let again = house.finish(Ok(kim(&[])), "message").await.unwrap();
    assert!(matches!(again, Finished::Refused(Refusal::Replayed)));
    house.change(Some(ProviderState::Off), None).await.unwrap();
    assert_eq!(house.sign_in(kim(&[])).await.err(), Some(Refusal::ProviderOff));
    let off = house.log("identity_provider.changed").await.pop().unwrap();
    let off = serde_json::to_value(&off).unwrap();
    assert_eq!(off["customFields"]["sessionsEnded"], 1, "{off}");
}

#[tokio::test]
async fn a_rule_never_takes_the_last_owner_away() {
    let house = House::with(provisioning(&[], None)).await;
    house.member("kim@example.org", "owner").await;
    house.change(None, Some(settings_with(provisioning(&[], None)))).await.unwrap();
    assert!(house.sign_in(kim(&[])).await.is_ok());
    let rules = settings_with(provisioning(&[rule("*", "viewer")], Some("viewer")));
    house.change(None, Some(rules)).await.unwrap();
    assert!(house.sign_in(kim(&[])).await.is_ok());
    assert_eq!(house.find("kim@example.org").await.unwrap().role, "owner");
    house.member("second@example.org", "owner").await;
    assert!(house.sign_in(kim(&[])).await.is_ok());
    assert_eq!(house.find("kim@example.org").await.unwrap().role, "viewer");
}

#[tokio::test]
async fn with_four_eyes_no_rule_makes_somebody_who_could_approve() {
    let rules = [rule("boss", "owner")];
    let house = House::with(provisioning(&rules, Some("viewer"))).await;
    house.member("one@example.org", "owner").await;
    house.member("two@example.org", "owner").await;
    let grant = house.server.grant::<SignInManage>(&house.tenant).await;
    let policy = crate::authn::SignInPolicy { four_eyes: true, ..Default::default() };
    settings::change_sign_in(&house.server.tenants, &grant, policy).await.unwrap();
    let boss = || kim(&[("groups", "boss")]);
    assert_eq!(house.sign_in(boss()).await.err(), Some(Refusal::RoleTooHigh));
    assert!(house.sign_in(kim(&[])).await.is_ok());
    // A member stays what they are, and gets in.
    assert!(house.sign_in(boss()).await.is_ok());
    assert_eq!(house.find("kim@example.org").await.unwrap().role, "viewer");

    // What the provider is believed for takes a second person; its name does not.
    let mut renamed = settings_with(provisioning(&rules, Some("viewer")));
    renamed.name = "Renamed".into();
    house.change(None, Some(renamed.clone())).await.unwrap();
    renamed.domains.push("elsewhere.org".into());
    let refused = house.change(None, Some(renamed)).await;
    let Err(SsoError::Approval(error)) = refused else { panic!("{refused:?}") };
    assert!(matches!(*error, ApprovalError::Needed(_)), "{error:?}");
    house.change(Some(ProviderState::Off), None).await.unwrap();
    assert!(matches!(
        house.change(Some(ProviderState::On), None).await,
        Err(SsoError::Approval(_))
    ));
}

#[tokio::test]
async fn only_all_of_an_owners_rights_decide_who_anybody_is() {
    let house = House::with(provisioning(&[], Some("viewer"))).await;
    let rights = [crate::authz::Flag::SsoManage, crate::authz::Flag::SsoRead];
    let principal = Principal::ApiKey {
        tenant: house.tenant.id,
        id: house.server.runtime.id(),
        name: "limited".into(),
        rights: crate::authz::Rights::new("scoped", rights.into_iter().collect()),
    };
    let caller = house.server.caller(principal);
    let grant = house.server.tenants.authorize::<SsoManage>(&caller, "acme", "test").await;
    let (grant, tenants) = (grant.unwrap().0, &house.server.tenants);
    let settings = settings_with(provisioning(&[], Some("owner")));
    let new = NewProvider { settings: settings.clone(), metadata: None, secret: None };
    assert!(matches!(create(tenants, &grant, new).await, Err(SsoError::NotAnOwner)));
    let wanted = ProviderChange { settings: Some(settings), ..ProviderChange::default() };
    let refused = change(tenants, &grant, house.provider, wanted).await;
    assert!(matches!(refused, Err(SsoError::NotAnOwner)));
    let off = ProviderChange { state: Some(ProviderState::Off), ..ProviderChange::default() };
    change(tenants, &grant, house.provider, off).await.unwrap();
}

#[test]
fn settings_that_cannot_be_meant_are_refused_with_their_place() {
    let wrong = |change: &dyn Fn(&mut ProviderSettings)| {
        let mut settings = settings_with(provisioning(&[], None));
        change(&mut settings);
        match check::checked(settings) {
            Err(SsoError::Setting { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    let oidc = |change: fn(&mut OidcSettings)| {
        move |settings: &mut ProviderSettings| match &mut settings.protocol {
            Protocol::Oidc(oidc) => change(oidc),
            Protocol::Saml(_) => {}
        }
    };
    assert_eq!(wrong(&|settings| settings.name = " ".into()), "name");
    assert_eq!(wrong(&|settings| settings.domains.push("localhost".into())), "domains");
    assert_eq!(wrong(&|settings| settings.session_hours = Some(0)), "sessionHours");
    let many = vec![rule("*", "viewer"); 101];
    assert_eq!(wrong(&|settings| settings.provisioning.rules = many.clone()), "provisioning.rules");
    assert_eq!(wrong(&oidc(|oidc| oidc.issuer = "http://a.example".into())), "protocol.issuer");
    let common = |oidc: &mut OidcSettings| {
        oidc.issuer = "https://login.microsoftonline.com/common/v2.0".into();
    };
    assert_eq!(wrong(&oidc(common)), "protocol.issuer");
    let skew = |oidc: &mut OidcSettings| oidc.clock_skew_seconds = 301;
    assert_eq!(wrong(&oidc(skew)), "protocol.clockSkewSeconds");
    let saml = |settings: &mut ProviderSettings| {
        settings.protocol = Protocol::Saml(crate::authn::saml::SamlSettings {
            entity_id: "https://idp.example".into(),
            sign_in_url: "https://idp.example/sso".into(),
            certificates: vec!["not a certificate".into()],
            ..Default::default()
        });
    };
    assert_eq!(wrong(&saml), "protocol.certificates");
}

proptest! {
    #[test]
    fn the_first_rule_that_fits_decides_and_no_other(
        values in proptest::collection::vec("[a-c]{1,2}", 0..4),
        rules in proptest::collection::vec(("(g|h)", "([a-c]{1,2}|\\*)", "[a-z]{3}"), 0..6),
    ) {
        let claims: Vec<_> = values.iter().map(|value| ("g", value.as_str())).collect();
        let somebody = identity("x", &claims);
        let rule = |(attribute, value, role): &(String, String, String)| RoleRule {
            attribute: attribute.clone(), value: value.clone(), role: role.clone(),
        };
        let rules: Vec<_> = rules.iter().map(rule).collect();
        let fits = |rule: &RoleRule| {
            rule.attribute == "g" && !values.is_empty()
                && (rule.value == "*" || values.contains(&rule.value))
        };
        let expected = rules.iter().find(|rule| fits(rule)).map(|rule| rule.role.clone());
        let provisioning = provisioning(&rules, Some("never"));
        prop_assert_eq!(decide::role(&provisioning, &somebody), expected.as_deref());
    }
}

#[path = "standing_tests.rs"]
mod standing;
