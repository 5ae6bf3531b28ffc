//! Token buckets per route class (`governor`).

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
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

pub struct Limiter(RwLock<Arc<InForce>>);

/// The limits that count now.
struct InForce {
    body_bytes: usize,
    /// With the rate that each was made for.
    buckets: Vec<(RateClass, config::Rate, Option<Arc<Buckets>>)>,
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
        let made = |(class, rate)| (class, rate, buckets(rate).map(Arc::new));
        let buckets = rates(limits).into_iter().map(made).collect();
        Self(RwLock::new(Arc::new(InForce { body_bytes: body_bytes(limits), buckets })))
    }

    /// Other limits from now on. Where the limit is the same, what was counted stays.
    pub fn replace(&self, limits: &config::Limits) {
        let before = self.in_force();
        let kept = |(class, rate)| {
            let same = before.buckets.iter().find(|(of, was, _)| (*of, *was) == (class, rate));
            let buckets =
                same.map_or_else(|| buckets(rate).map(Arc::new), |(.., same)| same.clone());
            (class, rate, buckets)
        };
        let buckets = rates(limits).into_iter().map(kept).collect();
        let next = InForce { body_bytes: body_bytes(limits), buckets };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// Most bytes of a body, where a route has no limit of its own.
    pub fn body_bytes(&self) -> usize {
        self.in_force().body_bytes
    }

    fn in_force(&self) -> Arc<InForce> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of(&self, class: RateClass) -> Option<Arc<Buckets>> {
        let in_force = self.in_force();
        in_force.buckets.iter().find(|(of, ..)| *of == class).and_then(|(.., found)| found.clone())
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
        for buckets in self.in_force().buckets.iter().filter_map(|(.., buckets)| buckets.as_ref()) {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

fn rates(limits: &config::Limits) -> [(RateClass, config::Rate); 10] {
    [
        (RateClass::SignIn, limits.sign_in_per_minute),
        (RateClass::SecondFactor, limits.second_factor_per_minute),
        (RateClass::Registration, limits.registrations_per_minute),
        (RateClass::Mail, limits.mails_per_minute),
        (RateClass::SignInOfTenant, limits.sign_in_per_minute_per_tenant),
        (RateClass::Api, limits.api_per_minute),
        (RateClass::Ingest, limits.ingest_per_minute),
        (RateClass::ApiOfTenant, limits.api_per_minute_per_tenant),
        (RateClass::Console, limits.console_per_minute),
        (RateClass::Tail, limits.tails_per_minute),
    ]
}

fn body_bytes(limits: &config::Limits) -> usize {
    usize::try_from(limits.body_bytes).unwrap_or(usize::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_limits_count_at_once_and_what_was_counted_under_the_same_ones_stays() {
        let limits = config::Limits {
            sign_in_per_minute: config::Rate::new(2),
            api_per_minute: config::Rate::new(1),
            ..config::Limits::default()
        };
        let limiter = Limiter::new(&limits);
        let source = Source::address(None);
        let goes = |class| limiter.take(class, &source).1.is_ok();
        assert!(goes(RateClass::SignIn) && goes(RateClass::SignIn) && !goes(RateClass::SignIn));
        assert!(goes(RateClass::Api) && !goes(RateClass::Api));
        let other = config::Limits {
            api_per_minute: config::Rate::new(0),
            body_bytes: 2_048,
            ..limits.clone()
        };
        limiter.replace(&other);
        assert!(!goes(RateClass::SignIn), "a reload is no way around a limit");
        assert!(goes(RateClass::Api) && goes(RateClass::Api));
        assert_eq!(limiter.body_bytes(), 2_048);
    }
}
