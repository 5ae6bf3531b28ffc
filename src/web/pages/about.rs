//! `/platform/about`: which release this is, and what it is made of.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::authz::permission::PlatformDoctorRun;
use crate::http::call::PlatformCall;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::ops::components;
use crate::web::view::about::{AboutPage, Library};
use crate::web::view::chrome::Section;
use crate::web::{frame, respond};

pub fn routes() -> Vec<Route> {
    const QUIET: Audit = Audit::Nothing("it says of the binary what everybody has who has it");
    vec![
        Route::platform(Method::Get, "/platform/about", QUIET, show)
            .says("Version, build and libraries with their licences"),
        Route::platform(Method::Get, "/platform/about/sbom", QUIET, bill)
            .says("The bill of materials (CycloneDX)"),
    ]
}

async fn show(call: PlatformCall<PlatformDoctorRun>) -> Answer {
    let libraries = components::all().map(|one| Library {
        name: one.name,
        version: one.version,
        licence: one.licence,
    });
    respond::page(&AboutPage {
        version: env!("CARGO_PKG_VERSION"),
        build: crate::BUILD,
        libraries: libraries.collect(),
        chrome: frame::platform(&call, "about-title", Section::Jobs).await?,
    })
}

async fn bill(_call: PlatformCall<PlatformDoctorRun>) -> Answer {
    let text = components::bill_of_materials().to_string();
    let name =
        format!("attachment; filename=\"strongroom-{}.cdx.json\"", env!("CARGO_PKG_VERSION"));
    Ok(HttpResponse::Ok()
        .content_type("application/vnd.cyclonedx+json; version=1.5")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(text))
}
