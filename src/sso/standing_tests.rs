//! What a provider's word does not reach, in a real installation: the emergency account, roles that
//! provisioning gives, secrets that were given for another place, sign-ins of people who have left.

use secrecy::SecretString;

use super::super::logout::{Departed, end};
use super::*;
use crate::args;
use crate::authn::{
    self, AuthnError, Factor, SIGN_IN_SETTING, SignInPolicy, SignedIn, confirm_by_provider,
    look_at_ticket,
};
use crate::authz::Realm;
use crate::authz::permission::ScimProvision;
use crate::scim::{self, ScimSettings};
use crate::store::{Sql, SqlMut};
use crate::tenants::{DoorError, SystemWrite};

impl House {
    async fn policy(&self, policy: SignInPolicy) {
        let value = serde_json::to_string(&policy).unwrap();
        let realm = Realm::Tenant(self.tenant.id);
        let write = self.server.tenants.system_write(realm, SystemWrite::SignInState, move |tx| {
            let sql = "INSERT INTO settings (name, value, changed) VALUES ($1, $2, 1)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            Ok::<_, DoorError>(tx.execute(sql, args![SIGN_IN_SETTING, &value])?)
        });
        write.await.unwrap();
    }

    async fn waiting(&self) -> u64 {
        let look = self.server.tenants.credentials(Realm::Tenant(self.tenant.id), |tx| {
            Ok::<_, DoorError>(tx.count("SELECT count(*) FROM sign_ins", &[])?)
        });
        look.await.unwrap()
    }

    /// Somebody whose sign-in waits for a second factor.
    async fn ticket(&self, identity: Identity) -> String {
        match self.sign_in(identity).await.unwrap() {
            Admission::Wanted { ticket, .. } => ticket.to_string(),
            Admission::In(_) => panic!("they need a second factor"),
        }
    }

    async fn is_open(&self, ticket: &str) -> bool {
        let realm = Realm::Tenant(self.tenant.id);
        look_at_ticket(&self.server.tenants, realm, ticket).await.unwrap().is_some()
    }

    async fn back_channel(&self, subject: Option<&str>, indexes: &[&str]) -> usize {
        let message = self.server.runtime.id::<ProviderId>().to_string();
        let ends = Timestamp::parse("2100-01-01T00:00:00Z").unwrap();
        let ended = EndedThere {
            provider: self.provider,
            subject: subject.map(str::to_owned),
            indexes: indexes.iter().map(|index| (*index).to_owned()).collect(),
            message: (message, ends),
        };
        let request = RequestContext::local(self.server.runtime.id());
        end_by_provider(&self.server.tenants, &self.tenant, ended, request).await.unwrap()
    }

    /// As SAML does it.
    async fn saml_logout(&self, name: &'static str, by_other_name: bool) {
        let (provider, realm) = (self.provider, Realm::Tenant(self.tenant.id));
        let write = self.server.tenants.change_credentials(realm, None, move |tx| {
            let departed = Departed { provider, name, sessions: &[], by_other_name };
            Ok::<_, DoorError>(((), end(tx, &departed)?))
        });
        write.await.unwrap();
    }
}

fn signed_in(admission: Admission) -> SignedIn {
    match admission {
        Admission::In(signed_in) => signed_in,
        Admission::Wanted { .. } => panic!("nothing else is needed"),
    }
}

fn lee() -> Identity {
    identity("lee", &[("email", "lee@example.org")])
}

#[tokio::test]
async fn no_provider_signs_the_emergency_account_in_though_it_knew_the_person_before() {
    let house = House::with(provisioning(&[], Some("viewer"))).await;
    let kim_is = house.member("kim@example.org", "viewer").await;
    assert!(house.sign_in(kim(&[])).await.is_ok());
    let break_glass = Some(kim_is.id);
    house
        .policy(SignInPolicy { single_sign_on_only: true, break_glass, ..Default::default() })
        .await;
    assert_eq!(house.sign_in(kim(&[])).await.err(), Some(Refusal::NotLinked));
    let renamed = identity("kim", &[("email", "kim2@example.org"), ("name", "Mallory")]);
    assert_eq!(house.sign_in(renamed).await.err(), Some(Refusal::NotLinked));
    assert!(house.find("kim@example.org").await.is_some());
    let failed = house.log("login.failed").await.pop().unwrap();
    assert_eq!(failed.custom_fields["reason"], "not-linked");
}

#[tokio::test]
async fn whom_provisioning_keeps_has_the_role_of_their_groups_there_and_of_no_rule_here() {
    let house = House::with(provisioning(&[rule("*", "auditor")], Some("operator"))).await;
    let tenants = &house.server.tenants;
    let grant = house.server.grant::<SsoManage>(&house.tenant).await;
    let to = ScimSettings {
        default_role: Some("viewer".into()),
        domains: vec!["example.org".into()],
        ..Default::default()
    };
    scim::change_settings(tenants, &grant, to).await.unwrap();
    let grant = house.server.grant::<ScimProvision>(&house.tenant).await;
    let given = serde_json::json!({ "userName": "kim@example.org", "displayName": "Kim Doe" });
    scim::create_user(tenants, &grant, "https://x", &given).await.unwrap();
    for groups in [&[("groups", "x")][..], &[]] {
        assert!(house.sign_in(kim(groups)).await.is_ok());
        assert_eq!(house.find("kim@example.org").await.unwrap().role, "viewer");
    }
    assert!(house.sign_in(lee()).await.is_ok());
    assert_eq!(house.find("lee@example.org").await.unwrap().role, "operator");
    assert!(house.log("role.changed").await.is_empty());
}

#[tokio::test]
async fn a_client_secret_goes_nowhere_else_than_it_was_given_for() {
    let house = House::with(provisioning(&[], None)).await;
    let with = |change: &dyn Fn(&mut OidcSettings)| {
        let mut settings = settings_with(provisioning(&[], None));
        if let Protocol::Oidc(oidc) = &mut settings.protocol {
            oidc.client_authentication = crate::authn::oidc::ClientAuthentication::Basic;
            change(oidc);
        }
        settings
    };
    let grant = house.server.grant::<SsoManage>(&house.tenant).await;
    let send = async |settings: ProviderSettings, secret: Option<&str>, state| {
        let secret = secret.map(SecretString::from);
        let wanted = ProviderChange { state, settings: Some(settings), metadata: None, secret };
        change(&house.server.tenants, &grant, house.provider, wanted).await
    };
    assert!(send(with(&|_| {}), Some("s3cret"), None).await.unwrap().has_secret);
    // What goes to nobody else leaves it.
    let scopes = with(&|oidc| oidc.scopes.push("groups".into()));
    assert!(send(scopes, None, None).await.unwrap().has_secret);
    let document = |oidc: &mut OidcSettings| {
        let document = r#"{"token_endpoint":"https://evil.example"}"#.to_owned();
        oidc.discovery = crate::authn::oidc::Discovery::Document { document, keys: None };
    };
    let pem = rcgen::generate_simple_self_signed(vec!["id.example.org".into()]).unwrap();
    let pem = pem.cert.pem();
    let authorities = |oidc: &mut OidcSettings| oidc.certificate_authorities = Some(pem.clone());
    let issuer = |oidc: &mut OidcSettings| oidc.issuer = "https://evil.example".into();
    let client = |oidc: &mut OidcSettings| oidc.client_id = "another".into();
    let ways: [&dyn Fn(&mut OidcSettings); 4] = [&document, &authorities, &issuer, &client];
    for way in ways {
        // One that is on goes on as it is.
        match send(with(way), None, None).await {
            Err(SsoError::Setting { field, .. }) => assert_eq!(field, "secret"),
            other => panic!("{other:?}"),
        }
        let off = Some(ProviderState::Off);
        assert!(!send(with(way), None, off).await.unwrap().has_secret, "forgotten");
        let back = send(with(&|_| {}), None, Some(ProviderState::On)).await;
        assert!(matches!(back, Err(SsoError::Setting { field: "secret", .. })));
        let given = send(with(way), Some("s3cret"), Some(ProviderState::On)).await.unwrap();
        assert!(given.has_secret);
        send(with(&|_| {}), Some("s3cret"), None).await.unwrap();
    }
    let said = house.log("identity_provider.changed").await;
    let forgotten = said.iter().filter(|entry| {
        entry.custom_fields.get("secret").is_some_and(|secret| secret == "forgotten")
    });
    assert_eq!(forgotten.count(), 4);
}

#[tokio::test]
async fn whoever_leaves_the_provider_does_not_finish_a_sign_in_that_waits() {
    let house = House::with(provisioning(&[], None)).await;
    house.member("kim@example.org", "owner").await;
    house.member("lee@example.org", "owner").await;
    house.member("vic@example.org", "viewer").await;
    // By the name that people are known by.
    for by_saml in [false, true] {
        let (kims, lees) = (house.ticket(kim(&[])).await, house.ticket(lee()).await);
        match by_saml {
            false => assert_eq!(house.back_channel(Some("kim"), &[]).await, 0),
            true => house.saml_logout("kim", false).await,
        }
        assert!(!house.is_open(&kims).await && house.is_open(&lees).await, "SAML: {by_saml}");
    }
    // By a session that began: whose it is. By one that has not begun: anybody's.
    let vic = Identity {
        session: ProviderSession { index: Some("vics".into()), ..Default::default() },
        ..identity("vic", &[("email", "vic@example.org")])
    };
    signed_in(house.sign_in(vic).await.unwrap());
    let kims = house.ticket(kim(&[])).await;
    assert_eq!(house.back_channel(None, &["vics"]).await, 1);
    assert!(house.is_open(&kims).await);
    assert_eq!(house.back_channel(None, &["unknown"]).await, 0);
    assert_eq!(house.waiting().await, 0);
    let kims = house.ticket(kim(&[])).await;
    house.saml_logout("a name of the day", true).await;
    assert!(!house.is_open(&kims).await);
    let kims = house.ticket(kim(&[])).await;
    house.saml_logout("nobody", false).await;
    assert!(house.is_open(&kims).await, "nobody here is called that");
}

#[tokio::test]
async fn one_factor_at_the_provider_confirms_nothing_for_whoever_needs_two() {
    let house = House::with(provisioning(&[], Some("viewer"))).await;
    let kim = signed_in(house.sign_in(kim(&[])).await.unwrap());
    let tenants = &house.server.tenants;
    let caller = house.server.caller(kim.principal.clone());
    let confirmed = confirm_by_provider(tenants, &caller, Factor::Provider, |_| Ok(())).await;
    assert!(confirmed.is_ok());
    let by = confirming(tenants, &kim.principal).await.unwrap().unwrap();
    assert!(!by.takes_two && by.may_be_enough());
    house.policy(SignInPolicy { second_factor_for_all: true, ..Default::default() }).await;
    let refused = confirm_by_provider(tenants, &caller, Factor::Provider, |_| Ok(())).await;
    assert!(matches!(refused, Err(AuthnError::NotConfirmed)));
    let mut plain = settings_with(provisioning(&[], Some("viewer")));
    plain.trust.second_factor_contexts.clear();
    house.change(None, Some(plain)).await.unwrap();
    let by = confirming(tenants, &kim.principal).await.unwrap().unwrap();
    assert!(by.takes_two && !by.may_be_enough());
    let confirmed =
        authn::confirm_by_provider(tenants, &caller, Factor::ProviderMfa, |_| Ok(())).await;
    assert!(confirmed.is_ok());
}
