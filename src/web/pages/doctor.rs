//! `/platform/doctor`: whether the installation is as it should be, mending what can be mended
//! without harm, and what somebody who helps from elsewhere needs to know.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{also_platform, jobs};
use crate::app::App;
use crate::audit::catalogue;
use crate::authz::Permission;
use crate::authz::permission::{PlatformDoctorMend, PlatformDoctorRun};
use crate::config::Settings;
use crate::http::call::PlatformCall;
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::ErrorKind;
use crate::ops::doctor::{Outcome, Patient, Room, State, Wanted, examine, find, worst};
use crate::ops::support;
use crate::web::view::chrome::Section;
use crate::web::view::doctor::{CheckRoom, CheckRow, DoctorPage};
use crate::web::view::state::CheckState;
use crate::web::{frame, respond};

const PAGE: &str = "/platform/doctor";
const MEND: &str = "/platform/doctor/mend";
const BUNDLE: &str = "/platform/doctor/support-bundle";

pub fn routes() -> Vec<Route> {
    let run = Audit::Events(&[catalogue::DOCTOR_RUN]);
    vec![
        Route::platform(Method::Get, PAGE, run, look)
            .says("Whether the installation is as it should be"),
        Route::platform(Method::Post, PAGE, run, look_around)
            .says("The same, with connections to what is set up elsewhere"),
        Route::platform(Method::Post, MEND, run, mend)
            .says("Mends what one of the checks has found, where that does no harm"),
        Route::platform(Method::Post, BUNDLE, run, bundle)
            .says("A file for whoever helps from elsewhere, without secrets and names"),
    ]
}

async fn look(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    page(&call, false, Vec::new()).await
}

async fn look_around(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    page(&call, true, Vec::new()).await
}

#[derive(Deserialize)]
struct Mend {
    check: String,
}

async fn mend(call: PlatformCall<PlatformDoctorMend>) -> Answer {
    let Mend { check } = call.input.form()?;
    // No name at all would mean every check.
    if find(&check).is_none() {
        return Err(Failure::new(ErrorKind::Invalid, "check", "there is no check of this name"));
    }
    let settings = call.app.in_force();
    let wanted = Wanted { fix: true, names: vec![check], ..Wanted::default() };
    let mended = examine(&patient(&call, &settings), &wanted).await?;
    page(&call, false, mended).await
}

/// Made when it is asked for and kept nowhere.
async fn bundle(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    let settings = call.app.in_force();
    let zone = jobs::zone(&call);
    let parts = support::gather(&patient(&call, &settings), zone).await?;
    let packed = support::pack(&parts, Vec::new()).map_err(|error| {
        tracing::error!(%error, "a support bundle could not be put together");
        Failure::new(ErrorKind::Internal, "internal", "the bundle could not be put together")
    })?;
    let mut answer = HttpResponse::Ok().content_type("application/zstd").body(packed);
    let name = "attachment; filename=\"strongroom-support.tar.zst\"";
    put(answer.headers_mut(), "content-disposition", name);
    Ok(answer)
}

fn patient<'a, P: Permission>(call: &'a PlatformCall<P>, settings: &'a Settings) -> Patient<'a> {
    let App { tenants, streams, mailer, .. } = &*call.app;
    Patient { tenants, settings, caller: call.grant.caller(), running: Some((streams, mailer)) }
}

/// `mended` is what somebody has just had mended.
async fn page<P: Permission>(
    call: &PlatformCall<P>,
    network: bool,
    mended: Vec<Outcome>,
) -> Answer {
    also_platform::<_, PlatformDoctorRun>(call)?;
    let settings = call.app.in_force();
    let wanted = Wanted { network, ..Wanted::default() };
    let outcomes = examine(&patient(call, &settings), &wanted).await?;
    let count = |state| outcomes.iter().filter(|outcome| outcome.state == state).count() as u64;
    let mut needs: Vec<_> = outcomes.iter().filter(|outcome| outcome.mend.is_some()).collect();
    needs.sort_by_key(|outcome| std::cmp::Reverse(outcome.state));
    let of = |room: Room| {
        let checks = outcomes.iter().filter(|outcome| outcome.room == room).map(row).collect();
        CheckRoom { name: room.name(), checks }
    };
    respond::page(&DoctorPage {
        state: state(worst(&outcomes)),
        fail: count(State::Fail),
        warn: count(State::Warn),
        ok: count(State::Ok),
        none: count(State::NotApplicable),
        needs: needs.into_iter().map(row).collect(),
        mended: mended.into_iter().filter_map(|one| Some((one.title, one.fixed?))).collect(),
        may_mend: call.also::<PlatformDoctorMend>().is_some(),
        rooms: Room::ALL.into_iter().map(of).collect(),
        chrome: frame::platform(call, "doctor-title", Section::Jobs).await?,
    })
}

const fn state(state: State) -> CheckState {
    match state {
        State::Ok => CheckState::Ok,
        State::Warn => CheckState::Warn,
        State::Fail => CheckState::Fail,
        State::NotApplicable => CheckState::NotApplicable,
    }
}

fn row(outcome: &Outcome) -> CheckRow {
    CheckRow {
        name: outcome.name.clone(),
        title: outcome.title.clone(),
        state: state(outcome.state),
        found: outcome.found.clone(),
        expected: outcome.expected.clone(),
        mend: outcome.mend.clone(),
        page: outcome.page.clone(),
        fixable: outcome.fixable,
    }
}
