//! The form of a connection, read and written.

use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::words;
use crate::authn::oidc::{ClientAuthentication, Discovery, OidcSettings};
use crate::authn::saml::{Binding, NameIdFormat, SamlSettings};
use crate::sso::{
    self, Mapping, Preset, Protocol, Provider, ProviderSettings, Provisioning, Trust,
};
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::identity_providers::{ConnectionForm, Kind};

/// The fields as they come in; those of the other protocol are absent, and so is a box that is not
/// ticked.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    kind: String,
    preset: String,
    name: String,
    domains: String,
    metadata_url: String,
    metadata: String,
    entity_id: String,
    sign_in_url: String,
    sign_in_binding: String,
    sign_out_url: String,
    sign_out_response_url: String,
    sign_out_binding: String,
    certificates: String,
    name_id: String,
    subject_attribute: String,
    contexts: String,
    skew: String,
    sign_requests: Option<String>,
    require_encryption: Option<String>,
    force_authn: Option<String>,
    allow_unsolicited: Option<String>,
    allow_sha1: Option<String>,
    allow_cbc: Option<String>,
    issuer: String,
    client_id: String,
    client_secret: SecretString,
    discovery: String,
    document: String,
    keys: String,
    client_auth: String,
    scopes: String,
    acr: String,
    userinfo: Option<String>,
    authorities: String,
}

const SKEW: u32 = 60;

impl Sent {
    /// For a new provider, with what usually fits the product.
    pub fn empty(preset: Preset, kind: Kind) -> Self {
        let usual = sso::suggestion(preset, kind != Kind::Oidc);
        Self {
            kind: kind.code().to_owned(),
            preset: words::preset(preset).to_owned(),
            name: words::default_name(preset),
            name_id: name_id(usual.name_id_format).to_owned(),
            scopes: usual.scopes.join(" "),
            skew: SKEW.to_string(),
            sign_requests: Some("on".to_owned()),
            issuer: words::issuer(preset).to_owned(),
            ..Self::default()
        }
    }

    /// As a provider is stored.
    pub fn of(provider: &Provider) -> Self {
        let settings = &provider.settings;
        let mut sent = Self {
            preset: words::preset(settings.preset).to_owned(),
            name: settings.name.clone(),
            domains: settings.domains.join("\n"),
            ..Self::default()
        };
        match &settings.protocol {
            Protocol::Saml(saml) => sent.set_saml(saml),
            Protocol::Oidc(oidc) => sent.set_oidc(oidc),
        }
        sent
    }

    fn set_saml(&mut self, saml: &SamlSettings) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let on = |ticked: bool| ticked.then(|| "on".to_owned());
        Kind::SamlHand.code().clone_into(&mut self.kind);
        self.metadata_url = text(&saml.metadata_url);
        self.entity_id.clone_from(&saml.entity_id);
        self.sign_in_url.clone_from(&saml.sign_in_url);
        binding(saml.sign_in_binding).clone_into(&mut self.sign_in_binding);
        self.sign_out_url = text(&saml.sign_out_url);
        self.sign_out_response_url = text(&saml.sign_out_response_url);
        binding(saml.sign_out_binding).clone_into(&mut self.sign_out_binding);
        self.certificates = saml.certificates.join("\n");
        name_id(saml.name_id_format).clone_into(&mut self.name_id);
        self.subject_attribute = text(&saml.subject_attribute);
        self.contexts = saml.requested_contexts.join("\n");
        self.skew = saml.clock_skew_seconds.to_string();
        self.sign_requests = on(saml.sign_requests);
        self.require_encryption = on(saml.require_encryption);
        self.force_authn = on(saml.force_authn);
        self.allow_unsolicited = on(saml.allow_unsolicited);
        self.allow_sha1 = on(saml.allow_sha1);
        self.allow_cbc = on(saml.allow_cbc);
    }

    fn set_oidc(&mut self, oidc: &OidcSettings) {
        Kind::Oidc.code().clone_into(&mut self.kind);
        self.issuer.clone_from(&oidc.issuer);
        self.client_id.clone_from(&oidc.client_id);
        if let Discovery::Document { document, keys } = &oidc.discovery {
            "document".clone_into(&mut self.discovery);
            self.document.clone_from(document);
            self.keys = keys.clone().unwrap_or_default();
        }
        client_auth(oidc.client_authentication).clone_into(&mut self.client_auth);
        self.scopes = oidc.scopes.join(" ");
        self.acr = oidc.acr_values.join("\n");
        self.userinfo = oidc.userinfo.then(|| "on".to_owned());
        self.authorities = oidc.certificate_authorities.clone().unwrap_or_default();
        self.skew = oidc.clock_skew_seconds.to_string();
    }

    pub fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or_default()
    }

    pub fn preset(&self) -> Preset {
        words::parse_preset(&self.preset).unwrap_or_default()
    }

    /// What the page shows; secrets are never put back.
    pub fn page(&self, existing: Option<&Provider>) -> ConnectionForm {
        let discovery = if self.discovery == "document" { "document" } else { "issuer" };
        let typed = !self.client_secret.expose_secret().is_empty();
        ConnectionForm {
            kind: self.kind(),
            is_new: existing.is_none(),
            preset: Field::value(words::preset(self.preset())),
            presets: words::presets(self.preset()),
            name: Field::value(&self.name),
            domains: Field::value(&self.domains),
            metadata_url: Field::value(&self.metadata_url),
            metadata: Field::value(&self.metadata),
            entity_id: Field::value(&self.entity_id),
            sign_in_url: Field::value(&self.sign_in_url),
            sign_in_bindings: bindings(&self.sign_in_binding),
            sign_out_url: Field::value(&self.sign_out_url),
            sign_out_response_url: Field::value(&self.sign_out_response_url),
            sign_out_bindings: bindings(&self.sign_out_binding),
            certificates: Field::value(&self.certificates),
            name_ids: choices(
                "sso-name-id-",
                &["persistent", "email", "unspecified", "transient"],
                &self.name_id,
            ),
            subject_attribute: Field::value(&self.subject_attribute),
            contexts: Field::value(&self.contexts),
            skew: Field::value(&self.skew),
            sign_requests: self.sign_requests.is_some(),
            require_encryption: self.require_encryption.is_some(),
            force_authn: self.force_authn.is_some(),
            allow_unsolicited: self.allow_unsolicited.is_some(),
            allow_sha1: self.allow_sha1.is_some(),
            allow_cbc: self.allow_cbc.is_some(),
            issuer: Field::value(&self.issuer),
            client_id: Field::value(&self.client_id),
            has_secret: existing.is_some_and(|provider| provider.has_secret),
            secret_lost: typed,
            discovery: Field::value(discovery),
            discoveries: choices("sso-discovery-", &["issuer", "document"], discovery),
            document: Field::value(&self.document),
            keys: Field::value(&self.keys),
            client_auths: choices(
                "sso-client-auth-",
                &["basic", "post", "none"],
                &self.client_auth,
            ),
            scopes: Field::value(&self.scopes),
            acr: Field::value(&self.acr),
            userinfo: self.userinfo.is_some(),
            authorities: Field::value(&self.authorities),
            ..ConnectionForm::default()
        }
    }

    /// A new provider's settings. Nobody becomes a member by it until somebody says with which role.
    pub fn new_settings(&self) -> ProviderSettings {
        ProviderSettings {
            name: self.name.trim().to_owned(),
            preset: self.preset(),
            protocol: self.protocol(None),
            mapping: Mapping::default(),
            provisioning: Provisioning { create: false, ..Provisioning::default() },
            domains: words::domains(&self.domains),
            trust: Trust::default(),
            session_hours: None,
        }
    }

    /// The settings of a provider with what the form changes.
    pub fn changed_settings(&self, existing: &Provider) -> ProviderSettings {
        ProviderSettings {
            name: self.name.trim().to_owned(),
            preset: self.preset(),
            protocol: self.protocol(Some(&existing.settings.protocol)),
            ..existing.settings.clone()
        }
    }

    /// An empty field leaves a secret as it is.
    pub fn secret(&self) -> Option<SecretString> {
        let given = !self.client_secret.expose_secret().trim().is_empty();
        given.then(|| SecretString::from(self.client_secret.expose_secret().trim().to_owned()))
    }

    /// What was pasted.
    pub fn metadata(&self) -> Option<String> {
        words::filled(&self.metadata)
    }

    fn protocol(&self, existing: Option<&Protocol>) -> Protocol {
        match self.kind() {
            Kind::Oidc => Protocol::Oidc(self.oidc()),
            _ => Protocol::Saml(self.saml(match existing {
                Some(Protocol::Saml(saml)) => Some(saml),
                _ => None,
            })),
        }
    }

    /// What is no number is out of every range, which is then said.
    fn skew(&self) -> u32 {
        words::number(&self.skew)
    }

    fn saml(&self, existing: Option<&SamlSettings>) -> SamlSettings {
        let binding = |code: &str| if code == "post" { Binding::Post } else { Binding::Redirect };
        let metadata_url = words::filled(&self.metadata_url);
        let known = existing.and_then(|saml| saml.metadata_url.as_ref());
        // Without certificates, what is at the address is taken over.
        let is_new_address = metadata_url.is_some() && metadata_url.as_ref() != known;
        SamlSettings {
            entity_id: self.entity_id.trim().to_owned(),
            sign_in_url: self.sign_in_url.trim().to_owned(),
            sign_in_binding: binding(&self.sign_in_binding),
            sign_out_url: words::filled(&self.sign_out_url),
            sign_out_response_url: words::filled(&self.sign_out_response_url),
            sign_out_binding: binding(&self.sign_out_binding),
            certificates: match is_new_address {
                true => Vec::new(),
                false => certificates(&self.certificates),
            },
            metadata_url,
            metadata_expires: existing.and_then(|saml| saml.metadata_expires),
            name_id_format: match self.name_id.as_str() {
                "email" => NameIdFormat::Email,
                "unspecified" => NameIdFormat::Unspecified,
                "transient" => NameIdFormat::Transient,
                _ => NameIdFormat::Persistent,
            },
            subject_attribute: words::filled(&self.subject_attribute),
            sign_requests: self.sign_requests.is_some(),
            require_encryption: self.require_encryption.is_some(),
            allow_unsolicited: self.allow_unsolicited.is_some(),
            allow_sha1: self.allow_sha1.is_some(),
            allow_cbc: self.allow_cbc.is_some(),
            clock_skew_seconds: self.skew(),
            force_authn: self.force_authn.is_some(),
            requested_contexts: words::lines(&self.contexts),
        }
    }

    fn oidc(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.trim().to_owned(),
            client_id: self.client_id.trim().to_owned(),
            discovery: match self.discovery.as_str() {
                "document" => Discovery::Document {
                    document: self.document.trim().to_owned(),
                    keys: words::filled(&self.keys),
                },
                _ => Discovery::Issuer,
            },
            client_authentication: match self.client_auth.as_str() {
                "post" => ClientAuthentication::Post,
                "none" => ClientAuthentication::None,
                _ => ClientAuthentication::Basic,
            },
            scopes: self
                .scopes
                .split([',', ' ', '\n', '\r'])
                .filter(|scope| !scope.is_empty() && *scope != "openid")
                .map(str::to_owned)
                .collect(),
            userinfo: self.userinfo.is_some(),
            acr_values: words::lines(&self.acr),
            certificate_authorities: words::filled(&self.authorities),
            clock_skew_seconds: self.skew(),
        }
    }
}

/// The field that a setting stands in, by the setting's name; `None` for one that is not on the page.
pub fn place<'a>(form: &'a mut ConnectionForm, setting: &str) -> Option<&'a mut Field> {
    let (saml, by_hand) = (form.is_saml(), form.by_hand());
    let by_text = form.by_text() && !form.metadata.value.is_empty();
    let name = setting.rsplit('.').next().unwrap_or_default();
    Some(match name {
        "name" => &mut form.name,
        "domains" if form.is_new => &mut form.domains,
        "metadataUrl" if form.by_url() => &mut form.metadata_url,
        "metadata" if by_text || form.kind == Kind::SamlXml => &mut form.metadata,
        "metadata" if form.by_url() => &mut form.metadata_url,
        "entityId" if by_hand => &mut form.entity_id,
        "signInUrl" if by_hand => &mut form.sign_in_url,
        "signOutUrl" if by_hand => &mut form.sign_out_url,
        "signOutResponseUrl" if by_hand => &mut form.sign_out_response_url,
        "certificates" if by_hand => &mut form.certificates,
        "subjectAttribute" if saml => &mut form.subject_attribute,
        "requestedContexts" if saml => &mut form.contexts,
        "clockSkewSeconds" => &mut form.skew,
        "issuer" if !saml => &mut form.issuer,
        "clientId" if !saml => &mut form.client_id,
        "secret" if !saml => &mut form.client_secret,
        "discovery" if !saml => &mut form.document,
        "scopes" if !saml => &mut form.scopes,
        "acrValues" if !saml => &mut form.acr,
        "certificateAuthorities" if !saml => &mut form.authorities,
        // What makes a provider unique.
        "protocol" if !saml => &mut form.issuer,
        "protocol" if by_hand => &mut form.entity_id,
        "protocol" if form.kind == Kind::SamlXml => &mut form.metadata,
        "protocol" => &mut form.metadata_url,
        _ => return None,
    })
}

/// What a browser would have said already, but one without its checks does not.
pub fn missing(form: &mut ConnectionForm) -> bool {
    let (by_url, by_text) = (form.kind == Kind::SamlUrl, form.kind == Kind::SamlXml);
    let (by_hand, oidc) = (form.by_hand(), form.kind == Kind::Oidc);
    let is_new = form.is_new;
    let needed = [
        (true, &mut form.name),
        (is_new, &mut form.domains),
        (by_url && is_new, &mut form.metadata_url),
        (by_text && is_new, &mut form.metadata),
        (by_hand, &mut form.entity_id),
        (by_hand, &mut form.sign_in_url),
        (by_hand, &mut form.certificates),
        (oidc, &mut form.issuer),
        (oidc, &mut form.client_id),
    ];
    let mut any = false;
    for (is_needed, field) in needed {
        if is_needed && field.value.trim().is_empty() {
            field.error = Some(FieldError::Required);
            any = true;
        }
    }
    any
}

/// Each PEM block by itself; bare base64, as metadata has it, becomes one.
pub fn certificates(text: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = text.trim();
    if !text.contains("-----BEGIN") {
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        return match BASE64.decode(bare.as_bytes()) {
            Ok(der) if !der.is_empty() => vec![pem(&bare)],
            _ if bare.is_empty() => Vec::new(),
            _ => vec![text.to_owned()],
        };
    }
    let blocks = text.split_inclusive(END).map(str::trim).filter(|block| !block.is_empty());
    blocks.map(|block| format!("{}\n", block.replace("\r\n", "\n"))).collect()
}

fn pem(base64: &str) -> String {
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

const fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Redirect => "redirect",
        Binding::Post => "post",
    }
}

const fn name_id(format: NameIdFormat) -> &'static str {
    match format {
        NameIdFormat::Persistent => "persistent",
        NameIdFormat::Email => "email",
        NameIdFormat::Unspecified => "unspecified",
        NameIdFormat::Transient => "transient",
    }
}

const fn client_auth(way: ClientAuthentication) -> &'static str {
    match way {
        ClientAuthentication::Basic => "basic",
        ClientAuthentication::Post => "post",
        ClientAuthentication::None => "none",
    }
}

fn bindings(selected: &str) -> Vec<Choice> {
    choices("sso-binding-", &["redirect", "post"], selected)
}

fn choices(prefix: &str, codes: &[&str], selected: &str) -> Vec<Choice> {
    words::choices(prefix, codes.iter().copied(), selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_may_be_pasted_as_pem_or_as_metadata_has_it() {
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        assert_eq!(certificates("  AA\r\n AA "), [format!("{one}\n")]);
        let two = format!("{one}\r\n\n{one}\n");
        assert_eq!(certificates(&two), [format!("{one}\n"), format!("{one}\n")]);
        assert!(certificates(" \n").is_empty());
        assert_eq!(certificates("no certificate"), ["no certificate"]);
    }

    #[test]
    fn what_is_stored_comes_back_from_the_form_as_it_is() {
        let sent = Sent { kind: "saml-hand".into(), name: "Acme".into(), ..Sent::default() };
        let settings = ProviderSettings {
            protocol: Protocol::Saml(SamlSettings {
                entity_id: "https://idp.example/metadata".into(),
                sign_in_url: "https://idp.example/sso".into(),
                sign_in_binding: Binding::Post,
                sign_out_url: Some("https://idp.example/slo".into()),
                certificates: certificates("AAAA"),
                name_id_format: NameIdFormat::Transient,
                subject_attribute: Some("uid".into()),
                require_encryption: true,
                clock_skew_seconds: 30,
                requested_contexts: vec!["urn:a".into(), "urn:b".into()],
                ..SamlSettings::default()
            }),
            ..sent.new_settings()
        };
        let provider = words::sample(settings.clone());
        assert_eq!(Sent::of(&provider).changed_settings(&provider), settings);
        let oidc = ProviderSettings {
            protocol: Protocol::Oidc(OidcSettings {
                issuer: "https://idp.example".into(),
                client_id: "strongroom".into(),
                discovery: Discovery::Document { document: "{}".into(), keys: None },
                client_authentication: ClientAuthentication::Post,
                scopes: vec!["email".into(), "groups".into()],
                userinfo: true,
                acr_values: vec!["mfa".into()],
                certificate_authorities: None,
                clock_skew_seconds: 60,
            }),
            ..settings
        };
        let provider = words::sample(oidc.clone());
        assert_eq!(Sent::of(&provider).changed_settings(&provider), oidc);
    }
}
