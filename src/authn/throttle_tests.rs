//! Who has to wait, for how long, and who does not.

use std::sync::Arc;

use super::*;
use crate::authn::{Admission, Client, Credentials, Hasher, SignedIn, sign_in, sign_in_nowhere};
use crate::authz::permission::UserCreate;
use crate::authz::{Browser, Role};
use crate::kernel::Runtime;
use crate::kernel::clock::ManualClock;
use crate::kernel::random::SystemRandom;
use crate::store::Value;
use crate::tenants::Tenant;
use crate::testing::TestServer;
use crate::users::{self, NewMember};

const PASSWORD: &str = "harbour lantern orchid 7";
const ADA: &str = "ada@example.org";

struct House {
    server: TestServer,
    clock: Arc<ManualClock>,
    hasher: Hasher,
    tenant: Tenant,
}

impl House {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_795_000_000_000_000)));
        let runtime = Runtime { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let server = TestServer::start_with(runtime);
        let (tenant, hasher) = (server.tenant("acme").await, Hasher::new(&server.runtime));
        let grant = server.grant::<UserCreate>(&tenant).await;
        let ada = NewMember {
            name: "Ada".to_owned(),
            email: ADA.to_owned(),
            password: PASSWORD.into(),
            role: Role::Operator.into(),
        };
        users::create(&server.tenants, &hasher, &grant, ada).await.unwrap();
        Self { server, clock, hasher, tenant }
    }

    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }

    fn request(&self, device: Option<&str>) -> RequestContext {
        let device = device.map(|device| device.to_owned().into());
        let browser = Some(Arc::new(Browser { device, session: None }));
        RequestContext { browser, ..RequestContext::local(self.server.runtime.id()) }
    }

    /// An attempt that comes to nothing; how long it has to wait, if it has to.
    async fn guess(&self, account: &Account, device: Option<&str>) -> Result<(), u64> {
        let request = self.request(device);
        match begin(&self.server.tenants, account.clone(), Step::Password, &request).await {
            Ok(_) => Ok(()),
            Err(AuthnError::TryLater(seconds)) => Err(seconds),
            Err(error) => panic!("{error}"),
        }
    }

    async fn sign_in(&self, device: Option<&str>) -> Result<SignedIn, AuthnError> {
        let (tenants, request) = (&self.server.tenants, self.request(device));
        let credentials = Credentials { email: ADA.into(), password: PASSWORD.into() };
        let (tenant, client) = (&self.tenant, Client::Browser);
        match sign_in(tenants, &self.hasher, tenant, credentials, client, request).await? {
            Admission::In(signed_in) => Ok(signed_in),
            Admission::Wanted { .. } => panic!("nothing more is wanted of an operator"),
        }
    }

    async fn hash(&self) -> String {
        let look = self.server.tenants.credentials(self.realm(), |tx| {
            Ok::<_, DoorError>(tx.query_one("SELECT password FROM users", &[], |row| row.get(0))?)
        });
        look.await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn each_failure_after_the_fifth_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    let house = House::new().await;
    let ada = Account::Of(house.realm(), ADA.into());
    for _ in 0..limits::FAILURES_FREE {
        assert_eq!(house.guess(&ada, None).await, Ok(()));
    }
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert_eq!(house.guess(&ada, None).await, Err(wait));
        house.clock.advance(Duration::from_secs(wait));
        assert_eq!(house.guess(&ada, None).await, Ok(()));
    }
    assert!(matches!(house.sign_in(None).await, Err(AuthnError::TryLater(900))));
    house.clock.advance(limits::FAILURES_LIFE);
    assert!(house.sign_in(None).await.is_ok());
    assert_eq!(house.guess(&ada, None).await, Ok(()), "success forgives");
}

#[tokio::test]
async fn an_address_of_nobody_and_a_tenant_that_is_not_there_wait_as_long() {
    let house = House::new().await;
    let accounts = [
        Account::Of(house.realm(), ADA.into()),
        Account::Of(house.realm(), "nobody@example.org".into()),
        Account::Stranger { tenant: "nowhere".into(), email: ADA.into() },
    ];
    for account in &accounts {
        let mut answers = Vec::new();
        for _ in 0..7 {
            answers.push(house.guess(account, None).await);
        }
        assert_eq!(answers[4..], [Ok(()), Err(1), Err(1)], "{account:?}");
    }
    let credentials = Credentials { email: "a@b".into(), password: PASSWORD.into() };
    let (tenants, request) = (&house.server.tenants, house.request(None));
    let refused = sign_in_nowhere(tenants, &house.hasher, "nowhere", credentials, request).await;
    assert!(matches!(refused, Err(AuthnError::WrongPassword)));
}

#[tokio::test]
async fn many_guesses_at_once_are_as_many_failures() {
    let house = House::new().await;
    let ada = Account::Of(house.realm(), ADA.into());
    let guesses = (0..40).map(|_| house.guess(&ada, None));
    let let_through = futures_util::future::join_all(guesses).await;
    let let_through = let_through.iter().filter(|guess| guess.is_ok()).count();
    assert_eq!(let_through, limits::FAILURES_FREE as usize);
}

#[tokio::test]
async fn who_is_known_in_a_browser_gets_in_while_somebody_else_guesses() {
    let house = House::new().await;
    let ada = Account::Of(house.realm(), ADA.into());
    let known = house.sign_in(None).await.unwrap().device.unwrap();
    for _ in 0..limits::FAILURES_FREE {
        assert_eq!(house.guess(&ada, None).await, Ok(()));
    }
    assert_eq!(house.guess(&ada, None).await, Err(1));
    assert_eq!(house.guess(&ada, Some("device_made-up")).await, Err(1));
    assert!(house.sign_in(Some(&known)).await.is_ok());
    assert_eq!(house.guess(&ada, None).await, Err(1), "that forgives nobody else");

    // A stolen browser is slowed down as well, by itself.
    for _ in 0..limits::FAILURES_FREE {
        assert_eq!(house.guess(&ada, Some(&known)).await, Ok(()));
    }
    assert_eq!(house.guess(&ada, Some(&known)).await, Err(1));
    assert!(
        is_known_to_anybody(&house.server.tenants, house.realm(), &house.request(Some(&known)))
            .await
            .unwrap()
    );
    assert!(
        !is_known_to_anybody(&house.server.tenants, house.realm(), &house.request(None))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn failures_are_remembered_over_a_restart_and_forgotten_after_a_day() {
    let house = House::new().await;
    let ada = Account::Of(house.realm(), ADA.into());
    for _ in 0..=limits::FAILURES_FREE {
        let _ = house.guess(&ada, None).await;
    }
    let count = || {
        house.server.tenants.credentials(house.realm(), |tx| {
            Ok::<_, DoorError>(tx.count("SELECT count(*) FROM sign_in_failures", &[])?)
        })
    };
    assert_eq!(count().await.unwrap(), 1);
    house.clock.advance(limits::FAILURES_LIFE);
    let now = house.server.runtime.now();
    let forget = house
        .server
        .tenants
        .system_write(house.realm(), SystemWrite::Expiry, move |tx| Ok(forget_failures(tx, now)?));
    forget.await.unwrap();
    assert_eq!(count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_hash_is_made_again_at_the_next_sign_in_when_the_cost_has_risen() {
    let house = House::new().await;
    let old = crate::crypto::password::hash(&PASSWORD.into(), 5, &SystemRandom).unwrap();
    let put = old.clone();
    let set = house.server.tenants.system_write(house.realm(), SystemWrite::Rehash, move |tx| {
        Ok(tx.execute("UPDATE users SET password = $1", &[Value::Text(&put)])?)
    });
    set.await.unwrap();

    let wrong = Credentials { email: ADA.into(), password: "something else".into() };
    let (tenants, request) = (&house.server.tenants, house.request(None));
    let (tenant, client) = (&house.tenant, Client::Browser);
    assert!(sign_in(tenants, &house.hasher, tenant, wrong, client, request).await.is_err());
    assert_eq!(house.hash().await, old, "only the right password makes a hash");

    assert!(house.sign_in(None).await.is_ok());
    let new = house.hash().await;
    assert!(old.starts_with("$2b$05$") && new.starts_with("$2b$12$"));
    assert!(house.sign_in(None).await.is_ok());
    assert_eq!(house.hash().await, new);
}
