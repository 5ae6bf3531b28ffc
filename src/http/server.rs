//! Starting and stopping the HTTPS server.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Server;
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Payload};
use actix_web::{HttpRequest, HttpServer, Resource, guard};

use super::failure::Failure;
use super::route::{Method, Route};
use super::tls::acme::ALPN;
use super::{shell, table};
use crate::app::App;
use crate::kernel::ErrorKind;

/// Requests' headers have to be there after this long.
const HEADER_TIME: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Binds the address: the port is ours before anything is printed.
pub fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

pub fn start(
    app: &Arc<App>,
    listener: TcpListener,
    tls: rustls::ServerConfig,
) -> std::io::Result<Server> {
    let settings = &app.settings.server;
    let shared = app.clone();
    let workers = settings.worker_count();
    let connections = app.settings.limits.connections as usize;
    let server = HttpServer::new(move || {
        let app = shared.clone();
        let fallback = shared.clone();
        actix_web::App::new().configure(move |config| add_routes(config, &app)).default_service(
            web::to(move |request: HttpRequest| {
                shell::nothing(fallback.clone(), request, Failure::not_found())
            }),
        )
    });
    let server = server
        .workers(workers)
        .max_connections(connections.div_ceil(workers))
        .client_request_timeout(HEADER_TIME)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown_seconds.into())
        .disable_signals()
        .on_connect(|connection, _| end_challenge(connection))
        .listen_rustls_0_23(listener, tls)?;
    Ok(server.run())
}

/// A certificate authority that looked whose a name is has seen it in the handshake: nothing is said
/// on such a connection (RFC 8737, 3).
fn end_challenge(connection: &dyn Any) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (socket, tls) = stream.get_ref();
    if tls.alpn_protocol() == Some(ALPN) {
        let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
    }
}

/// Routes with the same path are one resource, so that a wrong method can say so.
fn add_routes(config: &mut web::ServiceConfig, app: &Arc<App>) {
    let routes = table::routes();
    let mut done: Vec<&str> = Vec::new();
    for route in routes {
        if done.contains(&route.path) {
            continue;
        }
        done.push(route.path);
        let resource = routes
            .iter()
            .filter(|other| other.path == route.path)
            .fold(web::resource(route.path), |resource, route| add_route(resource, route, app));
        let (app, path) = (app.clone(), route.path);
        config.service(resource.default_service(web::to(move |request: HttpRequest| {
            let detail = "this address does not take that method";
            let failure = Failure::new(ErrorKind::Invalid, "method-not-allowed", detail);
            shell::other_method(app.clone(), path, request, failure)
        })));
    }
}

fn add_route(resource: Resource, route: &'static Route, app: &Arc<App>) -> Resource {
    let app = app.clone();
    let handler = move |request: HttpRequest, payload: Payload| {
        shell::serve(app.clone(), route, request, payload)
    };
    let method = match route.method {
        Method::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        Method::Post => web::post(),
        Method::Put => web::put(),
        Method::Patch => web::patch(),
        Method::Delete => web::delete(),
    };
    resource.route(method.to(handler))
}
