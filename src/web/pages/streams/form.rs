//! The form for a stream, read and written.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::streams::{
    Authentication, Begin, Body, ChangeStream, Destination, Format, HttpTarget, NewStream, Secrets,
    SplunkTarget, Stream, StreamError, SyslogTarget, TlsOptions, Transport,
};
use crate::web::messages::Messages;
use crate::web::problems::{as_sentence, missing_or_too_long, sentence};
use crate::web::view::form::{Choice, Field};
use crate::web::view::streams::StreamForm;

/// The fields as they come in; those of other types are absent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    r#type: String,
    name: String,
    format: String,
    begin: String,
    address: String,
    transport: String,
    facility: String,
    url: String,
    index: String,
    source_type: String,
    body: String,
    authentication: String,
    user: String,
    header: String,
    credential: SecretString,
    ca: String,
    client_certificate: String,
    client_key: SecretString,
    server_name: String,
}

impl Form {
    /// For a new stream of a type.
    pub fn empty(kind: String) -> Self {
        Self { r#type: kind, ..Self::default() }
    }

    /// As a stream is stored.
    pub fn of(stream: &Stream) -> Self {
        let mut form = Self {
            name: stream.name.clone(),
            format: stream.format.name().to_owned(),
            ..Self::default()
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let tls = stream.destination.tls();
        form.ca = text(&tls.ca);
        form.client_certificate = text(&tls.client_certificate);
        form.server_name = text(&tls.server_name);
        match &stream.destination {
            Destination::Syslog(target) => {
                form.r#type = "syslog".to_owned();
                form.address.clone_from(&target.address);
                form.transport = transport_code(target.transport).to_owned();
                form.facility = target.facility.to_string();
            }
            Destination::Splunk(target) => {
                form.r#type = "splunk".to_owned();
                form.url.clone_from(&target.url);
                form.index = text(&target.index);
                form.source_type = text(&target.source_type);
            }
            Destination::Http(target) => {
                form.r#type = "http".to_owned();
                form.url.clone_from(&target.url);
                form.body = if target.body == Body::Array { "array" } else { "ndjson" }.to_owned();
                form.authentication = match &target.authentication {
                    Authentication::None => "none",
                    Authentication::Bearer => "bearer",
                    Authentication::Basic { user } => {
                        form.user.clone_from(user);
                        "basic"
                    }
                    Authentication::Header { name } => {
                        form.header.clone_from(name);
                        "header"
                    }
                }
                .to_owned();
            }
        }
        form
    }

    /// What the page shows; secrets are never put back.
    pub fn page(&self, is_new: bool) -> StreamForm {
        let kind = match self.r#type.as_str() {
            kind @ ("splunk" | "http") => kind,
            _ => "syslog",
        };
        let facility = if self.facility.is_empty() { "13" } else { &self.facility };
        StreamForm {
            kind: kind.to_owned(),
            is_new,
            kinds: choices("stream-type-", &["syslog", "splunk", "http"], kind),
            name: Field::value(&self.name),
            formats: choices("stream-format-", &["json", "cef", "ocsf"], &self.format),
            begins: choices("stream-begin-", &["beginning", "now"], &self.begin),
            address: Field::value(&self.address),
            transports: choices("stream-transport-", &["tls", "tcp"], &self.transport),
            facility: Field::value(facility),
            url: Field::value(&self.url),
            index: Field::value(&self.index),
            source_type: Field::value(&self.source_type),
            bodies: choices("stream-body-", &["array", "ndjson"], &self.body),
            authentications: choices(
                "stream-auth-",
                &["none", "bearer", "basic", "header"],
                &self.authentication,
            ),
            user: Field::value(&self.user),
            header: Field::value(&self.header),
            ca: Field::value(&self.ca),
            client_certificate: Field::value(&self.client_certificate),
            server_name: Field::value(&self.server_name),
            ..StreamForm::default()
        }
    }

    pub fn new_stream(&self) -> Result<NewStream, StreamError> {
        Ok(NewStream {
            name: self.name.clone(),
            destination: self.destination()?,
            format: Format::parse(&self.format).unwrap_or_default(),
            begin: if self.begin == "now" { Begin::Now } else { Begin::Beginning },
            secrets: self.secrets(),
        })
    }

    pub fn changed(&self) -> Result<ChangeStream, StreamError> {
        Ok(ChangeStream {
            name: Some(self.name.clone()),
            destination: Some(self.destination()?),
            format: Format::parse(&self.format),
            secrets: self.secrets(),
        })
    }

    /// An empty field leaves a secret as it is.
    fn secrets(&self) -> Secrets {
        let given =
            |secret: &SecretString| (!secret.expose_secret().is_empty()).then(|| secret.clone());
        Secrets { credential: given(&self.credential), client_key: given(&self.client_key) }
    }

    fn destination(&self) -> Result<Destination, StreamError> {
        let tls = TlsOptions {
            ca: filled(&self.ca),
            client_certificate: filled(&self.client_certificate),
            server_name: filled(&self.server_name),
        };
        let url = self.url.trim().to_owned();
        Ok(match self.r#type.as_str() {
            "syslog" => {
                let number = self.facility.trim().parse();
                let unfit = |_| StreamError::Target("a facility is a number from 0 to 23".into());
                Destination::Syslog(SyslogTarget {
                    address: self.address.trim().to_owned(),
                    transport: match self.transport.as_str() {
                        "tcp" => Transport::Tcp,
                        _ => Transport::Tls,
                    },
                    facility: number.map_err(unfit)?,
                    tls,
                })
            }
            "splunk" => {
                let (index, source_type) = (filled(&self.index), filled(&self.source_type));
                Destination::Splunk(SplunkTarget { url, index, source_type, tls })
            }
            _ => Destination::Http(HttpTarget {
                url,
                body: if self.body == "ndjson" { Body::Ndjson } else { Body::Array },
                authentication: match self.authentication.as_str() {
                    "bearer" => Authentication::Bearer,
                    "basic" => Authentication::Basic { user: self.user.trim().to_owned() },
                    "header" => Authentication::Header { name: self.header.trim().to_owned() },
                    _ => Authentication::None,
                },
                tls,
            }),
        })
    }
}

/// Says an error beside its field, or gives it back when it belongs to none.
pub fn mark(page: &mut StreamForm, error: &StreamError) -> Option<String> {
    let text = error.to_string();
    let field = match error {
        StreamError::Name => {
            page.name.error = Some(missing_or_too_long(&page.name.value));
            return None;
        }
        StreamError::Address(_) if page.is_syslog() => &mut page.address,
        StreamError::Address(_) => &mut page.url,
        StreamError::Tls(_) => &mut page.ca,
        StreamError::CredentialMissing(_)
        | StreamError::SecretsElsewhere
        | StreamError::Secret(_)
            if !page.is_syslog() =>
        {
            &mut page.credential
        }
        _ => return Some(as_sentence(&text)),
    };
    field.error = Some(sentence(&text));
    None
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

const fn transport_code(transport: Transport) -> &'static str {
    match transport {
        Transport::Tls => "tls",
        Transport::Tcp => "tcp",
    }
}

fn choices(prefix: &str, codes: &[&str], selected: &str) -> Vec<Choice> {
    let choice = |code: &&str| Choice {
        value: (*code).to_owned(),
        label: Messages::english().label(prefix, code),
        selected: *code == selected,
    };
    codes.iter().map(choice).collect()
}
