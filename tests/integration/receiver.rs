//! An HTTP receiver of audit entries that can be told to misbehave, and to die.
#![allow(dead_code, reason = "unit and integration tests share it, and neither uses all of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    Take,
    Refuse(u16),
    /// Refuses bodies of more bytes.
    AtMost(usize),
    /// Reads, and never answers.
    Hang,
    /// Answers 200 and goes on talking for ever.
    Babble,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct Seen {
    manner: Option<Manner>,
    taken: Vec<Request>,
}

/// Dead when dropped: listener and connections go at once.
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    tasks: JoinSet<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::default()).await
    }

    /// Another one in its place that knows what the first has taken.
    pub async fn again(mut self) -> Self {
        let (address, seen) = (self.address, self.seen.clone());
        self.tasks.shutdown().await;
        Self::at(address, seen).await
    }

    async fn at(address: SocketAddr, seen: Arc<Mutex<Seen>>) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, seen.clone()));
        Self { address, seen, tasks }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    pub fn behave(&self, manner: Manner) {
        self.seen.lock().unwrap().manner = Some(manner);
    }

    /// What it has taken so far.
    pub fn taken(&self) -> Vec<Request> {
        self.seen.lock().unwrap().taken.clone()
    }

    /// Numbers of the entries taken, in their order of arrival.
    pub fn seqs(&self) -> Vec<u64> {
        let taken = self.taken();
        let values = taken.iter().flat_map(|request| {
            let stream = serde_json::Deserializer::from_str(&request.body).into_iter::<Value>();
            stream.map(Result::unwrap).collect::<Vec<_>>()
        });
        let items = values.flat_map(|value| match value {
            Value::Array(items) => items,
            other => vec![other],
        });
        let seq =
            |item: Value| item["seq"].as_u64().or_else(|| item["event"]["seq"].as_u64()).unwrap();
        items.map(seq).collect()
    }

    /// Waits until every entry from 1 to `last` was taken, the test message apart.
    pub async fn has_all(&self, last: u64) {
        for _ in 0..1200 {
            let mut seqs = self.seqs();
            seqs.sort_unstable();
            seqs.dedup();
            seqs.retain(|seq| (1..=last).contains(seq));
            if seqs.len() as u64 == last {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not everything up to {last} arrived: {:?}", self.seqs().len());
    }
}

async fn listen(listener: TcpListener, seen: Arc<Mutex<Seen>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.spawn(serve(stream, seen.clone()));
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let manner = seen.lock().unwrap().manner.unwrap_or(Manner::Take);
        let answer = match manner {
            Manner::Hang => std::future::pending().await,
            Manner::Refuse(status) => format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"),
            Manner::Babble => return babble(&mut stream).await,
            Manner::AtMost(most) if request.body.len() > most => {
                "HTTP/1.1 413 Large\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            Manner::Take | Manner::AtMost(_) => {
                seen.lock().unwrap().taken.push(request);
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned()
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn babble(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some(request) = complete(buffer) {
            return Some(request);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Takes one whole request out of the buffer.
fn complete(buffer: &mut Vec<u8>) -> Option<Request> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?;
    let length: usize = length.parse().ok()?;
    (buffer.len() >= end + length).then(|| {
        let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
        let body = String::from_utf8(buffer[end..end + length].to_vec()).unwrap();
        buffer.drain(..end + length);
        Request { head, body }
    })
}
