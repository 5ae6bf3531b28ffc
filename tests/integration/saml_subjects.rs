//! Whose name a SAML name is.

use strongroom::authn::saml::SamlSettings;
use strongroom::authn::sso::Refusal;

use crate::saml_attacks::{message, read, refused, refused_with};
use crate::saml_messages::{Message, Style, settings};

#[test]
fn the_same_name_in_another_format_is_somebody_else() {
    let subject = |format: &str| {
        let subject = format!("<saml:NameID{format}>ceo@corp.example</saml:NameID>");
        let xml = Message { subject, ..message() }.with_signed_assertion(Style::usual());
        read(&xml, &settings()).0.map(|found| found.identity.subject)
    };
    let address = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let by_address = subject(&format!(" Format=\"{address}\"")).unwrap();
    assert_eq!(by_address, format!("ceo@corp.example ({address})"));
    let chosen = subject("").unwrap();
    assert_ne!(chosen, by_address);
    assert_eq!(subject(&format!(" Format=\"{unspecified}\"")).as_ref(), Ok(&chosen));
    assert_eq!(subject(" Format=\"\"").as_ref(), Ok(&chosen));
    // Who gave the name makes it no other one.
    let qualified = format!(" Format=\"{address}\" NameQualifier=\"x\" SPNameQualifier=\"y\"");
    assert_eq!(subject(&qualified).as_ref(), Ok(&by_address));
    // No name passes for another one with its format.
    assert_eq!(subject(" Format=\"a) (b\""), Err(Refusal::Malformed));
}

#[test]
fn a_name_that_changes_each_time_is_nobodys_name() {
    let transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    let subject = format!("<saml:NameID Format=\"{transient}\">t-1</saml:NameID>");
    let message = Message { subject, ..message() };
    let xml = message.with_signed_assertion(Style::usual());
    refused(&xml, Refusal::SubjectMissing);
    let by_attribute =
        |name: &str| SamlSettings { subject_attribute: Some(name.to_owned()), ..settings() };
    let (found, _) = read(&xml, &by_attribute("mail"));
    let found = found.unwrap().identity;
    assert_eq!(found.subject, "kim@example.org");
    assert_eq!(found.session.name.as_deref(), Some("t-1"), "what a logout has to name");
    refused_with(&xml, &by_attribute("uid"), Refusal::SubjectMissing);
}
