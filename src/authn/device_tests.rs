//! Who is known where, and what a sign-in does to the session before it.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::authn::{
    Admission, Factor, Factors, Hasher, SessionPolicy, SignedIn, admit, session_holder,
};
use crate::authz::permission::{AccessRevoke, UserCreate};
use crate::authz::{Browser, Realm, Role};
use crate::config::{Settings, SmtpHost};
use crate::incident;
use crate::kernel::Runtime;
use crate::kernel::clock::ManualClock;
use crate::kernel::random::SystemRandom;
use crate::tenants::Tenant;
use crate::testing::TestServer;
use crate::users::{self, NewMember};

const POLICY: SessionPolicy =
    SessionPolicy { idle: limits::SESSION_IDLE, absolute: limits::SESSION_ABSOLUTE };

struct House {
    server: TestServer,
    clock: Arc<ManualClock>,
}

impl House {
    fn new() -> Self {
        Self::configured(|_| {})
    }

    fn configured(configure: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_795_000_000_000_000)));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        Self { server: TestServer::start_configured(runtime, configure), clock }
    }

    async fn tenant(&self, slug: &str, people: &[&str]) -> Tenant {
        let tenant = self.server.tenant(slug).await;
        let grant = self.server.grant::<UserCreate>(&tenant).await;
        let hasher = Hasher::new(&self.server.runtime);
        for person in people {
            let new = NewMember {
                name: (*person).to_owned(),
                email: format!("{person}@example.org"),
                password: "harbour lantern orchid 7".to_owned().into(),
                role: Role::Operator.into(),
            };
            users::create(&self.server.tenants, &hasher, &grant, new).await.unwrap();
        }
        tenant
    }

    async fn person(&self, tenant: &Tenant, name: &str) -> Person {
        let (realm, email) = (Realm::Tenant(tenant.id), format!("{name}@example.org"));
        let find =
            self.server.tenants.credentials(realm, move |tx| Person::by_email(tx, realm, &email));
        find.await.unwrap().unwrap()
    }

    /// Signs in with a browser that brings these cookies along.
    async fn browser(
        &self,
        tenant: &Tenant,
        name: &str,
        device: Option<&str>,
        session: Option<&str>,
    ) -> SignedIn {
        let text = |text: Option<&str>| text.map(|text| text.to_owned().into());
        let browser = Some(Arc::new(Browser { device: text(device), session: text(session) }));
        let request = RequestContext { browser, ..RequestContext::local(self.server.runtime.id()) };
        self.sign_in(tenant, name, Client::Browser, request).await
    }

    async fn application(&self, tenant: &Tenant, name: &str, from: &str) -> SignedIn {
        let ip = Some(from.parse().unwrap());
        let request = RequestContext { ip, ..RequestContext::local(self.server.runtime.id()) };
        self.sign_in(tenant, name, Client::Api, request).await
    }

    async fn sign_in(
        &self,
        tenant: &Tenant,
        name: &str,
        client: Client,
        request: RequestContext,
    ) -> SignedIn {
        let (person, spend) = (self.person(tenant, name).await, Proof::nothing_spent());
        let factors = Factors::first(Factor::Password);
        let proof = Proof { person, factors, client, request, vouched: None, spend };
        match admit(&self.server.tenants, Realm::Tenant(tenant.id), proof).await.unwrap() {
            Admission::In(signed_in) => signed_in,
            Admission::Wanted { .. } => panic!("one factor is enough here"),
        }
    }

    async fn knows(&self, tenant: &Tenant, name: &str, cookie: Option<&str>) -> bool {
        let (person, cookie) = (self.person(tenant, name).await.id, cookie.map(str::to_owned));
        let now = self.server.runtime.now();
        let look = self.server.tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
            is_known(tx, person, cookie.as_deref(), now)
        });
        look.await.unwrap().is_some()
    }

    async fn stands(&self, signed_in: &SignedIn) -> bool {
        session_holder(&self.server.tenants, POLICY, &signed_in.cookie).await.is_ok()
    }

    async fn count(&self, tenant: &Tenant, action: &str) -> usize {
        let entries = self.server.entries(tenant).await;
        entries.iter().filter(|entry| entry.action == action).count()
    }
}

#[tokio::test]
async fn a_browser_is_known_for_those_alone_who_signed_in_with_it() {
    let house = House::new();
    let (acme, globex) =
        (house.tenant("acme", &["ada", "bob"]).await, house.tenant("globex", &["ada"]).await);
    let first = house.browser(&acme, "ada", None, None).await.device.unwrap();
    assert!(house.knows(&acme, "ada", Some(&first)).await);
    assert!(!house.knows(&acme, "bob", Some(&first)).await);
    assert!(!house.knows(&globex, "ada", Some(&first)).await);
    assert!(!house.knows(&acme, "ada", None).await);

    // The same browser for another person and another tenant: it keeps its mark.
    let second = house.browser(&acme, "bob", Some(&first), None).await.device.unwrap();
    let third = house.browser(&globex, "ada", Some(&second), None).await.device.unwrap();
    assert_eq!((&*first, &*second), (&*second, &*third));
    assert!(house.knows(&acme, "bob", Some(&first)).await);
    assert!(house.knows(&globex, "ada", Some(&first)).await);
    assert_eq!(house.count(&acme, "device.remembered").await, 2);
}

#[tokio::test]
async fn a_first_sign_in_on_a_device_is_an_entry_and_later_ones_are_not() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada"]).await;
    let device = house.browser(&acme, "ada", None, None).await.device.unwrap();
    house.browser(&acme, "ada", Some(&device), None).await;
    assert_eq!(house.count(&acme, "device.remembered").await, 1);
    house.browser(&acme, "ada", None, None).await;
    assert_eq!(house.count(&acme, "device.remembered").await, 2);

    house.clock.advance(limits::DEVICE_LIFE + Duration::from_secs(1));
    assert!(!house.knows(&acme, "ada", Some(&device)).await);
    house.browser(&acme, "ada", Some(&device), None).await;
    assert_eq!(house.count(&acme, "device.remembered").await, 3);
    assert!(house.knows(&acme, "ada", Some(&device)).await);
}

#[tokio::test]
async fn made_up_cookies_are_no_devices() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada"]).await;
    let session = house.browser(&acme, "ada", None, None).await;
    for made_up in ["", "device_", "device_aaaa", &session.cookie, "ü"] {
        assert!(!house.knows(&acme, "ada", Some(made_up)).await, "{made_up}");
        let given = house.browser(&acme, "ada", Some(made_up), None).await.device.unwrap();
        assert_ne!(&*given, made_up);
    }
}

#[tokio::test]
async fn an_application_is_known_by_the_network_that_it_signs_in_from() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada"]).await;
    assert!(house.application(&acme, "ada", "203.0.113.7").await.device.is_none());
    house.application(&acme, "ada", "203.0.113.7").await;
    assert_eq!(house.count(&acme, "device.remembered").await, 1);
    house.application(&acme, "ada", "198.51.100.7").await;
    assert_eq!(house.count(&acme, "device.remembered").await, 2);
}

#[tokio::test]
async fn of_too_many_devices_the_one_unused_longest_is_forgotten() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada", "bob"]).await;
    let of_bob = house.browser(&acme, "bob", None, None).await.device.unwrap();
    let mut devices = Vec::new();
    for _ in 0..=limits::DEVICES_MOST {
        house.clock.advance(Duration::from_secs(1));
        devices.push(house.browser(&acme, "ada", None, None).await.device.unwrap());
    }
    assert!(!house.knows(&acme, "ada", Some(&devices[0])).await);
    assert!(house.knows(&acme, "ada", Some(&devices[1])).await);
    assert!(house.knows(&acme, "bob", Some(&of_bob)).await);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let house = House::new();
    let (acme, globex) =
        (house.tenant("acme", &["ada"]).await, house.tenant("globex", &["ada"]).await);
    let (first, elsewhere) = (
        house.browser(&acme, "ada", None, None).await,
        house.browser(&acme, "ada", None, None).await,
    );
    let second = house.browser(&acme, "ada", None, Some(&first.cookie)).await;
    assert!(!house.stands(&first).await);
    assert!(house.stands(&second).await && house.stands(&elsewhere).await);
    assert_eq!(house.count(&acme, "session.ended").await, 1);

    // The tenants' consoles share one cookie.
    let third = house.browser(&globex, "ada", None, Some(&second.cookie)).await;
    assert!(!house.stands(&second).await);
    assert!(house.stands(&third).await);
    assert_eq!(house.count(&acme, "session.ended").await, 2);
    let entries = house.server.entries(&acme).await;
    let actor = entries.last().and_then(|entry| entry.actor.clone()).unwrap();
    assert_eq!(actor.kind, "user");
}

#[tokio::test]
async fn a_cookie_that_was_planted_never_becomes_a_session() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada"]).await;
    let planted = Token::generate(acme.id, &SystemRandom).reveal("");
    let signed_in = house.browser(&acme, "ada", None, Some(&planted)).await;
    assert_ne!(*signed_in.cookie, *planted);
    assert!(session_holder(&house.server.tenants, POLICY, &planted).await.is_err());
    assert!(house.stands(&signed_in).await);
}

async fn waiting_mails(house: &House, tenant: &Tenant) -> u64 {
    let count = house.server.tenants.credentials(Realm::Tenant(tenant.id), |tx| {
        Ok::<_, AuthnError>(tx.count("SELECT count(*) FROM mail", &[])?)
    });
    count.await.unwrap()
}

#[tokio::test]
async fn a_sign_in_from_somewhere_new_is_told_by_mail_but_not_the_very_first() {
    let house = House::configured(|settings| {
        settings.mail.smtp_host = Some(SmtpHost::localhost());
    });
    let acme = house.tenant("acme", &["ada"]).await;
    house.browser(&acme, "ada", None, None).await;
    assert_eq!(waiting_mails(&house, &acme).await, 0, "she is there for the first time");
    let device = house.browser(&acme, "ada", None, None).await.device.unwrap();
    assert_eq!(waiting_mails(&house, &acme).await, 1);
    house.browser(&acme, "ada", Some(&device), None).await;
    assert_eq!(waiting_mails(&house, &acme).await, 1, "it is known");
    house.application(&acme, "ada", "203.0.113.7").await;
    assert_eq!(
        waiting_mails(&house, &acme).await,
        2,
        "whoever stole a password may use it through the API"
    );
}

#[tokio::test]
async fn after_everything_was_taken_away_no_browser_is_known_and_every_sign_in_is_told() {
    let house = House::configured(|settings| {
        settings.mail.smtp_host = Some(SmtpHost::localhost());
    });
    let acme = house.tenant("acme", &["ada"]).await;
    let device = house.browser(&acme, "ada", None, None).await.device.unwrap();
    let grant = house.server.grant::<AccessRevoke>(&acme).await;
    incident::revoke(&house.server.tenants, &grant, None, None).await.unwrap();
    assert!(!house.knows(&acme, "ada", Some(&device)).await);
    house.browser(&acme, "ada", None, None).await;
    assert_eq!(waiting_mails(&house, &acme).await, 1);
}

#[tokio::test]
async fn no_mail_waits_where_there_is_no_mail_server() {
    let house = House::new();
    let acme = house.tenant("acme", &["ada"]).await;
    house.browser(&acme, "ada", None, None).await;
    house.browser(&acme, "ada", None, None).await;
    assert_eq!(waiting_mails(&house, &acme).await, 0);
}
