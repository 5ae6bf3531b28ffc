//! What every room may use and what uses no room: ids, clock, randomness, limits, error kinds.

mod address;
pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod random;

use std::sync::Arc;

pub use address::{Network, network};
pub use clock::{Clock, Timestamp};
pub use error::{ErrorKind, Fault};
pub use random::Random;

/// Time and randomness, injected once at the top so that tests can set the clock.
#[derive(Clone)]
pub struct Runtime {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl Runtime {
    /// The operating system's clock and random generator.
    pub fn system() -> Self {
        Self { clock: Arc::new(clock::SystemClock), random: Arc::new(random::SystemRandom) }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new typed id; ids sort by the time of their making.
    pub fn id<T: id::Id>(&self) -> T {
        let mut tail = [0; 10];
        self.random.fill(&mut tail);
        let millis = u64::try_from(self.now().as_micros() / 1000).unwrap_or(0);
        T::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}
