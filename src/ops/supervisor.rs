//! What systemd is told (`Type=notify`, `WatchdogSec=`). Without systemd nothing is.

use std::future::Future;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::authz::Realm;
use crate::tenants::{SystemWrite, Tenants};

/// Requests are answered.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Settings are being read again; [`ready`] says when that is done.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd could not be told of the reload"),
    }
}

/// Requests under way are finished, others refused.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Finishing requests under way")]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told: it may think that this server hangs");
    }
}

/// Tells systemd that this process is alive, three times in the time that it allows, until it ends.
/// Each time the writer of the platform's file has answered before: a process in which it, the disk
/// or this event loop hangs is killed and started again. An answer that is a failure will do, a full
/// disk is mended by no restart.
pub fn watch(tenants: &Tenants) {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return };
    let tenants = tenants.clone();
    let probe = move || {
        let tenants = tenants.clone();
        async move {
            let write = tenants.system_write(Realm::Platform, SystemWrite::Liveness, |_| Ok(()));
            let _ = write.await;
        }
    };
    actix_web::rt::spawn(beat(allowed / 3, probe, || tell(&[NotifyState::Watchdog])));
}

async fn beat<F: Future<Output = ()>>(
    period: Duration,
    probe: impl Fn() -> F,
    mut alive: impl FnMut(),
) {
    loop {
        probe().await;
        alive();
        tokio::time::sleep(period).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn a_process_is_alive_as_long_as_its_writer_answers() {
        let (asked, told) = (Cell::new(0), Cell::new(0));
        // The third time, there is no answer.
        let probe = || async {
            asked.set(asked.get() + 1);
            if asked.get() == 3 {
                std::future::pending::<()>().await;
            }
        };
        let beating = beat(SOON, probe, || told.set(told.get() + 1));
        let _ = tokio::time::timeout(Duration::from_millis(500), beating).await;
        assert_eq!((asked.get(), told.get()), (3, 2));
    }
}
