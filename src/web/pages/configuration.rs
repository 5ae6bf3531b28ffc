//! `/platform/configuration`: what is in force, and where it comes from. Nothing is changed here: what
//! the operator has written is the operator's.

use crate::app::App;
use crate::audit::catalogue;
use crate::authz::permission::PlatformSettingsRead;
use crate::config::{Settings, ShownSetting, is_reloaded};
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::http::tls::{Served, Source};
use crate::kernel::Timestamp;
use crate::trail;
use crate::web::messages::Messages;
use crate::web::view::chrome::Section;
use crate::web::view::configuration::{
    AuthorityCard, CertificateCard, ConfigurationPage, SettingRow, SettingSection,
};
use crate::web::view::state::{CertificateEnd, SettingOwner};
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    vec![
        Route::platform(Method::Get, "/platform/configuration", opened, show)
            .says("The configuration in force"),
    ]
}

async fn show(call: PlatformCall<PlatformSettingsRead>) -> Answer {
    trail::record_admin_access(&call.app.tenants, &call.grant, "configuration").await?;
    let settings = call.app.in_force();
    let now = call.app.runtime.now();
    let served = call.app.certificate.get().map(|live| live.served());
    let file = settings.file.as_ref().map(|path| path.display().to_string());
    let chrome = frame::platform(&call, "configuration-title", Section::PlatformAdmins).await?;
    let certificate = served.map(|served| certificate(&call.app, &served, now));
    respond::page(&ConfigurationPage { chrome, file, certificate, sections: sections(&settings) })
}

fn certificate(app: &App, served: &Served, now: Timestamp) -> CertificateCard {
    let shown = &served.shown;
    let standing = app.acme.get().and_then(|acme| acme.standing());
    let source = match (served.source, &standing) {
        (Source::Configured, _) => "certificate-configured",
        (Source::SelfSigned, Some(_)) => "certificate-asked",
        (Source::SelfSigned, None) => "certificate-self-signed",
        (Source::Foreign, _) => "certificate-foreign",
        (Source::Acme, _) => "certificate-acme",
    };
    let directory = standing.as_ref().map_or("", |standing| standing.directory.as_str());
    let args = [("directory", directory.into())];
    CertificateCard {
        fingerprint: shown.fingerprint.clone(),
        names: shown.names.join(", "),
        not_before: shown.not_before,
        not_after: shown.not_after,
        end: match served.expires_soon(now) {
            _ if shown.not_after < now => CertificateEnd::Expired,
            true => CertificateEnd::Soon,
            false => CertificateEnd::Valid,
        },
        source: Messages::english().with(source, &args).into_owned(),
        authority: standing.map(|standing| AuthorityCard {
            next: standing.next.filter(|next| *next > now),
            tried: standing.state.tried,
            error: standing.state.error,
        }),
    }
}

/// What the platform's home says of it; nothing while it is well.
pub fn alarm(app: &App) -> Option<String> {
    let (served, now) = (app.certificate.get()?.served(), app.runtime.now());
    let end = served.shown.not_after;
    let message = if end < now { "alarm-certificate-ended" } else { "alarm-certificate-ends" };
    let args = [("at", end.display().into())];
    served.expires_soon(now).then(|| Messages::english().with(message, &args).into_owned())
}

fn sections(settings: &Settings) -> Vec<SettingSection> {
    let mut sections: Vec<SettingSection> = Vec::new();
    for one in settings.shown() {
        let (section, name) = one.key.split_once('.').unwrap_or(("", one.key));
        let row = row(name, &one);
        match sections.last_mut() {
            Some(last) if last.name == section => last.rows.push(row),
            _ => sections.push(SettingSection { name: section, rows: vec![row] }),
        }
    }
    sections
}

fn row(name: &'static str, one: &ShownSetting) -> SettingRow {
    SettingRow {
        name,
        value: one.value.clone(),
        owner: match one.origin {
            Some(_) => SettingOwner::Locked,
            None => SettingOwner::Default,
        },
        origin: one.origin.as_ref().map(ToString::to_string),
        reloaded: is_reloaded(one.key),
    }
}
