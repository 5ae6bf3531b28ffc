//! Syslog over TCP and TLS (RFC 5425, RFC 6587).
//!
//! Syslog confirms nothing. An entry counts as delivered when the other side's network stack has
//! acknowledged its last byte and the connection has then stayed whole for a settling time: a
//! receiver that dies with entries unread resets its connections, which is noticed, and what had
//! not settled is sent again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::wire::Connection;
use super::{Batch, Circumstances, SendError, within};
use crate::kernel::{Clock, limits};
use crate::outgoing::host_and_port;
use crate::streams::{SyslogTarget, Transport};

pub struct Syslog {
    connection: Connection,
    clock: Arc<dyn Clock>,
    settle: Duration,
    flight: VecDeque<Mark>,
    heard: usize,
}

/// A batch on its way.
struct Mark {
    last: u64,
    /// What the connection had written with it.
    written: u64,
    /// When the other side had acknowledged that.
    acknowledged: Option<Duration>,
}

impl Syslog {
    pub async fn open(
        target: &SyslogTarget,
        tls: rustls::ClientConfig,
        circumstances: &Circumstances,
    ) -> Result<Self, SendError> {
        let (host, port) = host_and_port(&target.address)
            .ok_or_else(|| SendError::Setup("the address is not host:port".to_owned()))?;
        let name = target.tls.server_name.as_deref().unwrap_or(host);
        let tls = (target.transport == Transport::Tls).then(|| (Arc::new(tls), name));
        let connection = Connection::open(host, port, tls, &circumstances.allowed).await?;
        Ok(Self {
            connection,
            clock: circumstances.clock.clone(),
            settle: circumstances.settle,
            flight: VecDeque::new(),
            heard: 0,
        })
    }

    pub async fn send(&mut self, batch: Batch) -> Result<(), SendError> {
        let write = async {
            let written = self.connection.write(&batch.body).await;
            written.map_err(|error| SendError::Broken(error.to_string()))
        };
        within(limits::STREAM_SEND_TIME, "sending", write).await?;
        let written = self.connection.written();
        self.flight.push_back(Mark { last: batch.last, written, acknowledged: None });
        Ok(())
    }

    pub fn delivered(&mut self) -> Result<Option<u64>, SendError> {
        if self.flight.is_empty() {
            return Ok(None);
        }
        let broken = |error: std::io::Error| SendError::Broken(error.to_string());
        let (now, reached) =
            (self.clock.monotonic(), self.connection.acknowledged().map_err(broken)?);
        for mark in self.flight.iter_mut().take_while(|mark| mark.written <= reached) {
            mark.acknowledged.get_or_insert(now);
        }
        let settle = self.settle;
        let settled = |mark: &mut Mark| {
            mark.acknowledged.is_some_and(|since| now.saturating_sub(since) >= settle)
        };
        let mut last = None;
        while let Some(mark) = self.flight.pop_front_if(settled) {
            last = Some(mark.last);
        }
        Ok(last)
    }

    /// Waits for the end of the connection: a syslog receiver has nothing to say.
    pub async fn broken(&mut self) -> SendError {
        let mut buffer = [0; 1024];
        loop {
            match self.connection.read(&mut buffer).await {
                Ok(0) => return SendError::Closed,
                Ok(count) => self.heard += count,
                Err(error) => return SendError::Broken(error.to_string()),
            }
            if self.heard > limits::STREAM_ANSWER_BYTES {
                return SendError::Talkative;
            }
        }
    }

    pub fn look_again(&self) -> Option<Duration> {
        let often = (self.settle / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
        (!self.flight.is_empty()).then_some(often)
    }

    pub fn describe(&self) -> String {
        let to = self.connection.describe();
        format!("sent to {to}; syslog confirms nothing: look for it there")
    }
}
