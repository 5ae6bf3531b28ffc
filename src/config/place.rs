//! Where clients find this server, and with how many threads it answers.

use std::net::SocketAddr;

use super::table::Server;

impl Server {
    /// What links begin with: `server.external_url`, else an address made from `bound`, the one
    /// that the HTTPS server really has. Never `0.0.0.0`, which no browser can open.
    pub fn base_url(&self, bound: SocketAddr) -> String {
        if let Some(url) = &self.external_url {
            return url.to_string();
        }
        let host = match bound {
            _ if bound.ip().is_unspecified() => host_name().unwrap_or_else(|| "localhost".into()),
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        match bound.port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// `server.workers`, else one for each processor core.
    pub fn worker_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.and_then(|workers| usize::try_from(workers).ok()).unwrap_or_else(cores)
    }
}

/// This machine's host name, when it is one that DNS could hold. The kernel says it; a service does
/// not see `/proc/sys`.
pub fn host_name() -> Option<String> {
    let about = rustix::system::uname();
    let name = about.nodename().to_str().ok()?;
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (name.len() <= 253 && name.split('.').all(fits)).then(|| name.to_ascii_lowercase())
}
