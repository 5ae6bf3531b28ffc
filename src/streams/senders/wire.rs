//! A TCP connection, with or without TLS, that counts what was written to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{SendError, outq, within};
use crate::kernel::limits;
use crate::outgoing::Allowed;

/// A peer that is gone without a word is noticed after about this long.
const DEAD_PEER: Duration = Duration::from_secs(60);

pub struct Wire {
    tcp: TcpStream,
    written: u64,
}

pub enum Connection {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

impl Connection {
    /// Connects to the first address of the host that answers.
    pub async fn open(
        host: &str,
        port: u16,
        tls: Option<(Arc<rustls::ClientConfig>, &str)>,
        allowed: &Allowed,
    ) -> Result<Self, SendError> {
        let time = limits::STREAM_CONNECT_TIME;
        let lookup = async { Ok(allowed.resolve(host, port).await?) };
        let addresses = within(time, "looking up the name", lookup).await?;
        let wire = within(time, "connecting", connect(&addresses, host, port)).await?;
        let Some((config, name)) = tls else { return Ok(Self::Plain(wire)) };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| SendError::Setup("the server's name is no host name".to_owned()))?;
        let handshake = async {
            let shaken = TlsConnector::from(config).connect(name, wire).await;
            shaken.map_err(|error| SendError::Tls(error.to_string()))
        };
        Ok(Self::Tls(Box::new(within(time, "the TLS handshake", handshake).await?)))
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(wire) => {
                wire.write_all(bytes).await?;
                wire.flush().await
            }
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
        }
    }

    /// Bytes that went into the connection, TLS included.
    pub fn written(&self) -> u64 {
        self.wire().written
    }

    /// Of those, what the other side has acknowledged.
    pub fn acknowledged(&self) -> io::Result<u64> {
        let wire = self.wire();
        Ok(wire.written.saturating_sub(outq::unacknowledged(&wire.tcp)?))
    }

    /// `192.0.2.7:6514 with TLS 1.3`
    pub fn describe(&self) -> String {
        let peer = self.wire().tcp.peer_addr();
        let peer = peer.map_or_else(|_| "the receiver".to_owned(), |peer| peer.to_string());
        match self {
            Self::Plain(_) => format!("{peer} without encryption"),
            Self::Tls(stream) => match stream.get_ref().1.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => format!("{peer} with TLS 1.3"),
                _ => format!("{peer} with TLS 1.2"),
            },
        }
    }

    fn wire(&self) -> &Wire {
        match self {
            Self::Plain(wire) => wire,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

async fn connect(
    addresses: &[std::net::SocketAddr],
    host: &str,
    port: u16,
) -> Result<Wire, SendError> {
    let connected = TcpStream::connect(addresses).await;
    let tcp = connected.map_err(|error| SendError::Connect {
        to: format!("{host}:{port}"),
        why: error.to_string(),
    })?;
    watch_over(&tcp).map_err(|error| SendError::Broken(error.to_string()))?;
    Ok(Wire { tcp, written: 0 })
}

/// Without these a connection to a machine that lost its power seems whole for hours.
fn watch_over(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, DEAD_PEER / 2)?;
    sockopt::set_tcp_keepintvl(tcp, DEAD_PEER / 6)?;
    sockopt::set_tcp_keepcnt(tcp, 3)?;
    let millis = u32::try_from(DEAD_PEER.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(tcp, millis)?)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.tcp).poll_write(context, bytes))?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
