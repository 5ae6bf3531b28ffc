//! How long requests took.

use std::time::Duration;

use askama::Template;

use super::Chrome;
use super::platform::duration;
use crate::kernel::Timestamp;
use crate::ops::performance::{Figures, Line, Span};

/// Routes that are seen without unfolding.
const SHOWN: usize = 15;

/// `GET /platform/performance`
#[derive(Template)]
#[template(path = "platform/performance.html")]
pub struct PerformancePage {
    pub chrome: Chrome,
    pub span: Span,
    pub since: Timestamp,
    pub all: Figures,
    /// The slowest first.
    pub lines: Vec<Line>,
}

impl PerformancePage {
    pub fn lead(&self) -> String {
        let args = [("since", self.since.display().into())];
        self.chrome.messages.with("performance-lead", &args).into_owned()
    }

    /// What is looked for.
    pub fn slowest(&self) -> &[Line] {
        &self.lines[..SHOWN.min(self.lines.len())]
    }

    /// The rest, folded.
    pub fn others(&self) -> &[Line] {
        &self.lines[SHOWN.min(self.lines.len())..]
    }

    pub fn is_day(&self) -> bool {
        self.span == Span::Day
    }

    pub fn took(&self, time: &Duration) -> String {
        duration(*time)
    }

    /// A number of requests, and its share where there is one.
    pub fn share(&self, part: &u64, figures: &Figures) -> String {
        match (*part, figures.requests) {
            (0, _) | (_, 0) => "0".to_owned(),
            (part, all) => format!("{part} ({:.1} %)", part as f64 * 100.0 / all as f64),
        }
    }
}
