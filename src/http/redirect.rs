//! The plain HTTP server: it sends browsers to HTTPS and does nothing else, but that it answers a
//! certificate authority while one looks whose a name is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{Method, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::tls::acme::Challenges;

/// Where an authority looks (RFC 8555, 8.3).
const CHALLENGE: &str = "/.well-known/acme-challenge/";

/// Starts the redirect to `base_url` (`https://host[:port]`, no slash at the end). A port that is
/// taken is no reason not to serve: then a warning is logged and the answer is `None`. The caller
/// polls the server (`actix_web::rt::spawn`) and stops it by its handle.
///
/// Must be called inside the actix runtime.
pub fn start(
    listen: SocketAddr,
    base_url: &str,
    challenges: &Arc<Challenges>,
) -> Option<(Server, SocketAddr)> {
    match bind(listen, base_url.into(), challenges.clone()) {
        Ok(started) => Some(started),
        Err(error) => {
            tracing::warn!(%listen, %error, "no redirect from HTTP to HTTPS: cannot listen; \
                set server.http_redirect_listen to another address or to \"off\"");
            None
        }
    }
}

fn bind(
    listen: SocketAddr,
    base_url: Arc<str>,
    challenges: Arc<Challenges>,
) -> io::Result<(Server, SocketAddr)> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&base_url)))
            .app_data(web::Data::from(Arc::clone(&challenges)))
            .default_service(web::to(redirect))
    })
    .workers(1)
    .max_connections(1_000)
    .keep_alive(None)
    .client_request_timeout(Duration::from_secs(5))
    .shutdown_timeout(1)
    .disable_signals()
    .bind(listen)?;
    let bound = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), bound))
}

/// The host comes from our settings, never from the request: a forged `Host` leads nowhere.
async fn redirect(
    request: HttpRequest,
    base_url: web::Data<str>,
    challenges: web::Data<Challenges>,
) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // What was posted here has already crossed the wire in the clear; a redirect would hide it.
        return HttpResponse::Forbidden()
            .force_close()
            .content_type("text/plain; charset=utf-8")
            .body("Use HTTPS. Replace any key or password that this request held.\n");
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    if let Some(text) = path.strip_prefix(CHALLENGE).and_then(|token| challenges.text(token)) {
        return HttpResponse::Ok().content_type("application/octet-stream").body(text);
    }
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, format!("{}{path}", &**base_url)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn location(method: Method, path: &str) -> (u16, Option<String>) {
        let (server, address) =
            start("127.0.0.1:0".parse().unwrap(), "https://vault.example", &Arc::default())
                .unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let request = format!("{method} {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        let answer = raw(address, &request).await;
        handle.stop(false).await;
        let status = answer[9..12].parse().unwrap();
        let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
        (status, location.map(str::to_owned))
    }

    async fn raw(address: SocketAddr, request: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[actix_web::test]
    async fn a_browser_is_sent_to_the_configured_host_whatever_host_it_names() {
        for path in ["/t/acme/login?x=1", "http://evil.example/t/acme/login?x=1"] {
            let expected = "https://vault.example/t/acme/login?x=1".to_owned();
            assert_eq!(location(Method::GET, path).await, (308, Some(expected)));
        }
        let (status, to) = location(Method::HEAD, "//evil.example/").await;
        assert_eq!((status, to.as_deref()), (308, Some("https://vault.example//evil.example/")));
    }

    #[actix_web::test]
    async fn what_is_posted_in_the_clear_is_refused_not_redirected() {
        assert_eq!(location(Method::POST, "/api/v1/x").await, (403, None));
    }

    #[actix_web::test]
    async fn a_taken_port_is_a_warning() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        assert!(start(listen, "https://vault.example", &Arc::default()).is_none());
    }
}
