//! The one way to a session. Whatever somebody shows first (password, link, passkey), it comes
//! here, and here is decided whether that is enough: no path leads around a second factor.

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::person::{Needs, Person};
use super::policy::SignInPolicy;
use super::session::{self, SignedIn};
use super::sso::Vouched;
use super::{AuthnError, device, emergency};
use crate::args;
use crate::audit::{Event, catalogue};
use crate::authz::{Caller, Realm, RequestContext};
use crate::crypto::token::Token;
use crate::kernel::id::SessionId;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, SystemWrite, Tenants, WriteTx};
use std::sync::Arc;

/// Something that somebody has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factor {
    Password,
    /// A one-time link, sent by mail or handed over.
    Link,
    /// A passkey that asked for a PIN or a fingerprint: two factors in one.
    Passkey,
    /// A passkey that was only touched.
    SecurityKey,
    /// A code of an authenticator app.
    Authenticator,
    RecoveryCode,
    /// What an identity provider vouches for.
    Provider,
    /// The same, from a provider that is trusted to have asked for two factors, and says so.
    ProviderMfa,
}

impl Factor {
    pub const ALL: [Self; 8] = [
        Self::Password,
        Self::Link,
        Self::Passkey,
        Self::SecurityKey,
        Self::Authenticator,
        Self::RecoveryCode,
        Self::Provider,
        Self::ProviderMfa,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Passkey => "passkey",
            Self::SecurityKey => "security-key",
            Self::Authenticator => "authenticator",
            Self::RecoveryCode => "recovery-code",
            Self::Provider => "provider",
            Self::ProviderMfa => "provider-mfa",
        }
    }

    /// Whether it is enough beside a first one, or in the place of both.
    pub(super) const fn is_second(self) -> bool {
        !matches!(self, Self::Password | Self::Link | Self::Provider)
    }
}

/// What somebody has shown so far, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors(Vec<Factor>);

impl Factors {
    pub fn first(factor: Factor) -> Self {
        Self(vec![factor])
    }

    #[must_use]
    pub fn and(mut self, factor: Factor) -> Self {
        self.0.push(factor);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = Factor> {
        self.0.iter().copied()
    }

    /// Separated by blanks, as it is stored.
    pub fn names(&self) -> String {
        self.0.iter().map(|factor| factor.name()).collect::<Vec<_>>().join(" ")
    }

    pub fn parse(names: &str) -> Self {
        let factor = |name| Factor::ALL.into_iter().find(|factor| factor.name() == name);
        Self(names.split_whitespace().filter_map(factor).collect())
    }

    /// Whether a session that began with these would begin today. What it takes may have grown since:
    /// a factor that was set up, a new role, a stricter policy.
    pub fn are_enough(
        &self,
        tx: &impl Sql,
        realm: Realm,
        person: &Person,
    ) -> Result<bool, AuthnError> {
        if !self.fit(&SignInPolicy::read(tx)?, realm, person) {
            return Ok(false);
        }
        let is_strong = self.0.iter().any(|factor| factor.is_second());
        Ok(is_strong || self.wanted(person.needs(tx, realm)?).is_none())
    }

    /// Whether an identity provider is behind them, where nothing else counts.
    fn fit(&self, policy: &SignInPolicy, realm: Realm, person: &Person) -> bool {
        self.are_of_a_provider() || policy.admits_without_provider(realm, person.id)
    }

    pub(super) fn are_of_a_provider(&self) -> bool {
        self.0.iter().any(|factor| matches!(factor, Factor::Provider | Factor::ProviderMfa))
    }

    /// What is missing for somebody with these needs.
    fn wanted(&self, needs: Needs) -> Option<Wanted> {
        if self.0.iter().any(|factor| factor.is_second()) {
            return None;
        }
        match (needs.has_second(), needs.must_have_second) {
            (true, _) => Some(Wanted::SecondFactor),
            (false, true) => Some(Wanted::Enrolment),
            (false, false) => None,
        }
    }
}

/// What a sign-in still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    SecondFactor,
    /// The person must have a second factor and has none yet: they set one up now.
    Enrolment,
}

impl Wanted {
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecondFactor => "second-factor",
            Self::Enrolment => "enrolment",
        }
    }
}

/// Who holds what a sign-in leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A browser, with a cookie.
    Browser,
    /// An application that acts for a person, with access tokens.
    Api,
}

impl Client {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Api => "api",
        }
    }
}

/// Uses up what was shown (a code, a link, the ticket of a sign-in under way), in the transaction
/// of what it leads to. Its entries stand before those of the session.
pub type Spend =
    Box<dyn Fn(&mut WriteTx<'_, SystemWrite>, &Person) -> Result<AuditEvents, AuthnError> + Send>;

/// Somebody who has shown something, and nothing that was wrong.
pub struct Proof {
    pub person: Person,
    pub factors: Factors,
    pub client: Client,
    pub request: RequestContext,
    /// What the identity provider said, where one vouches for the person.
    pub vouched: Option<Vouched>,
    pub spend: Spend,
}

impl Proof {
    /// For what is not used up by being shown.
    pub fn nothing_spent() -> Spend {
        Box::new(|_, _| Ok(AuditEvents::none()))
    }
}

pub enum Admission {
    In(SignedIn),
    /// One more factor is wanted. The ticket stands for what was shown already; it is a secret.
    Wanted {
        wanted: Wanted,
        ticket: Zeroizing<String>,
    },
}

/// # Errors
/// [`AuthnError::WrongPassword`] when the person was disabled or their password changed meanwhile,
/// [`AuthnError::Suspended`] when the tenant is; [`AuthnError::SingleSignOn`] where nothing but
/// single sign-on counts; what `spend` says.
pub async fn admit(tenants: &Tenants, realm: Realm, proof: Proof) -> Result<Admission, AuthnError> {
    let runtime = tenants.runtime();
    let owner = session::owner(realm);
    // It may have been suspended between one factor and the next.
    let found = tenants.tenant_by_id(owner);
    if found.is_none_or(|tenant| !tenant.state.admits()) && realm != Realm::Platform {
        return Err(AuthnError::Suspended);
    }
    let token = Token::generate(owner, runtime.random.as_ref());
    let (hash, session) = (token.hash(), runtime.id::<SessionId>());
    let principal = proof.person.principal(realm, session);
    // The browser's own secrets go no further than this.
    let request = RequestContext { browser: None, ..proof.request.clone() };
    let former = proof.request.former_session().map(str::to_owned).map(Zeroizing::new);
    let device = device::cookie(&proof.request, runtime.random.as_ref());
    let (client, mark) = (proof.client, device.clone());
    let caller = Arc::new(Caller { principal, request: request.clone() });
    let write = tenants.change_credentials(realm, Some(caller), move |tx| {
        let stale = || AuthnError::WrongPassword;
        let person = Person::by_id(tx, realm, proof.person.id)?.ok_or_else(stale)?;
        if !person.active || person.password != proof.person.password {
            return Err(stale());
        }
        let policy = SignInPolicy::read(tx)?;
        if !proof.factors.fit(&policy, realm, &person) {
            return Err(AuthnError::SingleSignOn);
        }
        // Before what was shown is used up: setting up a second factor makes one needed.
        let spent = (proof.spend)(tx, &person)?;
        let wanted = proof.factors.wanted(person.needs(tx, realm)?);
        let events = match wanted {
            None => {
                let (device, remembered) = device::remember(tx, realm, &person, &proof, &mark)?;
                let replaced = session::replace(tx, realm, proof.request.former_session())?;
                let begun = session::insert(tx, realm, session, &hash, &person, device, &proof)?;
                let past = past_single_sign_on(tx, &policy, realm, &person, &proof)?;
                replaced.then(begun).then(remembered).then(past)
            }
            Some(wanted) => wait(tx, &hash, &person, &proof, wanted)?,
        };
        Ok((wanted, spent.then(events), person.principal(realm, session)))
            .map(|(wanted, events, principal)| ((wanted, principal), events))
    });
    let (wanted, principal) = write.await?.value;
    let revealed = token.reveal("");
    Ok(match wanted {
        None => {
            if let Some(former) = former {
                session::end_elsewhere(tenants, realm, &former, &request).await;
            }
            let device = (client == Client::Browser).then_some(device);
            let cookie = match client {
                Client::Browser => {
                    let binding = HEXLOWER.encode(&runtime.bytes::<16>());
                    Zeroizing::new(format!("{}.{binding}", *revealed))
                }
                Client::Api => revealed,
            };
            Admission::In(SignedIn { cookie, principal, session, device })
        }
        Some(wanted) => Admission::Wanted { wanted, ticket: revealed },
    })
}

/// The emergency account is seen to be used.
fn past_single_sign_on(
    tx: &mut WriteTx<'_, SystemWrite>,
    policy: &SignInPolicy,
    realm: Realm,
    person: &Person,
    proof: &Proof,
) -> Result<AuditEvents, AuthnError> {
    let is_past = realm != Realm::Platform
        && policy.single_sign_on_only
        && !proof.factors.are_of_a_provider();
    match is_past {
        true => emergency::used(tx, realm, person, proof),
        false => Ok(AuditEvents::none()),
    }
}

/// Writes a ticket down: a sign-in that waits.
fn wait(
    tx: &mut WriteTx<'_, SystemWrite>,
    hash: &[u8; 32],
    person: &Person,
    proof: &Proof,
    wanted: Wanted,
) -> Result<AuditEvents, AuthnError> {
    let (now, proven) = (tx.runtime().now(), proof.factors.names());
    let provider = match &proof.vouched {
        Some(vouched) => Some(vouched.seal(tx, person)?),
        None => None,
    };
    tx.execute(
        "INSERT INTO sign_ins
             (token_hash, person, password, proven, wanted, client, created, expires, provider)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            hash,
            Value::Id(person.id),
            &person.password,
            &proven,
            wanted.name(),
            proof.client.name(),
            now,
            now.plus(limits::SIGN_IN_LIFE),
            provider.as_deref()
        ],
    )?;
    let mut event = Event::new(catalogue::LOGIN_PENDING);
    event.custom_fields.insert("factors".into(), proven.into());
    event.custom_fields.insert("wanted".into(), wanted.name().into());
    Ok(event.into())
}
