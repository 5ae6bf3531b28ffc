//! What it takes to let people in by a provider alone, and what follows, in a real installation.

use super::*;
use crate::approvals::ApprovalError;
use crate::args;
use crate::authn::{
    Admission, Ask, AskFor, AuthnError, Client, Credentials, Factor, Factors, Hasher, Proof,
    SessionPolicy, SignedIn, admit, ask_for_link, session_holder, sign_in,
};
use crate::authz::permission::{
    AccountRead, PlatformAuditRecord, UserCreate, UserDisable, UserFactorReset, UserInvite,
    UserRole, UserUpdate,
};
use crate::authz::{Caller, RequestContext};
use crate::config::SmtpHost;
use crate::kernel::Runtime;
use crate::kernel::id::ProviderId;
use crate::mail::Mailer;
use crate::settings::change_sign_in;
use crate::store::{Sql, SqlMut};
use crate::tenants::{DoorError, SystemWrite};
use crate::testing::TestServer;
use crate::users::{self, NewInvitation, NewMember, UserError};
use std::sync::Arc;

const PASSWORD: &str = "harbour lantern orchid 7";

struct House {
    server: TestServer,
    hasher: Hasher,
    tenant: Tenant,
    realm: Realm,
}

impl House {
    /// A tenant with the owners Ann and Bo, who have an app, and Cy, who has none; Vera looks on.
    async fn new() -> Self {
        let server = TestServer::start_configured(Runtime::system(), |settings| {
            settings.mail.smtp_host = Some(SmtpHost::localhost());
        });
        let hasher = Hasher::new(&server.runtime);
        let tenant = server.tenant("acme").await;
        let realm = Realm::Tenant(tenant.id);
        let house = Self { server, hasher, tenant, realm };
        for (name, role) in [("ann", "owner"), ("bo", "owner"), ("cy", "owner"), ("vera", "viewer")]
        {
            house.member(name, role).await;
        }
        for name in ["ann", "bo"] {
            let id = house.id(name).await;
            house
                .sql(move |tx| {
                    let sql = "INSERT INTO authenticators (person, secret, confirmed, last_step)
                               VALUES ($1, $2, $3, $4)";
                    tx.execute(sql, args![id, &[0_u8; 4][..], 1_i64, 0_i64])
                })
                .await;
        }
        house
    }

    async fn member(&self, name: &str, role: &str) {
        let grant = self.server.grant::<UserCreate>(&self.tenant).await;
        let new = NewMember {
            name: name.to_owned(),
            email: format!("{name}@example.org"),
            password: PASSWORD.to_owned().into(),
            role: role.to_owned(),
        };
        users::create(&self.server.tenants, &self.hasher, &grant, new).await.unwrap();
    }

    async fn sql(
        &self,
        run: impl Fn(&mut WriteTx<'_, SystemWrite>) -> Result<usize, crate::store::StoreError>
        + Send
        + 'static,
    ) {
        let write = self.server.tenants.system_write(self.realm, SystemWrite::SignInState, {
            move |tx| Ok::<_, DoorError>(run(tx)?)
        });
        write.await.unwrap();
    }

    async fn person(&self, name: &str) -> Person {
        let (realm, email) = (self.realm, format!("{name}@example.org"));
        let find =
            self.server.tenants.credentials(realm, move |tx| Person::by_email(tx, realm, &email));
        find.await.unwrap().unwrap()
    }

    async fn id(&self, name: &str) -> UserId {
        UserId::from_bytes(self.person(name).await.id)
    }

    /// A provider that is on.
    async fn provider(&self) -> ProviderId {
        let id: ProviderId = self.server.runtime.id();
        self.sql(move |tx| {
            let sql = "INSERT INTO identity_providers
                           (id, kind, issuer_hash, state, settings, created, changed)
                       VALUES ($1, 'oidc', $2, 'on', $3, $4, $5)";
            tx.execute(sql, args![id, &id.bytes()[..], &[0_u8; 4][..], 1_i64, 1_i64])
        })
        .await;
        id
    }

    /// Somebody has signed in by it.
    async fn linked(&self, provider: ProviderId, name: &str) {
        let id = self.id(name).await;
        self.sql(move |tx| {
            let sql =
                "INSERT INTO identities (provider, subject_hash, user, subject, created, seen)
                       VALUES ($1, $2, $3, $4, $5, $6)";
            tx.execute(sql, args![provider, &id.bytes()[..], id, &[0_u8; 4][..], 1_i64, 1_i64])
        })
        .await;
    }

    /// A session begun by these.
    async fn session(&self, name: &str, factors: Factors) -> Result<SignedIn, AuthnError> {
        let (person, spend) = (self.person(name).await, Proof::nothing_spent());
        let (client, request) = (Client::Browser, RequestContext::local(self.server.runtime.id()));
        let proof = Proof { person, factors, client, request, vouched: None, spend };
        match admit(&self.server.tenants, self.realm, proof).await? {
            Admission::In(signed_in) => Ok(signed_in),
            Admission::Wanted { .. } => Err(AuthnError::Ticket),
        }
    }

    async fn stands(&self, signed_in: &SignedIn) -> bool {
        let policy = SessionPolicy::default();
        session_holder(&self.server.tenants, policy, &signed_in.cookie).await.is_ok()
    }

    async fn as_person<P: Permission>(&self, signed_in: &SignedIn) -> Grant<P> {
        let caller = self.server.caller(signed_in.principal.clone());
        self.granted(caller).await
    }

    async fn granted<P: Permission>(&self, caller: Arc<Caller>) -> Grant<P> {
        self.server.tenants.authorize::<P>(&caller, "acme", "test").await.unwrap().0
    }

    async fn turn(&self, grant: &Grant<SignInManage>, only: bool, who: &str) -> Result<(), String> {
        let break_glass = Some(who).filter(|who| !who.is_empty()).map(str::to_owned);
        let wanted = WantedSingleSignOn { only, break_glass };
        let done = change_single_sign_on(&self.server.tenants, grant, wanted).await;
        done.map(|_| ()).map_err(|error| match error {
            SettingsError::Approval(error) => match *error {
                ApprovalError::Needed(act) => format!("approval of {}", act.name()),
                other => other.to_string(),
            },
            other => crate::kernel::Fault::code(&other).to_owned(),
        })
    }

    /// Only single sign-on counts, and Bo is the emergency account.
    async fn enforced() -> Self {
        let house = Self::new().await;
        let provider = house.provider().await;
        house.linked(provider, "ann").await;
        let grant = house.server.grant::<SignInManage>(&house.tenant).await;
        house.turn(&grant, true, "bo@example.org").await.unwrap();
        house
    }

    async fn actions(&self) -> Vec<String> {
        let entries = self.server.entries(&self.tenant).await;
        entries.into_iter().map(|entry| entry.action).collect()
    }

    async fn mails(&self) -> u64 {
        let count = self.server.tenants.credentials(self.realm, |tx| {
            Ok::<_, DoorError>(tx.count("SELECT count(*) FROM mail", &[])?)
        });
        count.await.unwrap()
    }
}

fn by_app() -> Factors {
    Factors::first(Factor::Password).and(Factor::Authenticator)
}

#[tokio::test]
async fn it_takes_a_provider_that_has_let_the_caller_in_and_an_account_for_emergencies() {
    let house = House::new().await;
    let ann = house.session("ann", by_app()).await.unwrap();
    let grant = house.as_person::<SignInManage>(&ann).await;
    assert_eq!(house.turn(&grant, true, "bo@example.org").await.unwrap_err(), "sso-no-provider");
    let provider = house.provider().await;
    let nobody = house.turn(&grant, true, "bo@example.org").await;
    assert_eq!(nobody.unwrap_err(), "sso-nobody-signed-in");
    house.linked(provider, "vera").await;
    let out = house.turn(&grant, true, "bo@example.org").await;
    assert_eq!(out.unwrap_err(), "sso-not-signed-in", "Ann would be out at once");
    house.linked(provider, "ann").await;
    for unfit in ["", "cy@example.org", "vera@example.org", "nobody@example.org", "garbage"] {
        let refused = house.turn(&grant, true, unfit).await;
        assert_eq!(refused.unwrap_err(), "emergency-account-unfit", "{unfit}");
    }
    house.turn(&grant, true, "bo@example.org").await.unwrap();
    let bo = house.id("bo").await;
    let grant = house.server.grant::<SignInManage>(&house.tenant).await;
    let now = single_sign_on(&house.server.tenants, &grant).await.unwrap();
    assert_eq!((now.single_sign_on_only, now.break_glass), (true, Some(bo)));
    assert!(!house.stands(&ann).await, "who turned it on came in by a password");
}

#[tokio::test]
async fn the_account_itself_may_turn_it_on_without_a_provider_of_its_own() {
    let house = House::new().await;
    let provider = house.provider().await;
    house.linked(provider, "vera").await;
    let bo = house.session("bo", by_app()).await.unwrap();
    let grant = house.as_person::<SignInManage>(&bo).await;
    house.turn(&grant, true, "bo@example.org").await.unwrap();
    assert!(house.stands(&bo).await);
}

#[tokio::test]
async fn sessions_without_a_provider_end_at_once_and_none_begins() {
    let house = House::new().await;
    let provider = house.provider().await;
    house.linked(provider, "ann").await;
    let vera = house.session("vera", Factors::first(Factor::Password)).await.unwrap();
    let by_provider = house.session("vera", Factors::first(Factor::Provider)).await.unwrap();
    let bo = house.session("bo", by_app()).await.unwrap();
    let grant = house.server.grant::<SignInManage>(&house.tenant).await;
    house.turn(&grant, true, "bo@example.org").await.unwrap();
    assert!(!house.stands(&vera).await);
    assert!(house.stands(&by_provider).await && house.stands(&bo).await);
    for first in [Factor::Password, Factor::Link, Factor::Passkey, Factor::SecurityKey] {
        for factors in [Factors::first(first), Factors::first(first).and(Factor::Authenticator)] {
            let names = factors.names();
            let refused = house.session("vera", factors).await;
            assert!(matches!(refused, Err(AuthnError::SingleSignOn)), "{names}");
        }
    }
    let entries = house.server.entries(&house.tenant).await;
    let changed = entries.iter().find(|entry| entry.action == "settings.changed").unwrap();
    assert_eq!(changed.custom_fields["sessionsEnded"], 1);
}

#[tokio::test]
async fn whoever_becomes_the_emergency_account_is_nobody_at_a_provider_any_more() {
    let house = House::new().await;
    let provider = house.provider().await;
    house.linked(provider, "bo").await;
    let grant = house.server.grant::<SignInManage>(&house.tenant).await;
    let alone = house.turn(&grant, true, "bo@example.org").await;
    assert_eq!(alone.unwrap_err(), "sso-nobody-signed-in", "nobody else comes by a provider");
    house.linked(provider, "ann").await;
    let by_provider = Factors::first(Factor::Provider).and(Factor::Authenticator);
    let bo = house.session("bo", by_provider.clone()).await.unwrap();
    let ann = house.session("ann", by_provider).await.unwrap();
    let own = house.session("bo", by_app()).await.unwrap();
    let grant = house.as_person::<SignInManage>(&bo).await;
    house.turn(&grant, true, "bo@example.org").await.unwrap();
    assert!(!house.stands(&bo).await, "who named themselves has come by the provider");
    assert!(house.stands(&ann).await && house.stands(&own).await);
    let bo = house.id("bo").await;
    let links = house.server.tenants.credentials(house.realm, move |tx| {
        let sql = "SELECT count(*) FROM identities WHERE user = $1";
        Ok::<_, DoorError>(tx.count(sql, args![bo])?)
    });
    assert_eq!(links.await.unwrap(), 0);
    let entries = house.server.entries(&house.tenant).await;
    let gone: Vec<_> = entries.iter().filter(|entry| entry.action == "identity.unlinked").collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].custom_fields["provider"], provider.to_string());
    let changed = entries.iter().find(|entry| entry.action == "settings.changed").unwrap();
    assert_eq!(changed.custom_fields["sessionsEnded"], 1);
}

#[tokio::test]
async fn a_right_password_is_told_from_a_wrong_one_by_nothing() {
    let house = House::enforced().await;
    for client in [Client::Browser, Client::Api] {
        for password in [PASSWORD, "wrong"] {
            let (email, password) = ("vera@example.org".to_owned(), password.to_owned().into());
            let request = RequestContext::local(house.server.runtime.id());
            let shown = Credentials { email, password };
            let tenants = &house.server.tenants;
            let done = sign_in(tenants, &house.hasher, &house.tenant, shown, client, request);
            assert!(matches!(done.await, Err(AuthnError::WrongPassword)));
        }
    }
}

#[tokio::test]
async fn the_emergency_account_takes_its_second_factor_and_everybody_learns_of_it() {
    let house = House::enforced().await;
    let half = house.session("bo", Factors::first(Factor::Password)).await;
    assert!(matches!(half, Err(AuthnError::Ticket)), "a code is wanted");
    assert!(!house.actions().await.contains(&"break_glass.used".to_owned()));
    let before = house.mails().await;
    let bo = house.session("bo", by_app()).await.unwrap();
    assert!(house.stands(&bo).await);
    assert!(house.actions().await.contains(&"break_glass.used".to_owned()));
    assert_eq!(house.mails().await - before, 2, "Ann and Cy, who are owners too");
    let grant = house.as_person::<AccountRead>(&bo).await;
    let now = single_sign_on(&house.server.tenants, &grant).await.unwrap();
    assert!(now.emergency_used_at.is_some());
}

#[tokio::test]
async fn nobody_takes_anything_from_the_emergency_account() {
    let house = House::enforced().await;
    let (tenants, who) = (&house.server.tenants, "bo@example.org");
    let emergency = |result: Result<users::Member, UserError>| {
        assert!(matches!(result, Err(UserError::Emergency)), "{result:?}");
    };
    let grant = house.server.grant::<UserRole>(&house.tenant).await;
    emergency(users::change_role(tenants, &grant, who, "viewer").await);
    let grant = house.server.grant::<UserDisable>(&house.tenant).await;
    emergency(users::set_enabled(tenants, &grant, who, false).await);
    let grant = house.server.grant::<UserFactorReset>(&house.tenant).await;
    emergency(users::reset_factors(tenants, &grant, who).await);
    // Of others it goes as ever.
    let grant = house.server.grant::<UserDisable>(&house.tenant).await;
    users::set_enabled(tenants, &grant, "cy@example.org", false).await.unwrap();
}

#[tokio::test]
async fn no_link_opens_what_a_password_would_not() {
    let house = House::enforced().await;
    let tenants = &house.server.tenants;
    for what in [AskFor::SignIn, AskFor::NewPassword] {
        for name in ["vera", "bo"] {
            let email = format!("{name}@example.org");
            let request = RequestContext::local(house.server.runtime.id());
            let ask = Ask { what, email, browser: "x".into(), request };
            ask_for_link(tenants, house.realm, "/t/acme", ask).await.unwrap();
        }
    }
    let of = |person: UserId| {
        let look = tenants.credentials(house.realm, move |tx| {
            let sql = "SELECT count(*) FROM links WHERE person = $1";
            Ok::<_, DoorError>(tx.count(sql, args![person])?)
        });
        async { look.await.unwrap() }
    };
    assert_eq!(of(house.id("vera").await).await, 0, "as if nobody had the address");
    assert_eq!(of(house.id("bo").await).await, 2);

    let grant = house.server.grant::<UserUpdate>(&house.tenant).await;
    let link = users::password_link(tenants, &grant, &house.tenant, "vera@example.org").await;
    assert!(matches!(link, Err(UserError::SingleSignOn)));
    let grant = house.server.grant::<UserInvite>(&house.tenant).await;
    let new = NewInvitation { email: "new@example.org".into(), name: None, role: "viewer".into() };
    let mailer = Mailer::new(&Default::default(), &house.server.runtime);
    let invited = users::invite(tenants, &mailer, &grant, &house.tenant, new).await;
    assert!(matches!(invited, Err(UserError::SingleSignOn)));
}

#[tokio::test]
async fn with_four_eyes_nobody_opens_the_other_ways_again_alone() {
    let house = House::enforced().await;
    let grant = house.server.grant::<SignInManage>(&house.tenant).await;
    let mut policy = crate::settings::sign_in(&house.server.tenants, &grant).await.unwrap().policy;
    policy.four_eyes = true;
    change_sign_in(&house.server.tenants, &grant, policy).await.unwrap();
    let needed = "approval of single-sign-on";
    assert_eq!(house.turn(&grant, false, "").await.unwrap_err(), needed);
    assert_eq!(house.turn(&grant, true, "ann@example.org").await.unwrap_err(), needed);
    house.turn(&grant, true, "bo@example.org").await.unwrap();

    let operator = house.server.operator();
    let platform =
        house.server.tenants.authorize_platform::<PlatformAuditRecord>(&operator, "test").await;
    let platform = platform.unwrap();
    let off = || WantedSingleSignOn::default();
    let (tenants, tenant) = (&house.server.tenants, &house.tenant);
    let key = single_sign_on_by_operator(tenants, &grant, &platform, tenant, off()).await;
    assert!(matches!(key, Err(SettingsError::NotTheOperator)));
    let own = house.granted::<SignInManage>(operator).await;
    assert!(single_sign_on_by_operator(tenants, &own, &platform, tenant, off()).await.unwrap());
    assert!(!single_sign_on_by_operator(tenants, &own, &platform, tenant, off()).await.unwrap());
    let said = house.server.entries_of(Realm::Platform).await;
    let said = said.into_iter().rev().find(|entry| entry.action == "settings.changed").unwrap();
    assert_eq!(said.custom_fields["singleSignOnOnly"], false);
    assert!(house.session("vera", Factors::first(Factor::Password)).await.is_ok());
}
