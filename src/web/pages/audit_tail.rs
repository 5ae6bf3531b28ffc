//! The live view of a log: a WebSocket over which new entries come as rows.

use std::time::Duration;

use actix_ws::CloseCode;
use askama::Template as _;
use serde::{Deserialize, Serialize};

use super::audit_rows;
use crate::app::App;
use crate::audit::catalogue;
use crate::authz::permission::{AuditRead, PlatformAuditRead};
use crate::authz::{Grant, Permission, Realm};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::http::socket::{Lost, Socket};
use crate::kernel::{ErrorKind, limits};
use crate::tenants::Turn;
use crate::trail::{News, Tail, TrailError};
use crate::web::messages::Messages;
use crate::web::view::audit_rows::AuditRows;
use crate::web::view::chrome::{Chrome, Scope};
use crate::web::view::state::TenantState;

/// How often it is looked whether the log has grown.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked whether the person may still see it, when nothing comes.
const CHECK: Duration = Duration::from_secs(3);
/// Many changes in a row are looked at together.
const SETTLE: Duration = Duration::from_millis(20);
/// How often a silent client is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);

pub fn routes() -> Vec<Route> {
    let events = Audit::Events(&[catalogue::AUDIT_TAILED]);
    let routes = [
        Route::console(Method::Get, "/t/{tenant}/admin/audit/tail", events, tenant)
            .says("Watch entries arrive in a tenant's audit log (WebSocket)"),
        Route::platform(Method::Get, "/platform/audit/tail", events, platform)
            .says("Watch entries arrive in the platform's audit log (WebSocket)"),
    ];
    routes.into_iter().map(|route| route.rate(RateClass::Tail).upgrades()).collect()
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Asked {
    q: String,
    /// The newest entry that the page shows.
    after: Option<u64>,
}

/// What one message holds.
#[derive(Serialize)]
struct Message {
    /// Table rows, newest first.
    rows: String,
    /// More came than is sent.
    more: bool,
}

async fn tenant(call: Call<AuditRead>) -> Answer {
    let tenant = &call.tenant;
    let scope = Scope::Tenant {
        slug: tenant.slug.to_string(),
        name: tenant.name.clone(),
        state: TenantState::from_code(tenant.state.name()).unwrap_or(TenantState::Active),
    };
    let view = View::open(&call.app, &call.input, &call.grant, scope).await?;
    view.start(async move || call.still_stands().await)
}

async fn platform(call: PlatformCall<PlatformAuditRead>) -> Answer {
    let view = View::open(&call.app, &call.input, &call.grant, Scope::Platform).await?;
    view.start(async move || call.still_stands().await)
}

/// A live view that somebody has opened.
struct View<P> {
    app: std::sync::Arc<App>,
    grant: Grant<P>,
    tail: Tail,
    answer: actix_web::HttpResponse,
    socket: Socket,
    chrome: Chrome,
    room: Turn,
}

/// Why a live view ends, as the log says it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Time,
    Rights,
    Stopping,
    Failed,
    Lost(Lost),
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Rights => "rights",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
            Self::Lost(Lost::Gone) => "closed",
            Self::Lost(Lost::Slow) => "slow",
            Self::Lost(Lost::Noisy) => "protocol",
        }
    }

    const fn code(self) -> CloseCode {
        match self {
            Self::Time | Self::Lost(Lost::Gone | Lost::Slow) => CloseCode::Normal,
            Self::Rights | Self::Lost(Lost::Noisy) => CloseCode::Policy,
            Self::Stopping => CloseCode::Away,
            Self::Failed => CloseCode::Error,
        }
    }
}

impl<P: Permission> View<P> {
    async fn open(
        app: &std::sync::Arc<App>,
        input: &Input,
        grant: &Grant<P>,
        scope: Scope,
    ) -> Result<Self, Failure> {
        let asked: Asked = input.query()?;
        let (answer, socket) = Socket::accept(input)?;
        let room = app.tails.try_take(grant.realm()).ok_or_else(|| {
            let detail = "too many live views are open: try again shortly";
            Failure::new(ErrorKind::Unavailable, "busy", detail)
        })?;
        let q = asked.q.trim().to_owned();
        let tail = Tail::open(&app.tenants, grant, q, asked.after).await?;
        let (app, grant) = (app.clone(), grant.clone());
        let chrome = Chrome { scope, ..Chrome::public(Messages::english(), "nav-audit") };
        Ok(Self { app, grant, tail, answer, socket, chrome, room })
    }

    /// Answers, and goes on by itself. `stands` says whether the person may still see it.
    fn start(self, stands: impl AsyncFn() -> bool + 'static) -> Answer
    where
        P: 'static,
    {
        let Self { app, grant, mut tail, answer, mut socket, chrome, room } = self;
        actix_web::rt::spawn(async move {
            let end = tokio::select! {
                end = watch(&app, &grant, &mut tail, &mut socket, &chrome, &stands) => end,
                () = fallen(&app, grant.realm(), &stands) => End::Rights,
            };
            // Before the client hears of it: a server that stops waits for connections alone.
            let recorded = tail.close(&app.tenants, &grant, end.word()).await;
            if let Err(error) = recorded {
                tracing::warn!(%error, "the end of a live view could not be recorded");
            }
            socket.close(end.code(), end.word()).await;
            drop(room);
        });
        Ok(answer)
    }
}

/// Waits until the person may not see it any more: at once when a credential has changed or the
/// tenant's state, and now and then, for sessions that time ends.
async fn fallen(app: &App, realm: Realm, stands: impl AsyncFn() -> bool) {
    let mut changes = app.tenants.watch_standing(realm);
    while stands().await {
        let _ = tokio::time::timeout(CHECK, changes.changed()).await; // looks either way
        tokio::time::sleep(SETTLE).await;
    }
}

/// Sends what comes, until there is a reason to stop.
async fn watch<P: Permission>(
    app: &App,
    grant: &Grant<P>,
    tail: &mut Tail,
    socket: &mut Socket,
    chrome: &Chrome,
    stands: impl AsyncFn() -> bool,
) -> End {
    let clock = app.runtime.clock.as_ref();
    let begun = clock.monotonic();
    let mut heard = begun;
    loop {
        let now = clock.monotonic();
        if now.saturating_sub(begun) >= limits::TAIL_TIME {
            return End::Time;
        }
        if *app.stopping.borrow() {
            return End::Stopping;
        }
        let grown = match tail.has_news(&app.tenants, grant).await {
            Ok(grown) => grown,
            Err(error) => return failed(&error),
        };
        // Before each send, whatever else looks: rights that are gone show nothing more.
        if grown && !stands().await {
            return End::Rights;
        }
        let sent = match grown {
            true => send(app, grant, tail, socket, chrome).await,
            false => Ok(false),
        };
        let asked = match sent {
            Ok(true) => Ok(true),
            Ok(false) if now.saturating_sub(heard) >= PING => socket.ping().await.map(|()| true),
            Ok(false) => Ok(false),
            Err(end) => return end,
        };
        heard = if asked == Ok(true) { now } else { heard };
        let rested = match asked {
            Ok(_) => socket.rest(LOOK).await,
            Err(lost) => Err(lost),
        };
        if let Err(lost) = rested {
            return End::Lost(lost);
        }
    }
}

/// Sends what is new, if anything of it matches; says whether the client was heard.
async fn send<P: Permission>(
    app: &App,
    grant: &Grant<P>,
    tail: &mut Tail,
    socket: &mut Socket,
    chrome: &Chrome,
) -> Result<bool, End> {
    let news = tail.news(&app.tenants, grant).await.map_err(|error| failed(&error))?;
    if news.items.is_empty() {
        return Ok(false);
    }
    let message = message(chrome, &news).map_err(|error| {
        tracing::error!(%error, "rows of a live view could not be made");
        End::Failed
    })?;
    tail.sent(&news);
    socket.send(message).await.map_err(End::Lost)?;
    Ok(true)
}

fn message(chrome: &Chrome, news: &News) -> Result<String, Box<dyn std::error::Error>> {
    let rows = news.items.iter().map(audit_rows::row).collect();
    let rows = AuditRows { chrome: chrome.clone(), rows }.render()?;
    Ok(serde_json::to_string(&Message { rows, more: news.more })?)
}

fn failed(error: &TrailError) -> End {
    tracing::warn!(%error, "a live view ended");
    End::Failed
}
