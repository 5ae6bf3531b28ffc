//! Adding a provider, and changing how it is connected.

use actix_web::http::StatusCode;

use super::connection_form::{self, Sent};
use super::{approvals, base, found, given, opened, with_notice, words};
use crate::authz::permission::SsoManage;
use crate::http::call::Call;
use crate::http::route::Answer;
use crate::kernel::Fault;
use crate::outgoing::Allowed;
use crate::sso::{self, NewProvider, Provider, ProviderChange, ProviderSettings, SsoError};
use crate::web::messages::Messages;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
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
            // There is no address to fetch from.
            let by_file = preset == sso::Preset::GoogleWorkspace && kind == Kind::SamlUrl;
            let kind = if by_file { Kind::SamlXml } else { kind };
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
    let settings = sent.new_settings();
    let metadata = match metadata(&call, &sent, &settings).await {
        Ok(metadata) => metadata,
        Err(error) => return refused(&call, None, form, error).await,
    };
    let new = NewProvider { settings, metadata, secret: sent.secret() };
    match sso::create(&call.app.tenants, &call.grant, new).await {
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
    let metadata = match metadata(&call, &sent, &settings).await {
        Ok(metadata) => metadata,
        Err(error) => return refused(&call, Some(&provider), form, error).await,
    };
    let secret = sent.secret();
    if settings == provider.settings && secret.is_none() && metadata.is_none() {
        let here = format!("{}/{}", base(&call), provider.id);
        return Ok(respond::see_other(&with_notice(&here, Notice::NothingChanged)));
    }
    let change = ProviderChange { state: None, settings: Some(settings), metadata, secret };
    match sso::change(&call.app.tenants, &call.grant, provider.id, change).await {
        Ok(_) => {
            let here = format!("{}/{}", base(&call), provider.id);
            Ok(respond::see_other(&with_notice(&here, Notice::ProviderChanged)))
        }
        Err(error) => refused(&call, Some(&provider), form, error).await,
    }
}

/// What the provider says about itself goes over what stands in the form: what was pasted, or what
/// is at its address, where the form holds nothing else.
async fn metadata(
    call: &Call<SsoManage>,
    sent: &Sent,
    settings: &ProviderSettings,
) -> Result<Option<String>, SsoError> {
    let pasted = sent.metadata();
    if pasted.is_some() {
        return Ok(pasted);
    }
    let allowed = Allowed::Also(call.app.settings.sso.allowed_addresses.clone());
    sso::fetch_metadata(allowed, settings).await
}

async fn refused(
    call: &Call<SsoManage>,
    existing: Option<&Provider>,
    mut form: ConnectionForm,
    error: SsoError,
) -> Answer {
    let error = match error {
        SsoError::Approval(error) => return approvals::answer(call, *error).await,
        error @ (SsoError::Door(_) | SsoError::NotFound | SsoError::NotAnOwner) => {
            return Err(error.into());
        }
        error => error,
    };
    let said = words::said(&error);
    let field = error.field().and_then(|name| connection_form::place(&mut form, name));
    let problem = match field {
        Some(field) => {
            field.error = Some(FieldError::Other(said));
            None
        }
        None => Some(said),
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
            let choose = Messages::english().text("sso-choose-again").into_owned();
            ("sso-new", format!("{base}/new"), (format!("{base}/new"), choose))
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
