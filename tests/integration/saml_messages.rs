//! An identity provider that says whatever a test wants: messages written by hand, signed and
//! encrypted by `xmlsec1`, which shares no code with this product.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use data_encoding::BASE64;
use rcgen::{CertificateParams, KeyPair, RsaKeySize};
use strongroom::authn::saml::{PrivateKey, SamlSettings, ServiceNames};
use strongroom::kernel::Timestamp;
use tempfile::TempDir;

pub const PROVIDER: &str = "https://provider.example/saml";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// What every transform list of a real provider is.
pub const TRANSFORMS: &str = concat!(
    "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>",
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
);

/// A key and its certificate, as files for `xmlsec1`.
pub struct Signer {
    _directory: TempDir,
    key: PathBuf,
    certificate: PathBuf,
    pub certificate_pem: String,
    pub key_pem: String,
}

impl Signer {
    fn make(pair: &KeyPair) -> Self {
        let params = CertificateParams::new(vec!["provider.example".to_owned()]).unwrap();
        let certificate_pem = params.self_signed(pair).unwrap().pem();
        let key_pem = pair.serialize_pem();
        let directory = TempDir::new().unwrap();
        let key = directory.path().join("key.pem");
        let certificate = directory.path().join("certificate.pem");
        std::fs::write(&key, &key_pem).unwrap();
        std::fs::write(&certificate, &certificate_pem).unwrap();
        Self { _directory: directory, key, certificate, certificate_pem, key_pem }
    }

    fn rsa() -> Self {
        let pair = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048);
        Self::make(&pair.unwrap())
    }

    /// Of whom only the certificate is known: to encrypt for.
    pub fn of_certificate(body: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let certificate = directory.path().join("certificate.pem");
        let lines = body.split_ascii_whitespace().collect::<String>();
        let lines: Vec<&str> =
            lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let begin = "-----BEGIN CERTIFICATE-----";
        let certificate_pem = format!("{begin}\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        std::fs::write(&certificate, &certificate_pem).unwrap();
        let key = directory.path().join("none");
        Self { _directory: directory, key, certificate, certificate_pem, key_pem: String::new() }
    }

    /// What a message shows of it, should anybody look there for a key to believe.
    fn key_info(&self) -> String {
        let body: String =
            self.certificate_pem.lines().filter(|line| !line.contains('-')).collect();
        format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        )
    }
}

/// The provider's key, the one that it will have next, one on a curve, and somebody else's.
pub static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::rsa);
pub static NEXT: LazyLock<Signer> = LazyLock::new(Signer::rsa);
pub static STRANGER: LazyLock<Signer> = LazyLock::new(Signer::rsa);
pub static CURVE: LazyLock<Signer> =
    LazyLock::new(|| Signer::make(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()));
/// What this service decrypts with: its key and its former one.
pub static SERVICE: LazyLock<Signer> = LazyLock::new(Signer::rsa);
pub static FORMER: LazyLock<Signer> = LazyLock::new(Signer::rsa);

pub fn service_keys() -> Vec<PrivateKey> {
    [&SERVICE, &FORMER].map(|key| PrivateKey::from_pem(&key.key_pem).unwrap()).into()
}

pub fn settings() -> SamlSettings {
    SamlSettings {
        entity_id: PROVIDER.to_owned(),
        certificates: vec![SIGNER.certificate_pem.clone()],
        clock_skew_seconds: 60,
        ..SamlSettings::default()
    }
}

/// Everything that a provider fills in. A test changes what it is about.
#[derive(Clone)]
pub struct Message {
    pub response_id: String,
    pub assertion_id: String,
    pub issuer: String,
    pub response_issuer: Option<String>,
    pub destination: Option<String>,
    pub recipient: String,
    pub in_response_to: Option<String>,
    pub audience: Option<String>,
    pub method: String,
    pub confirmed: String,
    pub subject: String,
    pub attributes: String,
    pub more_conditions: String,
    pub status: String,
    /// Beside the assertion, in the response.
    pub extensions: String,
    pub now: Timestamp,
    pub valid_from: i64,
    pub valid_for: i64,
    pub confirmed_for: i64,
    pub authenticated: i64,
    pub session_for: Option<i64>,
    pub statement: bool,
}

/// How something is signed.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    pub signer: &'a Signer,
    pub method: &'a str,
    pub digest: &'a str,
    pub canonical: &'a str,
    pub transforms: &'a str,
    /// Instead of "#" and the ID.
    pub uri: Option<&'a str>,
    pub key_info: bool,
}

impl Style<'static> {
    pub fn usual() -> Self {
        Self::of(&SIGNER)
    }

    pub fn of(signer: &'static Signer) -> Self {
        Self {
            signer,
            method: RSA_SHA256,
            digest: SHA256,
            canonical: "http://www.w3.org/2001/10/xml-exc-c14n#",
            transforms: TRANSFORMS,
            uri: None,
            key_info: true,
        }
    }
}

impl Message {
    pub fn new(service: &ServiceNames, asked: Option<&str>, now: Timestamp) -> Self {
        Self {
            response_id: "_response-1".to_owned(),
            assertion_id: "_assertion-1".to_owned(),
            issuer: PROVIDER.to_owned(),
            response_issuer: Some(PROVIDER.to_owned()),
            destination: Some(service.acs_url.clone()),
            recipient: service.acs_url.clone(),
            in_response_to: asked.map(str::to_owned),
            audience: Some(service.entity_id.clone()),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            confirmed: String::new(),
            subject: format!("<saml:NameID Format=\"{PERSISTENT}\">kim-4711</saml:NameID>"),
            attributes: attribute("mail", "kim@example.org") + &attribute("groups", "auditors"),
            more_conditions: String::new(),
            status: status("urn:oasis:names:tc:SAML:2.0:status:Success"),
            extensions: String::new(),
            now,
            valid_from: -60,
            valid_for: 300,
            confirmed_for: 300,
            authenticated: -10,
            session_for: Some(8 * 3600),
            statement: true,
        }
    }

    fn at(&self, seconds: i64) -> String {
        Timestamp::from_micros(self.now.as_micros() + seconds * 1_000_000).to_string()
    }

    pub fn assertion(&self, signature: &str) -> String {
        let attribute = |name: &str, value: &Option<String>| match value {
            Some(value) => format!(" {name}=\"{value}\""),
            None => String::new(),
        };
        let audience = self.audience.as_ref().map(|audience| {
            format!("<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>")
        });
        let session = self.session_for.map(|seconds| self.at(seconds));
        let statement = format!(
            "<saml:AuthnStatement AuthnInstant=\"{}\" SessionIndex=\"_session-1\"{}><saml:AuthnContext>\
             <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>",
            self.at(self.authenticated),
            attribute("SessionNotOnOrAfter", &session),
        );
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION}\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
             ID=\"{}\" Version=\"2.0\" IssueInstant=\"{}\"><saml:Issuer>{}</saml:Issuer>{signature}\
             <saml:Subject>{}<saml:SubjectConfirmation Method=\"{}\"><saml:SubjectConfirmationData \
             Recipient=\"{}\" NotOnOrAfter=\"{}\"{}{}/></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{}\" NotOnOrAfter=\"{}\">{}{}</saml:Conditions>{}\
             <saml:AttributeStatement>{}</saml:AttributeStatement></saml:Assertion>",
            self.assertion_id,
            self.at(0),
            self.issuer,
            self.subject,
            self.method,
            self.recipient,
            self.at(self.confirmed_for),
            attribute("InResponseTo", &self.in_response_to),
            self.confirmed,
            self.at(self.valid_from),
            self.at(self.valid_for),
            audience.unwrap_or_default(),
            self.more_conditions,
            if self.statement { statement } else { String::new() },
            self.attributes,
        )
    }

    /// Around an assertion, or what else a test puts there.
    pub fn response(&self, signature: &str, assertion: &str) -> String {
        let attribute = |name: &str, value: &Option<String>| match value {
            Some(value) => format!(" {name}=\"{value}\""),
            None => String::new(),
        };
        let issuer = self.response_issuer.as_ref();
        let issuer = issuer.map(|issuer| format!("<saml:Issuer>{issuer}</saml:Issuer>"));
        format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" \
             Version=\"2.0\" IssueInstant=\"{}\"{}{}>{}{signature}{}{}{assertion}</samlp:Response>",
            self.response_id,
            self.at(0),
            attribute("Destination", &self.destination),
            attribute("InResponseTo", &self.in_response_to),
            issuer.unwrap_or_default(),
            self.extensions,
            self.status,
        )
    }

    pub fn unsigned(&self) -> String {
        self.response("", &self.assertion(""))
    }

    pub fn signed_assertion(&self, style: Style<'_>) -> String {
        sign_assertion(&self.assertion(&template(&self.assertion_id, style)), style)
    }

    pub fn with_signed_assertion(&self, style: Style<'_>) -> String {
        self.response("", &self.signed_assertion(style))
    }

    /// Signed as a whole, around an assertion that is as it is.
    pub fn signed_around(&self, style: Style<'_>, assertion: &str) -> String {
        sign_response(&self.response(&template(&self.response_id, style), assertion), style)
    }

    pub fn signed_response(&self, style: Style<'_>) -> String {
        self.signed_around(style, &self.assertion(""))
    }

    pub fn signed_both(&self, style: Style<'_>) -> String {
        self.signed_around(style, &self.signed_assertion(style))
    }
}

pub fn attribute(name: &str, value: &str) -> String {
    format!(
        "<saml:Attribute Name=\"{name}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\">\
         <saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"xs:string\">{value}</saml:AttributeValue></saml:Attribute>"
    )
}

pub fn status(code: &str) -> String {
    format!("<samlp:Status><samlp:StatusCode Value=\"{code}\"/></samlp:Status>")
}

/// What `xmlsec1` fills in.
pub fn template(id: &str, style: Style<'_>) -> String {
    let uri = style.uri.map_or_else(|| format!("#{id}"), str::to_owned);
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{}\"/><ds:SignatureMethod Algorithm=\"{}\"/>\
         <ds:Reference URI=\"{uri}\"><ds:Transforms>{}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/>{}</ds:Signature>",
        style.canonical,
        style.method,
        style.transforms,
        style.digest,
        if style.key_info { style.signer.key_info() } else { String::new() },
    )
}

pub fn sign_assertion(xml: &str, style: Style<'_>) -> String {
    sign(xml, "/*[local-name()='Assertion']/*[local-name()='Signature']", style)
}

pub fn sign_response(xml: &str, style: Style<'_>) -> String {
    sign(xml, "/*[local-name()='Response']/*[local-name()='Signature']", style)
}

/// Fills in the signature at `place`.
pub fn sign(xml: &str, place: &str, style: Style<'_>) -> String {
    let directory = TempDir::new().unwrap();
    let input = directory.path().join("in.xml");
    std::fs::write(&input, xml).unwrap();
    let assertion = format!("{ASSERTION}:Assertion");
    let kinds = ["Response", "LogoutRequest", "LogoutResponse"];
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("{PROTOCOL}:{kind}")).collect();
    let mut args = vec!["--sign", "--privkey-pem", text(&style.signer.key)];
    for kind in std::iter::once(&assertion).chain(&kinds) {
        args.extend(["--id-attr:ID", kind.as_str()]);
    }
    args.extend(["--node-xpath", place]);
    xmlsec1(&args, &input, directory.path())
}

/// `<EncryptedAssertion>` (or another container) of an element, for the holder of `to`.
pub fn encrypt(xml: &str, container: &str, cipher: &str, transport: &str, to: &Signer) -> String {
    let directory = TempDir::new().unwrap();
    let plain = directory.path().join("plain.xml");
    std::fs::write(&plain, xml).unwrap();
    let template = format!(
        "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod \
         Algorithm=\"{cipher}\"/><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"{transport}\"/><xenc:CipherData>\
         <xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData>\
         <xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
    );
    let input = directory.path().join("template.xml");
    std::fs::write(&input, template).unwrap();
    let bits = cipher.rsplit_once("aes").unwrap().1.split('-').next().unwrap();
    let session = format!("aes-{bits}");
    let args = [
        "--encrypt",
        "--pubkey-cert-pem",
        text(&to.certificate),
        "--session-key",
        &session,
        "--xml-data",
        text(&plain),
    ];
    let sealed = xmlsec1(&args, &input, directory.path());
    format!("<saml:{container} xmlns:saml=\"{ASSERTION}\">{sealed}</saml:{container}>")
}

/// The same with what `xmlsec1` 1.2 does not know: OAEP of XML Encryption 1.1, with SHA-256 for both of
/// its digests; and for a text that is no document of its own.
pub fn encrypt_by_library(text: &str, to: &Signer) -> String {
    use bergshamra::core::algorithm as uri;
    use bergshamra::crypto::keytransport::{OaepParams, from_uri_with_params};
    let cipher = bergshamra::crypto::cipher::from_uri(uri::AES256_GCM).unwrap();
    let secret = [7; 32];
    let params = OaepParams {
        digest_uri: Some(uri::SHA256.to_owned()),
        mgf_uri: Some(uri::MGF1_SHA256.to_owned()),
        oaep_params: None,
    };
    let certificate = to.certificate_pem.as_bytes();
    let key = bergshamra::keys::loader::load_x509_cert_pem(certificate).unwrap();
    let key = key.software_key().unwrap().unwrap();
    let transport = from_uri_with_params(uri::RSA_OAEP_ENC11, params).unwrap();
    let sealed = BASE64.encode(&cipher.encrypt(&secret, text.as_bytes()).unwrap());
    let secret = BASE64.encode(&transport.encrypt(&key, &secret).unwrap());
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{ASSERTION}\"><xenc:EncryptedData \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:EncryptionMethod \
         Algorithm=\"{AES256_GCM}\"/><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"{}\"><ds:DigestMethod \
         Algorithm=\"{SHA256}\"/><xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
         Algorithm=\"{}\"/></xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{secret}\
         </xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData>\
         <xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>\
         </saml:EncryptedAssertion>",
        uri::RSA_OAEP_ENC11,
        uri::MGF1_SHA256,
    )
}

/// A query as the redirect binding has it, signed beside the message.
pub fn redirect(
    parameter: &str,
    xml: &str,
    relay_state: Option<&str>,
    algorithm: &str,
    signer: &Signer,
) -> String {
    let deflated = deflate(xml.as_bytes());
    let escape = |value: &str| serde_urlencoded::to_string([("", value)]).unwrap()[1..].to_owned();
    let state = relay_state.map(|state| format!("&RelayState={}", escape(state)));
    let message = escape(&BASE64.encode(&deflated));
    let signed =
        format!("{parameter}={message}{}&SigAlg={}", state.unwrap_or_default(), escape(algorithm));
    let key = PrivateKey::from_pem(&signer.key_pem).unwrap();
    let key = key.key().to_signing_key().unwrap().unwrap();
    let method = bergshamra::crypto::sign::from_uri(algorithm).unwrap();
    let signature = method.sign(&key, signed.as_bytes()).unwrap();
    format!("{signed}&Signature={}", escape(&BASE64.encode(&signature)))
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A request as it stands in an address.
pub fn inflate(value: &str) -> String {
    use std::io::Read;
    let mut text = String::new();
    let bytes = BASE64.decode(value.as_bytes()).unwrap();
    flate2::read::DeflateDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// A provider's logout: of `subject`, in this of their sessions.
pub fn logout_request(
    service: &ServiceNames,
    subject: &str,
    session: Option<&str>,
    issued: Timestamp,
    signature: &str,
) -> String {
    let session =
        session.map(|session| format!("<samlp:SessionIndex>{session}</samlp:SessionIndex>"));
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_logout-1\" \
         Version=\"2.0\" IssueInstant=\"{issued}\" Destination=\"{}\"><saml:Issuer>{PROVIDER}\
         </saml:Issuer>{signature}<saml:NameID Format=\"{PERSISTENT}\">{subject}</saml:NameID>{}\
         </samlp:LogoutRequest>",
        service.logout_url,
        session.unwrap_or_default(),
    )
}

/// What a provider answers to our logout `asked`.
pub fn logout_response(
    service: &ServiceNames,
    asked: &str,
    status: &str,
    issued: Timestamp,
    signature: &str,
) -> String {
    format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_answer-1\" \
         Version=\"2.0\" IssueInstant=\"{issued}\" Destination=\"{}\" InResponseTo=\"{asked}\">\
         <saml:Issuer>{PROVIDER}</saml:Issuer>{signature}{status}</samlp:LogoutResponse>",
        service.logout_url,
    )
}

fn xmlsec1(args: &[&str], input: &Path, directory: &Path) -> String {
    let output = directory.join("out.xml");
    let ran = Command::new("xmlsec1").args(args).arg("--output").arg(&output).arg(input).output();
    let ran = ran.expect("xmlsec1 is installed: packaging/test-tools");
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    let text = std::fs::read_to_string(output).unwrap();
    text.trim_start_matches("<?xml version=\"1.0\"?>").trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn encoded(xml: &str) -> String {
    BASE64.encode(xml.as_bytes())
}
