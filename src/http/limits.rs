//! Token buckets per route class (`governor`).

use std::net::IpAddr;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config;
use crate::kernel::{ErrorKind, network};

use super::failure::Failure;

/// What is counted together, and per what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateClass {
    /// Per IP address.
    SignIn,
    /// Second factors and recovery codes, per IP address.
    SecondFactor,
    /// Registration of new people, per IP address.
    Registration,
    /// Links asked for by mail and opened, per IP address.
    Mail,
    /// The three above and sign-in together, per tenant.
    SignInOfTenant,
    /// Per API key.
    Api,
    /// Per API key.
    Ingest,
    /// Both together, per tenant.
    ApiOfTenant,
    /// Per session, or per IP address before there is one.
    Console,
    /// Live views of a log, per IP address.
    Tail,
    /// Health and documents: answered from memory.
    Unlimited,
}

impl RateClass {
    /// Whether a tenant has a bucket for it as well.
    pub const fn of_tenant(self) -> Option<Self> {
        match self {
            Self::SignIn | Self::SecondFactor | Self::Registration | Self::Mail => {
                Some(Self::SignInOfTenant)
            }
            Self::Api | Self::Ingest => Some(Self::ApiOfTenant),
            _ => None,
        }
    }

    /// Whether somebody may be guessing.
    pub const fn is_sign_in(self) -> bool {
        matches!(self.of_tenant(), Some(Self::SignInOfTenant))
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SecondFactor => "second-factor",
            Self::Registration => "registration",
            Self::Mail => "mail",
            Self::SignInOfTenant => "sign-in-tenant",
            Self::Api => "api",
            Self::Ingest => "ingest",
            Self::ApiOfTenant => "api-tenant",
            Self::Console => "console",
            Self::Tail => "tail",
            Self::Unlimited => "unlimited",
        }
    }
}

/// Whom a bucket belongs to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Source {
    Ip(Option<IpAddr>),
    Id([u8; 16]),
}

impl Source {
    /// By network: one customer's IPv6 line has more addresses than there is memory for buckets.
    pub fn address(ip: Option<IpAddr>) -> Self {
        Self::Ip(ip.map(network))
    }
}

type Buckets =
    RateLimiter<Source, HashMapStateStore<Source>, DefaultClock, StateInformationMiddleware>;

pub struct Limiter {
    sign_in: Option<Buckets>,
    second_factor: Option<Buckets>,
    registration: Option<Buckets>,
    mail: Option<Buckets>,
    sign_in_of_tenant: Option<Buckets>,
    api: Option<Buckets>,
    ingest: Option<Buckets>,
    api_of_tenant: Option<Buckets>,
    console: Option<Buckets>,
    tail: Option<Buckets>,
}

/// What the `RateLimit` headers say (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy)]
pub struct RateState {
    pub class: RateClass,
    pub per_minute: u32,
    pub remaining: u32,
}

impl Limiter {
    pub fn new(limits: &config::Limits) -> Self {
        Self {
            sign_in: buckets(limits.sign_in_per_minute),
            second_factor: buckets(limits.second_factor_per_minute),
            registration: buckets(limits.registrations_per_minute),
            mail: buckets(limits.mails_per_minute),
            sign_in_of_tenant: buckets(limits.sign_in_per_minute_per_tenant),
            api: buckets(limits.api_per_minute),
            ingest: buckets(limits.ingest_per_minute),
            api_of_tenant: buckets(limits.api_per_minute_per_tenant),
            console: buckets(limits.console_per_minute),
            tail: buckets(limits.tails_per_minute),
        }
    }

    fn of(&self, class: RateClass) -> Option<&Buckets> {
        match class {
            RateClass::SignIn => self.sign_in.as_ref(),
            RateClass::SecondFactor => self.second_factor.as_ref(),
            RateClass::Registration => self.registration.as_ref(),
            RateClass::Mail => self.mail.as_ref(),
            RateClass::SignInOfTenant => self.sign_in_of_tenant.as_ref(),
            RateClass::Api => self.api.as_ref(),
            RateClass::Ingest => self.ingest.as_ref(),
            RateClass::ApiOfTenant => self.api_of_tenant.as_ref(),
            RateClass::Console => self.console.as_ref(),
            RateClass::Tail => self.tail.as_ref(),
            RateClass::Unlimited => None,
        }
    }

    /// Takes one token, and says what is left; nothing is said where there is no limit.
    pub fn take(
        &self,
        class: RateClass,
        source: &Source,
    ) -> (Option<RateState>, Result<(), Failure>) {
        let Some(buckets) = self.of(class) else { return (None, Ok(())) };
        let state = |quota: Quota, remaining| RateState {
            class,
            per_minute: quota.burst_size().get(),
            remaining,
        };
        match buckets.check_key(source) {
            Ok(left) => (Some(state(left.quota(), left.remaining_burst_capacity())), Ok(())),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                (Some(state(until.quota(), 0)), Err(throttled(wait)))
            }
        }
    }

    /// Forgets sources that have been quiet; called by a job.
    pub fn forget_quiet(&self) {
        let all = [
            &self.sign_in,
            &self.second_factor,
            &self.registration,
            &self.mail,
            &self.sign_in_of_tenant,
            &self.api,
            &self.ingest,
            &self.api_of_tenant,
            &self.console,
            &self.tail,
        ];
        for buckets in all.into_iter().flatten() {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

fn buckets(rate: config::Rate) -> Option<Buckets> {
    let quota = Quota::per_minute(rate.per_minute()?);
    let store = HashMapStateStore::default();
    Some(Buckets::new(quota, store, DefaultClock::default()))
}

fn throttled(wait: Duration) -> Failure {
    let seconds = wait.as_secs() + 1;
    let detail = format!("too many requests: try again in {seconds} s");
    let failure = Failure::new(ErrorKind::Throttled, "too-many-requests", detail);
    Failure { retry_after: Some(seconds), ..failure }
}
