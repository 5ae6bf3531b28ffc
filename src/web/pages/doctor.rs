//! `/platform/doctor`: whether the installation is as it should be.

use crate::audit::catalogue;
use crate::authz::permission::PlatformDoctorRun;
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::ops::doctor::{Outcome, Patient, Room, State, Wanted, examine, worst};
use crate::web::view::chrome::Section;
use crate::web::view::doctor::{CheckRoom, CheckRow, DoctorPage};
use crate::web::view::state::CheckState;
use crate::web::{frame, respond};

const PAGE: &str = "/platform/doctor";

pub fn routes() -> Vec<Route> {
    let run = Audit::Events(&[catalogue::DOCTOR_RUN]);
    vec![
        Route::platform(Method::Get, PAGE, run, look)
            .says("Whether the installation is as it should be"),
        Route::platform(Method::Post, PAGE, run, look_around)
            .says("The same, with connections to what is set up elsewhere"),
    ]
}

async fn look(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    page(&call, false).await
}

async fn look_around(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    page(&call, true).await
}

async fn page(call: &PlatformCall<PlatformDoctorRun>, network: bool) -> Answer {
    let app = &call.app;
    let patient = Patient {
        tenants: &app.tenants,
        settings: &app.in_force(),
        caller: call.grant.caller(),
        running: Some((&app.streams, &app.mailer)),
    };
    let outcomes = examine(&patient, &Wanted { network, ..Wanted::default() }).await?;
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
