//! What an entry looks like on its way out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::export::{self, Source};
use crate::audit::view::EntryView;
use crate::kernel::id::LogId;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The API's shape, with `logId` and `tenant` before it.
    #[default]
    Json,
    /// ArcSight Common Event Format.
    Cef,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Json, Self::Cef, Self::Ocsf];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// An entry with the log that it is from: together with `seq` that tells repeated ones.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Native<'a> {
    log_id: LogId,
    tenant: &'a str,
    #[serde(flatten)]
    entry: &'a EntryView,
}

/// Writes entries of one log in one format.
pub struct Writer {
    format: Format,
    source: Source,
    encoder: export::Encoder,
}

impl Writer {
    pub fn new(format: Format, source: Source) -> Self {
        let lines = match format {
            Format::Json => export::Format::Jsonl,
            Format::Cef => export::Format::Cef,
            Format::Ocsf => export::Format::Ocsf,
        };
        Self { format, encoder: export::Encoder::new(lines, source.clone()), source }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Short name of the tenant, or `platform`.
    pub fn tenant(&self) -> &str {
        self.source.tenant.as_ref().map_or("platform", |tenant| &tenant.slug)
    }

    /// Whether the text is JSON by itself.
    pub fn is_json(&self) -> bool {
        self.format != Format::Cef
    }

    /// One entry as one line, without its end.
    pub fn line(&self, entry: &EntryView) -> String {
        if self.format == Format::Json {
            let native = Native { log_id: self.source.log, tenant: self.tenant(), entry };
            // Entries are plain data: they cannot fail to be written as JSON.
            return serde_json::to_string(&native).unwrap_or_default();
        }
        let mut line = Vec::new();
        self.encoder.entry(entry, &mut line);
        let text = String::from_utf8_lossy(&line);
        text.trim_end_matches('\n').to_owned()
    }
}
