//! Trying a provider out, and reports of sign-ins.

use super::{base, found, given_to, opened, rows};
use crate::authz::permission::{SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::route::Answer;
use crate::kernel::id::SsoTestId;
use crate::sso;
use crate::web::messages::Messages;
use crate::web::view::chrome::Section;
use crate::web::view::identity_providers::{ReportDocument, ReportPage, TestPage};
use crate::web::{frame, respond};

pub async fn test(call: Call<SsoRead>) -> Answer {
    let provider = found(&call).await?;
    opened(&call).await?;
    let base = base(&call);
    let reports = sso::reports(&call.app.tenants, &call.grant, provider.id).await?;
    let name = provider.settings.name.clone();
    let mut chrome = frame::tenant(&call, "sso-title", Section::Permissions).await?;
    chrome.title = chrome.w("sso-test-title", "name", &name);
    respond::page(&TestPage {
        chrome,
        href: format!("{base}/{}", provider.id),
        start: format!("/t/{}/sso/{}?for=test", call.tenant.slug, provider.id),
        given: given_to(&call, &provider),
        tests: rows::reports(&reports, &base),
        may_manage: call.also::<SsoManage>().is_some(),
        name,
    })
}

pub async fn report(call: Call<SsoRead>) -> Answer {
    let provider = found(&call).await?;
    let id: SsoTestId = call.input.id("test")?;
    // Its entry says which report was opened.
    let report = sso::report(&call.app.tenants, &call.grant, provider.id, id).await?;
    let trace = report.content.trace;
    let mut chrome = frame::tenant(&call, "sso-report-title", Section::Permissions).await?;
    chrome.title = format!("{} · {}", chrome.title, provider.settings.name);
    let document = |document: crate::authn::sso::Document| ReportDocument {
        title: Messages::english().label("sso-document-", &document.title),
        text: document.text,
    };
    respond::page(&ReportPage {
        chrome,
        name: provider.settings.name.clone(),
        href: format!("{}/{}", base(&call), provider.id),
        at: report.summary.created_at,
        kind: report.summary.kind.name(),
        passed: report.summary.passed,
        is_on: provider.state == sso::ProviderState::On,
        refusal: trace.refusal.map(crate::authn::sso::Refusal::code),
        steps: trace.steps.into_iter().map(rows::step).collect(),
        documents: trace.documents.into_iter().map(document).collect(),
        arrived: report.content.arrived.map(rows::arrived).unwrap_or_default(),
        may_manage: call.also::<SsoManage>().is_some(),
    })
}
