//! WebSockets (RFC 6455): connections on which the server goes on to speak after its answer.
//!
//! What is under way to a client is bounded by waiting for it: every message is followed by a ping,
//! and the next one goes out when that has been answered. A client is only listened to; what it
//! says beyond that ends the connection.

use actix_web::HttpResponse;
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};

use super::csrf;
use super::failure::Failure;
use super::input::Input;
use crate::kernel::{ErrorKind, limits};
use std::time::Duration;

/// Largest frame that a client may send: control frames have no more (RFC 6455, 5.5).
const FRAME_BYTES: usize = 125;
/// Pings, and answers to none, that are put up with.
const NOISE: u32 = 100;

pub struct Socket {
    session: Session,
    messages: MessageStream,
    pings: u32,
    noise: u32,
}

/// Why a connection is over, other than because we ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error("the client has gone")]
    Gone,
    #[error("the client did not take what was sent in time")]
    Slow,
    #[error("the client sent what it may not")]
    Noisy,
}

impl Socket {
    /// Takes a request's connection over. Nothing is sent before the answer is.
    ///
    /// # Errors
    /// A request that is no handshake, or that a page of somebody else's sent: browsers send the
    /// session's cookie with those too, and let them read what comes back.
    pub fn accept(input: &Input) -> Result<(HttpResponse, Self), Failure> {
        if !csrf::is_same_origin(input) {
            let detail = "this connection was asked for from elsewhere: open it in the console";
            return Err(Failure::new(ErrorKind::Denied, "other-origin", detail));
        }
        let stream = input.stream.take().ok_or_else(no_handshake)?;
        let (response, session, messages) =
            actix_ws::handle(&input.request, stream).map_err(|_| no_handshake())?;
        let messages = messages.max_frame_size(FRAME_BYTES);
        Ok((response, Self { session, messages, pings: 0, noise: 0 }))
    }

    /// Sends a message; done when the client has it.
    pub async fn send(&mut self, text: String) -> Result<(), Lost> {
        let sent = tokio::time::timeout(limits::SOCKET_WAIT, self.session.text(text)).await;
        sent.map_err(|_| Lost::Slow)?.map_err(|_| Lost::Gone)?;
        self.ping().await
    }

    /// Asks whether the client is still there.
    pub async fn ping(&mut self) -> Result<(), Lost> {
        self.pings = self.pings.wrapping_add(1);
        let expected = self.pings.to_be_bytes();
        let answered = async {
            self.session.ping(&expected).await.map_err(|_| Lost::Gone)?;
            while self.hear().await?.as_deref() != Some(&expected[..]) {}
            Ok(())
        };
        tokio::time::timeout(limits::SOCKET_WAIT, answered).await.unwrap_or(Err(Lost::Slow))
    }

    /// Waits, listening.
    pub async fn rest(&mut self, time: Duration) -> Result<(), Lost> {
        let listen = async {
            loop {
                self.hear().await?;
            }
        };
        tokio::time::timeout(time, listen).await.unwrap_or(Ok(()))
    }

    /// Ends the connection and says why.
    pub async fn close(self, code: CloseCode, why: &str) {
        let reason = CloseReason { code, description: Some(why.to_owned()) };
        let _ = self.session.close(Some(reason)).await; // the client may have gone by itself
    }

    /// Waits for one message; answers with what a pong holds.
    async fn hear(&mut self) -> Result<Option<Vec<u8>>, Lost> {
        let message = self.messages.recv().await.ok_or(Lost::Gone)?.map_err(|_| Lost::Noisy)?;
        let pong = match message {
            Message::Pong(bytes) if bytes[..] == self.pings.to_be_bytes() => {
                return Ok(Some(bytes.to_vec()));
            }
            Message::Ping(bytes) => Some(bytes),
            Message::Pong(_) | Message::Nop => None,
            Message::Close(_) => return Err(Lost::Gone),
            Message::Text(_) | Message::Binary(_) | Message::Continuation(_) => {
                return Err(Lost::Noisy);
            }
        };
        self.noise += 1;
        if self.noise > NOISE {
            return Err(Lost::Noisy);
        }
        if let Some(bytes) = pong {
            self.session.pong(&bytes).await.map_err(|_| Lost::Gone)?;
        }
        Ok(None)
    }
}

fn no_handshake() -> Failure {
    let detail = "this address speaks WebSocket alone: open it with a WebSocket client";
    Failure::new(ErrorKind::Invalid, "malformed", detail)
}
