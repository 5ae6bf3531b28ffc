//! Metadata in the shapes that providers give it.

use data_encoding::BASE64;
use proptest::prelude::*;

use super::{MetadataError, read, read_one};
use crate::authn::saml::{Binding, Certificate, CertificateError, SamlSettings};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
const MD: &str = "xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
                  xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
const SAML2: &str = "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"";

/// A certificate's base64.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    BASE64.encode(made.der())
}

fn key(purpose: &str, certificate: &str) -> String {
    format!(
        "<md:KeyDescriptor{purpose}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn end(service: &str, binding: &str, location: &str) -> String {
    format!("<md:{service} Binding=\"{binding}\" Location=\"{location}\"/>")
}

fn entity(id: &str, more: &str, role: &str) -> String {
    format!(
        "<md:EntityDescriptor {MD} entityID=\"{id}\" {more}>\
         <md:IDPSSODescriptor {SAML2}>{role}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

fn usual(id: &str) -> String {
    let sign_in = end("SingleSignOnService", REDIRECT, "https://idp.example/sso");
    entity(id, "", &format!("{}{sign_in}", key("", &certificate())))
}

#[test]
fn keycloak_has_every_binding_and_signs_with_one_key() {
    let certificate = certificate();
    let ends: String = ["SingleLogoutService", "SingleSignOnService"]
        .into_iter()
        .flat_map(|service| {
            [POST, REDIRECT, SOAP].map(|binding| {
                end(service, binding, "https://keycloak.example/realms/acme/protocol/saml")
            })
        })
        .collect();
    let formats = "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\
                   </md:NameIDFormat>";
    let xml = format!(
        "<md:EntityDescriptor {MD} entityID=\"https://keycloak.example/realms/acme\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" {SAML2}>{}{ends}{formats}\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        key(" use=\"signing\"", &certificate)
    );
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!(found.entity_id, "https://keycloak.example/realms/acme");
    assert_eq!(found.sign_in_url, "https://keycloak.example/realms/acme/protocol/saml");
    assert_eq!(found.sign_in_binding, Binding::Redirect);
    assert_eq!(found.sign_out_url.as_deref(), Some(&*found.sign_in_url));
    assert_eq!(found.certificates, [Certificate::parse(&certificate).unwrap().pem()]);
    assert!(found.wants_signed_requests && !found.signature_not_checked);
    assert_eq!(found.name_id_formats.len(), 1);
    let mut settings = SamlSettings { allow_unsolicited: true, ..SamlSettings::default() };
    found.apply(&mut settings);
    assert_eq!(settings.entity_id, found.entity_id);
    assert!(settings.allow_unsolicited, "what the tenant decided stays");
}

#[test]
fn entra_id_signs_its_metadata_and_has_roles_of_other_protocols_in_it() {
    let certificate = certificate();
    let role = format!(
        "{}{}{}",
        key(" use=\"signing\"", &certificate),
        end("SingleLogoutService", REDIRECT, "https://login.example/t/saml2"),
        end("SingleSignOnService", REDIRECT, "https://login.example/t/saml2"),
    );
    let xml = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <EntityDescriptor ID=\"_1\" entityID=\"https://sts.example/t/\" \
         xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" {MD}>\
         <Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo/>\
         <KeyInfo><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo></Signature>\
         <RoleDescriptor xsi:type=\"fed:SecurityTokenServiceType\" \
         protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\">{}\
         <fed:ClaimTypesOffered/></RoleDescriptor>\
         <IDPSSODescriptor {SAML2}>{role}</IDPSSODescriptor></EntityDescriptor>",
        key(" use=\"signing\"", "QUJD"),
    );
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!(found.entity_id, "https://sts.example/t/");
    assert!(found.signature_not_checked, "its reader is told");
    assert_eq!(found.certificates.len(), 1, "neither the signature's nor another role's");
}

#[test]
fn okta_and_google_have_no_logout_and_may_say_no_use_of_their_key() {
    let ends = format!(
        "{}{}",
        end("SingleSignOnService", POST, "https://acme.okta.example/app/1/sso/saml"),
        end("SingleSignOnService", REDIRECT, "https://acme.okta.example/app/1/sso/saml"),
    );
    let role = format!("{}{ends}", key("", &certificate()));
    let xml = entity("http://www.okta.example/exk1", "", &role);
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!((found.sign_out_url, found.sign_in_binding), (None, Binding::Redirect));

    let ends = end("SingleSignOnService", POST, "https://accounts.google.example/idp?idpid=C1");
    let role = format!("{}{ends}", key(" use=\"signing\"", &certificate()));
    let more = "validUntil=\"2031-01-01T10:00:00.000Z\"";
    let xml = entity("https://accounts.google.example/o/saml2?idpid=C1", more, &role);
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!(found.sign_in_binding, Binding::Post);
    assert_eq!(found.expires.unwrap().to_string(), "2031-01-01T10:00:00Z");
}

#[test]
fn ad_fs_replaces_its_key_with_two_and_has_one_to_encrypt_that_signs_nothing() {
    let (old, new, encryption) = (certificate(), certificate(), certificate());
    let role = format!(
        "{}{}{}{}{}",
        key(" use=\"encryption\"", &encryption),
        key(" use=\"signing\"", &old),
        key(" use=\"signing\"", &new),
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://adfs.example/adfs/ls/\" \
         ResponseLocation=\"https://adfs.example/adfs/ls/done\"/>",
        end("SingleSignOnService", POST, "https://adfs.example/adfs/ls/"),
    );
    let xml = entity("http://adfs.example/adfs/services/trust", "", &role);
    let found = read(xml.as_bytes()).unwrap();
    let pems = [&old, &new].map(|one| Certificate::parse(one).unwrap().pem());
    assert_eq!(found.certificates, pems);
    let back = found.sign_out_response_url.as_deref();
    assert_eq!(back, Some("https://adfs.example/adfs/ls/done"));
    assert_eq!(found.sign_out_binding, Binding::Post);
}

#[test]
fn shibboleth_has_extensions_names_and_chains_and_older_protocols() {
    let chain =
        format!("{}</ds:X509Certificate><ds:X509Certificate>{}", certificate(), certificate());
    let names = "<md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\
                 <mdui:DisplayName xml:lang=\"de\">Hochschule</mdui:DisplayName>\
                 <mdui:DisplayName xml:lang=\"en\">University</mdui:DisplayName>\
                 </mdui:UIInfo></md:Extensions>";
    let xml = format!(
        "<md:EntityDescriptor {MD} entityID=\"https://idp.uni.example/idp/shibboleth\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:mace:shibboleth:1.0 \
         urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol\">{names}{}{}{}\
         </md:IDPSSODescriptor><md:AttributeAuthorityDescriptor {SAML2}>{}\
         </md:AttributeAuthorityDescriptor></md:EntityDescriptor>",
        key(" use=\"signing\"", &chain),
        end("SingleSignOnService", "urn:mace:shibboleth:1.0:profiles:AuthnRequest", "https://a.b"),
        end("SingleSignOnService", REDIRECT, "https://idp.uni.example/idp/profile/SAML2/Redirect"),
        key("", &certificate()),
    );
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!(found.display_name.as_deref(), Some("University"));
    assert_eq!(found.certificates.len(), 1, "the authority above it signs no messages");
    assert_eq!(found.sign_in_url, "https://idp.uni.example/idp/profile/SAML2/Redirect");
}

#[test]
fn of_a_federation_one_provider_is_chosen_by_its_entity_id() {
    let services = format!(
        "<md:EntityDescriptor {MD} entityID=\"https://sp.example\"><md:SPSSODescriptor {SAML2}/>\
         </md:EntityDescriptor>"
    );
    let one = |more: &str| {
        format!(
            "<md:EntitiesDescriptor {MD} validUntil=\"2027-01-01T00:00:00\">{services}\
             <md:EntitiesDescriptor>{}</md:EntitiesDescriptor>{more}</md:EntitiesDescriptor>",
            usual("https://a.example")
        )
    };
    let alone = read(one("").as_bytes()).unwrap();
    assert_eq!(alone.entity_id, "https://a.example");
    assert_eq!(alone.expires.unwrap().to_string(), "2027-01-01T00:00:00Z");
    let two = one(&usual("https://b.example"));
    let names = "https://a.example, https://b.example".to_owned();
    assert_eq!(read(two.as_bytes()), Err(MetadataError::Several(names)));
    let chosen = read_one(two.as_bytes(), Some("https://b.example")).unwrap();
    assert_eq!(chosen.entity_id, "https://b.example");
    let missing = read_one(two.as_bytes(), Some("https://c.example"));
    assert_eq!(missing, Err(MetadataError::NotInIt));
}

#[test]
fn what_is_missing_is_said() {
    let refused = |xml: &str| read(xml.as_bytes()).unwrap_err();
    let sign_in = end("SingleSignOnService", REDIRECT, "https://idp.example/sso");
    let with_key = |rest: &str| entity("https://a.example", "", &(key("", &certificate()) + rest));
    assert_eq!(refused(&with_key("")), MetadataError::NoSignIn);
    assert_eq!(
        refused(&with_key(&end("SingleSignOnService", SOAP, "https://a.b"))),
        MetadataError::NoSignIn
    );
    assert_eq!(refused(&entity("https://a.example", "", &sign_in)), MetadataError::NoCertificate);
    for address in ["http://a.b", "javascript:alert(1)", "https://a b", ""] {
        let wrong = end("SingleSignOnService", REDIRECT, address);
        assert!(matches!(refused(&with_key(&wrong)), MetadataError::Address(_)), "{address}");
    }
    let broken = entity("https://a.example", "", &(key("", "AAAA") + &sign_in));
    assert_eq!(refused(&broken), MetadataError::Certificate(CertificateError::Unreadable));
    assert_eq!(refused(&usual("")), MetadataError::EntityId);
    let service = usual("https://a.example").replace("IDPSSODescriptor", "SPSSODescriptor");
    assert_eq!(refused(&service), MetadataError::NoProvider);
    assert!(matches!(refused("<html/>"), MetadataError::Other(name) if name == "html"));
    assert!(matches!(refused("{}"), MetadataError::Malformed(_)));
}

#[test]
fn a_document_type_is_refused_before_anything_of_it_is_unfolded() {
    let bomb = format!(
        "<!DOCTYPE a [<!ENTITY b \"{}\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>{}",
        "b".repeat(100),
        usual("&b;&c;")
    );
    assert_eq!(read(bomb.as_bytes()), Err(MetadataError::Doctype));
    assert_eq!(read(&[0xff, 0xfe, 0x3c, 0]), Err(MetadataError::NotText));
    assert_eq!(read(&vec![b' '; 1024 * 1024 + 1]), Err(MetadataError::TooLarge));
    let deep = "<a>".repeat(5000) + &"</a>".repeat(5000);
    assert!(matches!(read(deep.as_bytes()), Err(MetadataError::Malformed(_))));
}

proptest! {
    #[test]
    fn whatever_is_given_is_read_or_refused(at in any::<prop::sample::Index>(), byte: u8) {
        let mut xml = usual("https://a.example").into_bytes();
        let at = at.index(xml.len());
        xml[at] = byte;
        let _ = read(&xml);
        xml.truncate(at);
        prop_assert!(read(&xml).is_err());
    }
}
