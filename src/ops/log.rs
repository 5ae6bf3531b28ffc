//! The operating log on standard error. It holds no personal data and no secrets; who did what is
//! in the audit log.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::config::{Log, LogFormat};

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log.level: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("log.level cannot be changed while this runs: {0}")]
    Fixed(#[from] reload::Error),
    #[error("the log is already set up: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// What lets lines through, once there is a log.
static FILTER: OnceLock<Filter> = OnceLock::new();

/// Sets up the process's log and sends panics to it. Once in a process.
pub fn init(settings: &Log) -> Result<(), LogError> {
    let (subscriber, filter) = subscriber(settings, std::io::stderr)?;
    subscriber.try_init()?;
    let _ = FILTER.set(filter);
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A level or filter that can be read, for a log that there is already.
pub struct Level(EnvFilter);

impl Level {
    /// # Errors
    /// A filter that cannot be read.
    pub fn of(settings: &Log) -> Result<Self, LogError> {
        Ok(Self(filter(settings)?))
    }

    /// Counts from now on.
    ///
    /// # Errors
    /// [`LogError::Fixed`] at the end of the process.
    pub fn set(self) -> Result<(), LogError> {
        match FILTER.get() {
            Some(handle) => Ok(handle.reload(self.0)?),
            None => Ok(()),
        }
    }
}

fn filter(settings: &Log) -> Result<EnvFilter, LogError> {
    Ok(EnvFilter::try_new(own_lines(settings.level.as_str()))?)
}

type Filter = reload::Handle<EnvFilter, Registry>;

fn subscriber<W>(
    settings: &Log,
    writer: W,
) -> Result<(impl tracing::Subscriber + Send + Sync + use<W>, Filter), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match settings.format {
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => layer.with_ansi(false).boxed(),
    };
    let (filter, handle) = reload::Layer::new(filter(settings)?);
    Ok((Registry::default().with(filter).with(layer), handle))
}

/// A bare level means our own lines; of the libraries beneath, warnings and errors are enough, unless
/// the filter names their modules.
fn own_lines(filter: &str) -> String {
    let parts = filter.split(',').map(str::trim).map(|part| match part.parse::<tracing::Level>() {
        Ok(level) => format!("{},strongroom={part}", level.min(tracing::Level::WARN)),
        Err(_) => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// A literal message is the programmer's; a formatted one may hold somebody's data and stays out.
fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload().downcast_ref::<&'static str>().copied();
    let message = message.unwrap_or("(formatted message left out: it may hold data)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    // Names of functions only; captured when RUST_BACKTRACE is set.
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
    tracing::error!(
        target: "strongroom::panic",
        cause = message,
        location,
        thread,
        trace,
        "a panic: this is a defect, please report it"
    );
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(settings: &Log, act: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let (subscriber, _) = subscriber(settings, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn each_event_is_one_json_object_on_one_line() {
        let log = logged(&Log::default(), || {
            tracing::info!(status = 200, "line\nbreak");
            tracing::debug!("below the level");
        });
        assert_eq!(log.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!((&line["message"], &line["status"]), (&"line\nbreak".into(), &200.into()));
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_level_is_for_our_own_lines_and_libraries_only_warn() {
        let log = logged(&Log::default(), || {
            tracing::info!("ours");
            tracing::info!(target: "actix_server::builder", "chatter");
            tracing::warn!(target: "actix_server::builder", "trouble");
        });
        assert!(log.contains("ours") && log.contains("trouble") && !log.contains("chatter"));
        assert_eq!(own_lines("error"), "ERROR,strongroom=error");
        let filter = "info,strongroom::store=debug,actix_server=info";
        assert_eq!(
            own_lines(filter),
            "WARN,strongroom=info,strongroom::store=debug,actix_server=info"
        );
    }

    #[test]
    fn another_level_counts_at_once() {
        let memory = Memory::default();
        let writer = memory.clone();
        let (subscriber, handle) = subscriber(&Log::default(), move || writer.clone()).unwrap();
        let quiet = Log { level: crate::config::LogFilter::warn(), ..Log::default() };
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("before");
            handle.reload(filter(&quiet).unwrap()).unwrap();
            tracing::info!("between");
            handle.reload(filter(&Log::default()).unwrap()).unwrap();
            tracing::info!("after");
        });
        let log = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("before") && log.contains("after") && !log.contains("between"));
    }

    #[test]
    fn text_is_free_of_terminal_codes() {
        let settings = Log { format: LogFormat::Text, ..Log::default() };
        let log = logged(&settings, || tracing::warn!("careful"));
        assert!(log.contains("WARN") && !log.contains('\u{1b}'), "{log}");
    }
}
