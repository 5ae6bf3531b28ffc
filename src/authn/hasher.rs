//! Password hashing on threads of its own: as many as there are cores, at a lower priority than
//! everything else, so that a flood of sign-ins takes what nobody else needs. What waits is bounded,
//! and tenants take turns: one that is flooded does not keep the others' people out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::sync::oneshot;

use crate::authz::Realm;
use crate::crypto::{CryptoError, password};
use crate::kernel::{Runtime, limits};
use crate::store::StoreError;

/// The scheduler gives these threads a tenth of a core that somebody else wants (`nice(2)`).
const NICENESS: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// Whose sign-ins wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Line {
    Of(Realm),
    /// Sign-ins to tenants that there are not.
    Strangers,
}

#[derive(Clone)]
pub struct Hasher {
    runtime: Runtime,
    cost: u32,
    line: Line,
    pool: Arc<Pool>,
}

impl Hasher {
    /// What nobody says otherwise about waits in the platform's line.
    pub fn new(runtime: &Runtime) -> Self {
        Self::start(runtime, NICENESS)
    }

    /// For when nobody is served yet: at full priority.
    pub fn on_all_cores(runtime: &Runtime) -> Self {
        Self::start(runtime, 0)
    }

    /// With another cost of bcrypt, from now on.
    #[must_use]
    pub fn with_cost(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    fn start(runtime: &Runtime, niceness: i32) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let pool = Arc::new(Pool::start(threads, niceness));
        let (runtime, line) = (runtime.clone(), Line::Of(Realm::Platform));
        Self { runtime, cost: limits::BCRYPT_COST, line, pool }
    }

    /// The same threads, in this realm's line.
    #[must_use]
    pub fn of(&self, realm: Realm) -> Self {
        Self { line: Line::Of(realm), ..self.clone() }
    }

    /// The same threads, for sign-ins to tenants that there are not.
    #[must_use]
    pub fn of_strangers(&self) -> Self {
        Self { line: Line::Strangers, ..self.clone() }
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

    /// # Errors
    /// [`StoreError::QueueFull`] when too many wait.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            // Who has gone away needs no hash.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.pool.queue.push(self.line, job)?;
        answered.await.map_err(|_| StoreError::Panicked)
    }
}

struct Pool {
    queue: Arc<Queue>,
}

impl Pool {
    fn start(threads: usize, niceness: i32) -> Self {
        let queue = Arc::new(Queue::default());
        for n in 0..threads {
            let behind = queue.clone();
            let work = move || {
                lower_priority(niceness);
                while let Some(job) = behind.next() {
                    // A panic is one answer that does not come, not a thread less.
                    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                }
            };
            let started = std::thread::Builder::new().name(format!("hasher-{n}")).spawn(work);
            if let Err(error) = started {
                tracing::error!(%error, "no thread for hashing passwords");
            }
        }
        Self { queue }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.ready.notify_all();
    }
}

/// On Linux, the priority of one thread.
fn lower_priority(niceness: i32) {
    if niceness != 0
        && let Err(error) = rustix::process::setpriority_process(None, niceness)
    {
        tracing::warn!(%error, "passwords are hashed at the priority of everything else");
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: HashMap<Line, VecDeque<Job>>,
    /// Lines in which somebody waits, in the order of their turns.
    turns: VecDeque<Line>,
    count: usize,
    closed: bool,
}

impl Queue {
    fn push(&self, line: Line, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        let of_line = waiting.lines.get(&line).map_or(0, VecDeque::len);
        if waiting.count >= limits::SIGN_INS_WAITING || of_line >= limits::SIGN_INS_WAITING_PER_LINE
        {
            return Err(StoreError::QueueFull);
        }
        if of_line == 0 {
            waiting.turns.push_back(line);
        }
        waiting.lines.entry(line).or_default().push_back(job);
        waiting.count += 1;
        drop(waiting);
        self.ready.notify_one();
        Ok(())
    }

    /// The next job, of the line whose turn it is; nothing when the pool ends.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.take() {
                return Some(job);
            }
            waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Job> {
        let line = self.turns.pop_front()?;
        let jobs = self.lines.get_mut(&line)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.lines.remove(&line);
        } else {
            self.turns.push_back(line);
        }
        self.count -= usize::from(job.is_some());
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::TenantId;

    const FLOODED: Line = Line::Of(Realm::Tenant(TenantId::from_bytes([1; 16])));
    const QUIET: Line = Line::Of(Realm::Tenant(TenantId::from_bytes([2; 16])));

    #[test]
    fn a_flooded_tenant_takes_turns_with_the_others() {
        let (queue, order) = (Queue::default(), Arc::new(Mutex::new(Vec::new())));
        let job = |name: &'static str| -> Job {
            let order = order.clone();
            Box::new(move || order.lock().unwrap().push(name))
        };
        for _ in 0..3 {
            queue.push(FLOODED, job("flood")).unwrap();
        }
        queue.push(QUIET, job("quiet")).unwrap();
        for _ in 0..4 {
            queue.next().unwrap()();
        }
        assert_eq!(*order.lock().unwrap(), ["flood", "quiet", "flood", "flood"]);
        assert_eq!(queue.lock().count, 0);
    }

    #[test]
    fn a_full_line_leaves_room_for_others_and_the_whole_is_bounded() {
        let queue = Queue::default();
        let job = || Box::new(|| ()) as Job;
        while queue.push(FLOODED, job()).is_ok() {}
        assert_eq!(queue.lock().count, limits::SIGN_INS_WAITING_PER_LINE);
        assert!(queue.push(QUIET, job()).is_ok());
        for tenant in 3..=255 {
            let line = Line::Of(Realm::Tenant(TenantId::from_bytes([tenant; 16])));
            while queue.push(line, job()).is_ok() {}
        }
        assert_eq!(queue.lock().count, limits::SIGN_INS_WAITING);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_one_answer_less_and_no_thread_less() {
        let hasher = Hasher::new(&Runtime::system());
        for _ in 0..16 {
            let failed: Result<(), _> = hasher.run(|| panic!("a test")).await;
            assert!(matches!(failed, Err(StoreError::Panicked)));
        }
        assert_eq!(hasher.run(|| 7).await.unwrap(), 7);
    }
}
