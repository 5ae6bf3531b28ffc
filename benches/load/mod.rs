//! A load tool as thin as it can be: prepared bytes over kept TLS connections, a thread for each,
//! so that what is measured is the server.

#![allow(dead_code, unused_imports, reason = "each benchmark uses its part")]

mod connection;
mod server;

use std::time::{Duration, Instant};

pub use connection::Connection;
pub use server::{PASSWORD, Server};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A request as it goes over the wire.
pub struct Request(Vec<u8>);

impl Request {
    pub fn get(server: &Server, path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.host).into_bytes())
    }

    pub fn get_as(server: &Server, token: &str, path: &str) -> Self {
        let (host, bearer) = (&server.host, format!("Authorization: Bearer {token}"));
        Self(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}\r\n\r\n").into_bytes())
    }

    pub fn post(server: &Server, token: &str, path: &str, body: &str) -> Self {
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json");
        Self::with_headers(server, path, &headers, body)
    }

    /// A form, with the cookies that belong to it.
    pub fn form(server: &Server, path: &str, cookies: &str, body: &str) -> Self {
        let form = "Content-Type: application/x-www-form-urlencoded";
        Self::with_headers(server, path, &format!("{form}\r\nCookie: {cookies}"), body)
    }

    fn with_headers(server: &Server, path: &str, headers: &str, body: &str) -> Self {
        let (host, length) = (&server.host, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\nContent-Length: {length}\r\n\r\n"
        );
        Self((head + body).into_bytes())
    }
}

/// Open connections, taken up again for each measurement.
pub struct Load {
    connections: Vec<std::sync::Mutex<Connection>>,
}

impl Load {
    pub fn connect(server: &Server, count: usize) -> Result<Self, Failure> {
        let connect = |_| Connection::open(server).map(std::sync::Mutex::new);
        Ok(Self { connections: (0..count).map(connect).collect::<Result<_, _>>()? })
    }

    /// Requests a second with one request on its way on every connection. Each must be answered
    /// with `status`.
    pub fn rate(&self, request: &Request, status: u16, time: Duration) -> Result<f64, Failure> {
        let start = Instant::now();
        let one = |connection: &std::sync::Mutex<Connection>| -> Result<usize, Failure> {
            let mut connection = connection.lock().map_err(|_| "a connection failed before")?;
            let mut done = 0;
            while start.elapsed() < time {
                let answer = connection.ask(request)?;
                if answer.status != status {
                    let body = String::from_utf8_lossy(&answer.body);
                    return Err(format!("{} instead of {status}: {body}", answer.status).into());
                }
                done += 1;
            }
            Ok(done)
        };
        let done = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .connections
                .iter()
                .map(|connection| scope.spawn(move || one(connection)))
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err("a connection's thread died".into()))
            };
            threads.into_iter().map(join).sum::<Result<usize, Failure>>()
        })?;
        Ok(done as f64 / start.elapsed().as_secs_f64())
    }
}

/// Sign-ins a second of so many people at once, each with its own form.
pub fn sign_ins(server: &Server, people: usize, time: Duration) -> Result<f64, Failure> {
    let start = Instant::now();
    let one = || -> Result<usize, Failure> {
        let mut connection = Connection::open(server)?;
        let mut done = 0;
        while start.elapsed() < time {
            server::sign_in(server, &mut connection)?;
            done += 1;
        }
        Ok(done)
    };
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..people).map(|_| scope.spawn(one)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("a person's thread died".into()))
        };
        threads.into_iter().map(join).sum::<Result<usize, Failure>>()
    })?;
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
