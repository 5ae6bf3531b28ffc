//! One mail to the mail server (SMTP, RFC 5321).

use std::time::Duration;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::response::Category;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use crate::config::{self, SmtpTls};
use crate::kernel::limits;

pub type Transport = AsyncSmtpTransport<Tokio1Executor>;
/// Connecting, and each answer of the server.
const STEP: Duration = Duration::from_secs(15);

/// Why a mail was not taken. No address is in it: it goes into the operating log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    #[error("no mail server is configured: set mail.smtp_host and mail.from")]
    NotConfigured,
    #[error("the settings of the mail server cannot be used: {0}")]
    Settings(String),
    #[error("the recipient's address is none that mail can be sent to")]
    Address,
    #[error("the mail could not be put together")]
    Composing,
    #[error("the mail server refuses this mail: {0}")]
    Refused(String),
    #[error("the mail server does not take it now: {0}")]
    Later(String),
    #[error("the mail server refuses the sign-in or its rules are not met: {0}")]
    NotAllowed(String),
    #[error("no trustworthy TLS with the mail server: {0}")]
    Tls(String),
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the mail server took too long to answer")]
    TimedOut,
}

impl SendError {
    /// Trying again does not help.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Address | Self::Composing | Self::Refused(_))
    }

    /// It is about the server and not about this mail: others would fare the same.
    pub fn is_about_the_server(&self) -> bool {
        !self.is_final() && !matches!(self, Self::Later(_))
    }
}

/// Blocks while the system's authorities are read.
///
/// # Errors
/// [`SendError::Settings`].
pub fn transport(settings: &config::Mail) -> Result<Transport, SendError> {
    let unusable = |error: &dyn std::fmt::Display| SendError::Settings(error.to_string());
    let host = settings.smtp_host.as_ref().ok_or(SendError::NotConfigured)?.as_str();
    let mut builder = Transport::builder_dangerous(host)
        .port(settings.port())
        .timeout(Some(STEP))
        .tls(match settings.smtp_tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Required(tls(settings, host)?),
            SmtpTls::Tls => Tls::Wrapper(tls(settings, host)?),
        });
    if let Some((name, password)) = settings.credentials().map_err(|error| unusable(&error))? {
        let password = password.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(name, password));
    }
    Ok(builder.build())
}

/// TLS 1.2 and 1.3, the server's name checked.
fn tls(settings: &config::Mail, host: &str) -> Result<TlsParameters, SendError> {
    let unusable = |error: &dyn std::fmt::Display| SendError::Settings(error.to_string());
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(pem) = settings.authorities().map_err(|error| unusable(&error))? {
        tls = tls.certificate_store(CertificateStore::None);
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| SendError::Settings("mail.smtp_ca is no certificate in PEM".into()))?;
        tls = tls.add_root_certificate(certificate);
    }
    tls.build().map_err(|error| unusable(&error))
}

/// # Errors
/// [`SendError`]; what took longer than [`limits::MAIL_TIME`] may have arrived nevertheless.
pub async fn send(transport: &Transport, message: Message) -> Result<(), SendError> {
    match tokio::time::timeout(limits::MAIL_TIME, transport.send(message)).await {
        Err(_) => Err(SendError::TimedOut),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(classify(&error)),
    }
}

fn classify(error: &smtp::Error) -> SendError {
    let said = without_addresses(&error_chain(error));
    match error.status() {
        // x.y.z of RFC 5321, 4.2.1: 5yz for good; x5z is about the mail, the rest about us.
        Some(code) if error.is_permanent() && code.category == Category::MailSystem => {
            SendError::Refused(said)
        }
        Some(_) if error.is_permanent() => SendError::NotAllowed(said),
        Some(_) => SendError::Later(said),
        None if error.is_timeout() => SendError::TimedOut,
        None if error.is_tls() || said.contains("certificate") => SendError::Tls(said),
        None => SendError::Unreachable(said),
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// Servers repeat the recipient's address in what they say. One line, of bounded length.
fn without_addresses(said: &str) -> String {
    let words = said.split_whitespace();
    let words = words.map(|word| if word.contains('@') { "(address)" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(limits::LINE_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_kept_without_addresses() {
        let said = "permanent error (550): 5.1.1 <bob@example.org>: Recipient\r\n rejected";
        let kept = without_addresses(said);
        assert_eq!(kept, "permanent error (550): 5.1.1 (address) Recipient rejected");
    }
}
