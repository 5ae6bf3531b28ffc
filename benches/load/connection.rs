//! One kept HTTPS connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

use super::{Failure, Request, Server};

pub struct Connection {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

pub struct Answer {
    pub status: u16,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn open(server: &Server) -> Result<Self, Failure> {
        let tcp = TcpStream::connect(&server.host)?;
        tcp.set_nodelay(true)?;
        let name = rustls::pki_types::ServerName::try_from("localhost")?;
        let tls = ClientConnection::new(server.tls.clone(), name)?;
        Ok(Self { stream: BufReader::with_capacity(16 * 1024, StreamOwned::new(tls, tcp)) })
    }

    /// Sends a request and reads its answer to the end.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        self.stream.get_mut().write_all(&request.0)?;
        self.stream.get_mut().flush()?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).ok_or("the connection was closed")?.parse()?;
        let (mut length, mut cookies) = (None, Vec::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("set-cookie") {
                cookies.push(value.split(';').next().unwrap_or_default().trim().to_owned());
            }
        }
        let body = match length {
            Some(length) => self.exactly(length)?,
            None if status == 204 || status == 304 => Vec::new(),
            None => self.chunks()?,
        };
        Ok(Answer { status, cookies, body })
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// `Transfer-Encoding: chunked`, RFC 9112 section 7.1.
    fn chunks(&mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
