//! Password hashing off the async threads, a few at a time, so that a flood of sign-ins cannot
//! starve everything else.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::crypto::{CryptoError, password};
use crate::kernel::{Runtime, limits};
use crate::store::StoreError;

#[derive(Clone)]
pub struct Hasher {
    runtime: Runtime,
    cost: u32,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Hasher {
    /// One core stays free for everything else.
    pub fn new(runtime: &Runtime, cost: u32) -> Self {
        Self::on(runtime, cost, cores().saturating_sub(1).max(1))
    }

    /// On all cores, for when nobody is served yet.
    pub fn on_all_cores(runtime: &Runtime, cost: u32) -> Self {
        Self::on(runtime, cost, cores())
    }

    fn on(runtime: &Runtime, cost: u32, threads: usize) -> Self {
        Self {
            runtime: runtime.clone(),
            cost,
            running: Arc::new(Semaphore::new(threads)),
            waiting: Arc::new(Semaphore::new(limits::SIGN_INS_WAITING)),
        }
    }

    pub async fn hash(&self, password: SecretString) -> Result<String, StoreError> {
        let (random, cost) = (self.runtime.random.clone(), self.cost);
        let hash = self.run(move || password::hash(&password, cost, random.as_ref())).await?;
        hash.map_err(|error: CryptoError| error.into())
    }

    /// Takes the same time whether or not there is such an account.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, StoreError> {
        let cost = self.cost;
        self.run(move || password::verify(&password, hash.as_deref(), cost)).await
    }

    /// Whether a hash was made when the cost was lower.
    pub fn is_outdated(&self, hash: &str) -> bool {
        password::is_outdated(hash, self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let _place = self.waiting.try_acquire().map_err(|_| StoreError::QueueFull)?;
        let permit = self.running.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|_| StoreError::Panicked)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
