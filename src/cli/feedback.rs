//! What a command says before it ends: how far it has come, and what it exports.

use std::io::Write;

use anyhow::{Context as _, anyhow};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::output::{Report, causes};

/// One line of an answer. The last one is a report or a failure.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Progress(String),
    /// A piece of what goes into `--out`, in Base64.
    Data(String),
    Report(Report),
    Failed(String),
}

/// Lines on their way: a reader that is slow slows down the command, not the memory.
const LINES: usize = 16;

/// The command's end.
#[derive(Clone)]
pub struct Feedback(Sender<Answer>);

pub fn channel() -> (Feedback, Receiver<Answer>) {
    let (sender, receiver) = mpsc::channel(LINES);
    (Feedback(sender), receiver)
}

impl Feedback {
    /// For a command whose answer is used on the spot.
    pub fn nobody() -> Self {
        channel().0
    }

    /// Says how far it has come; left out when nobody reads.
    pub fn progress(&self, text: impl Into<String>) {
        let _ = self.0.try_send(Answer::Progress(text.into()));
    }

    /// # Errors
    /// Whoever wanted the data has gone away.
    pub async fn data(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let line = Answer::Data(BASE64.encode(bytes));
        self.0.send(line).await.map_err(|_| anyhow!("nobody takes the data any more"))
    }

    pub async fn end(&self, result: anyhow::Result<Report>) {
        let _ = self
            .0
            .send(match result {
                Ok(report) => Answer::Report(report),
                Err(error) => Answer::Failed(causes(&error)),
            })
            .await;
    }
}

/// The reading end: where data goes, and whether a person watches.
pub struct Listener<'a> {
    pub out: Option<&'a mut (dyn Write + Send)>,
    pub quiet: bool,
}

impl Listener<'_> {
    /// Takes one line; the report when it was the last.
    pub fn take(&mut self, answer: Answer) -> anyhow::Result<Option<Report>> {
        match answer {
            Answer::Report(report) => return Ok(Some(report)),
            Answer::Failed(error) => return Err(anyhow!(error)),
            Answer::Progress(text) if !self.quiet => {
                eprintln!("{}", super::output::printable(&text))
            }
            Answer::Progress(_) => {}
            Answer::Data(data) => {
                let bytes = BASE64.decode(data.as_bytes()).context("the server sent garbage")?;
                let out =
                    self.out.as_mut().context("the server sent data that nobody asked for")?;
                out.write_all(&bytes).context("the output cannot be written")?;
            }
        }
        Ok(None)
    }
}
