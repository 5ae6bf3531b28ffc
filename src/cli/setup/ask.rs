//! The five questions, at a terminal.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::bail;

use super::answers::{Administrator, Answers, RootKey};
use super::checks::{self, Problems};
use super::service::Service;
use crate::config::Settings;

/// Answers to one question before it is given up.
const TRIES: usize = 10;

/// Asks on standard error, and reads standard input.
pub struct Asker<R> {
    input: R,
}

impl<R: BufRead> Asker<R> {
    pub fn new(input: R) -> Self {
        Self { input }
    }

    /// All five, each looked at before the next.
    pub async fn all(&mut self, data_dir: Option<PathBuf>) -> anyhow::Result<Answers> {
        let mut answers = Answers {
            data_dir: data_dir.unwrap_or_else(|| Settings::default().store.data_dir),
            ..Answers::default()
        };
        say("Five questions; an empty answer takes what stands in brackets.")?;
        self.data_directory(&mut answers)?;
        self.root_key(&mut answers)?;
        self.server(&mut answers)?;
        self.administrator(&mut answers)?;
        self.backup(&mut answers).await?;
        Ok(answers)
    }

    fn data_directory(&mut self, answers: &mut Answers) -> anyhow::Result<()> {
        say("\n1. Where shall all data be?")?;
        for _ in 0..TRIES {
            let shown = answers.data_dir.display().to_string();
            answers.data_dir = self.line("Directory", &shown)?.into();
            let service = Service::of(&answers.data_dir);
            if are_none(&checks::data_directory(answers, &service)?)? {
                return Ok(());
            }
        }
        given_up()
    }

    fn root_key(&mut self, answers: &mut Answers) -> anyhow::Result<()> {
        say("\n2. Where shall the root key come from? Everything is encrypted under it.")?;
        say("   credential  made here and encrypted to this machine; systemd hands it over")?;
        say("   file        in a file outside of the data directory; made if it is not there")?;
        say("   passphrase  asked for at every start, at a terminal")?;
        for _ in 0..TRIES {
            answers.root_key = match self.line("Source", "credential")?.as_str() {
                "credential" => RootKey::Credential,
                "passphrase" => RootKey::Passphrase { file: None },
                "file" => {
                    let file = self.line("File", "/etc/strongroom/root.key")?.into();
                    RootKey::File { file }
                }
                other => {
                    say(&format!("   {other:?} is none of the three"))?;
                    continue;
                }
            };
            if are_none(&checks::root_key(answers)?)? {
                return Ok(());
            }
        }
        given_up()
    }

    fn server(&mut self, answers: &mut Answers) -> anyhow::Result<()> {
        say("\n3. At which address shall it answer, and with which certificate?")?;
        for _ in 0..TRIES {
            let server = &mut answers.server;
            server.listen =
                Some(self.line("Address and port (0.0.0.0 for all)", "127.0.0.1:8443")?);
            let url =
                self.line("Address in people's browsers, such as https://vault.example.org", "")?;
            server.external_url = Some(url).filter(|url| !url.is_empty());
            let path = self.line("PEM file of the certificate, empty for a self-signed one", "")?;
            server.certificate = Some(path.clone()).filter(|path| !path.is_empty()).map(Into::into);
            server.key = match path.is_empty() {
                true => None,
                false => Some(self.line("PEM file of its private key", "")?.into()),
            };
            if are_none(&checks::server(answers)?)? {
                return Ok(());
            }
        }
        given_up()
    }

    fn administrator(&mut self, answers: &mut Answers) -> anyhow::Result<()> {
        say("\n4. Who is the first administrator? They get a link that works once.")?;
        for _ in 0..TRIES {
            let email = self.line("E-mail address", "")?;
            let name = self.line("Name", &email)?;
            answers.administrator = Administrator { email, name: Some(name) };
            if are_none(&checks::administrator(answers))? {
                return Ok(());
            }
        }
        given_up()
    }

    async fn backup(&mut self, answers: &mut Answers) -> anyhow::Result<()> {
        say("\n5. Where shall backups go, and who can read them?")?;
        say("   Make the key on another machine (age-keygen) and keep its private half there.")?;
        for _ in 0..TRIES {
            let list = |text: String| -> Vec<String> {
                text.split_whitespace().map(str::to_owned).collect()
            };
            let recipients = self.line("Public key (age1…), empty for no backups yet", "")?;
            answers.backup.recipients = list(recipients);
            answers.backup.targets = match answers.backup.recipients.is_empty() {
                true => Vec::new(),
                false => list(self.line("Place", "file:///var/backups/strongroom")?),
            };
            let service = Service::of(&answers.data_dir);
            if are_none(&checks::backup(answers, &service).await?)? {
                return Ok(());
            }
        }
        given_up()
    }

    /// Yes, and nothing else, is yes.
    pub fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        Ok(matches!(self.line(&format!("{question} (yes/no)"), "no")?.as_str(), "y" | "yes"))
    }

    fn line(&mut self, question: &str, usual: &str) -> anyhow::Result<String> {
        let mut out = std::io::stderr().lock();
        let shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
        write!(out, "   {question}{shown}: ")?;
        out.flush()?;
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            bail!("the answers ended; nothing was changed. --answers FILE has them from a file");
        }
        let line = line.trim();
        Ok(if line.is_empty() { usual } else { line }.to_owned())
    }
}

fn given_up<T>() -> anyhow::Result<T> {
    bail!("no answer would do; nothing was changed")
}

pub fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{line}")?)
}

fn are_none(problems: &Problems) -> anyhow::Result<bool> {
    for problem in problems {
        say(&format!("   ! {problem}"))?;
    }
    Ok(problems.is_empty())
}
