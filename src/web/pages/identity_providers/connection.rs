//! Adding a provider, and changing how it is connected.

use actix_web::http::StatusCode;

use super::connection_form::{self, Sent};
use super::{approvals, base, found, given, opened, with_notice, words};
use crate::authz::permission::SsoManage;
use crate::http::call::Call;
use crate::http::route::Answer;
use crate::kernel::Fault;
use crate::sso::{self, Metadata, NewProvider, Provider, ProviderChange, SsoError};
use crate::web::problems::{as_sentence, sentence};
use crate::web::view::chrome::Section;
use crate::web::view::form::Field;
use crate::web::view::identity_providers::{
    ChoosePage, ConnectionForm, ConnectionPage, Kind, KindRow,
};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

/// First which product and protocol, then the form for these.
pub async fn new(call: Call<SsoManage>) -> Answer {
    opened(&call).await?;
    let asked: Vec<(String, String)> = call.input.query()?;
    let value = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    let preset = value("preset").and_then(words::parse_preset);
    match (preset, value("kind").and_then(Kind::parse)) {
        (Some(preset), Some(kind)) => {
            let mut form = Sent::empty(preset, kind).page(None);
            form.secret_lost = false;
            page(&call, None, form, None).await
        }
        (preset, kind) => {
            let kind = kind.unwrap_or_default();
            let row = |code: Kind| {
                let (name, text) = code.messages();
                KindRow { code: code.code(), name, text, is_chosen: code == kind }
            };
            respond::page(&ChoosePage {
                chrome: frame::tenant(&call, "sso-new", Section::Permissions).await?,
                preset: Field::default(),
                presets: words::presets(preset.unwrap_or(sso::Preset::EntraId)),
                kinds: Kind::ALL.map(row).into(),
            })
        }
    }
}

pub async fn create(call: Call<SsoManage>) -> Answer {
    let sent: Sent = call.input.form()?;
    let mut form = sent.page(None);
    if connection_form::missing(&mut form) {
        return page(&call, None, form, None).await;
    }
    let new = NewProvider {
        settings: sent.new_settings(),
        secret: sent.secret(),
        metadata: metadata(&sent),
    };
    match sso::create(&call.app.tenants, &call.grant, &call.app.fetcher, new).await {
        Ok(provider) => {
            let here = format!("{}/{}/test", base(&call), provider.id);
            Ok(respond::see_other(&with_notice(&here, Notice::ProviderCreated)))
        }
        Err(error) => refused(&call, None, form, error).await,
    }
}

pub async fn edit(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    opened(&call).await?;
    let form = Sent::of(&provider).page(Some(&provider));
    page(&call, Some(&provider), form, None).await
}

pub async fn change(call: Call<SsoManage>) -> Answer {
    let provider = found(&call).await?;
    let sent: Sent = call.input.form()?;
    let mut form = sent.page(Some(&provider));
    if connection_form::missing(&mut form) {
        return page(&call, Some(&provider), form, None).await;
    }
    let settings = sent.changed_settings(&provider);
    let (secret, metadata) = (sent.secret(), metadata(&sent));
    if settings == provider.settings && secret.is_none() && metadata.is_none() {
        let here = format!("{}/{}", base(&call), provider.id);
        return Ok(respond::see_other(&with_notice(&here, Notice::NothingChanged)));
    }
    let change = ProviderChange { settings, secret, metadata };
    let app = &call.app;
    match sso::change(&app.tenants, &call.grant, &app.fetcher, provider.id, change).await {
        Ok(_) => {
            let here = format!("{}/{}", base(&call), provider.id);
            Ok(respond::see_other(&with_notice(&here, Notice::ProviderChanged)))
        }
        Err(error) => refused(&call, Some(&provider), form, error).await,
    }
}

async fn refused(
    call: &Call<SsoManage>,
    existing: Option<&Provider>,
    mut form: ConnectionForm,
    error: SsoError,
) -> Answer {
    let problem = match error {
        SsoError::Approval(error) => return approvals::answer(call, *error).await,
        SsoError::Door(error) => return Err(error.into()),
        SsoError::NotFound => return Err(SsoError::NotFound.into()),
        SsoError::Setting { field, problem } => match connection_form::place(&mut form, field) {
            Some(field) => {
                field.error = Some(sentence(&problem));
                None
            }
            None => Some(as_sentence(&problem)),
        },
        error => {
            let text = error.to_string();
            let field = error.field().and_then(|name| connection_form::place(&mut form, name));
            match field {
                Some(field) => {
                    field.error = Some(sentence(&text));
                    None
                }
                None => Some(as_sentence(&text)),
            }
        }
    };
    page(call, existing, form, problem).await
}

async fn page(
    call: &Call<SsoManage>,
    existing: Option<&Provider>,
    form: ConnectionForm,
    problem: Option<String>,
) -> Answer {
    let base = base(call);
    let preset = words::parse_preset(&form.preset.value).unwrap_or_default();
    let (title, here, up) = match existing {
        None => {
            let title = frame_words("sso-new");
            ("sso-new", format!("{base}/new"), (format!("{base}/new"), title))
        }
        Some(provider) => {
            let here = format!("{base}/{}", provider.id);
            let up = (here.clone(), provider.settings.name.clone());
            ("sso-edit-connection", format!("{here}/connection"), up)
        }
    };
    let status = match form.is_refused() || problem.is_some() {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let protocol = form.kind.protocol();
    let page = ConnectionPage {
        chrome: frame::tenant(call, title, Section::Permissions).await?,
        cancel: if existing.is_some() { up.0.clone() } else { base },
        up,
        action: here,
        given: given(call).of(words::preset(preset), protocol),
        help: if form.is_new { words::help(preset, protocol) } else { Vec::new() },
        form,
        problem,
    };
    respond::page_with(status, &page)
}
