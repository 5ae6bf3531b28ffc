//! What the pages need of a call, in whichever console.

use std::sync::Arc;

use crate::app::App;
use crate::authz::permission::{
    AuditStream, AuditStreamRead, PlatformAuditStream, PlatformAuditStreamRead,
};
use crate::authz::{Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::streams::{Manages, Sees};
use crate::trail;
use crate::web::frame;
use crate::web::pages::{also, also_platform};
use crate::web::view::chrome::{Chrome, Section};

/// A page of the administration, as the log names it.
const PAGE: &str = "streams";

pub trait Desk: 'static {
    type See: Sees;
    type Manage: Manages;
    const IS_PLATFORM: bool;

    fn app(&self) -> &Arc<App>;
    fn input(&self) -> &Input;
    /// Of the list of streams.
    fn path(&self) -> String;
    fn sees(&self) -> Result<Grant<Self::See>, Failure>;
    /// For who may change streams.
    fn manages(&self) -> Option<Grant<Self::Manage>>;
    async fn chrome(&self, title: &str) -> Result<Chrome, Failure>;

    /// Records that somebody opened the page.
    async fn opened(&self) -> Result<(), Failure> {
        trail::record_admin_access(&self.app().tenants, &self.sees()?, PAGE).await?;
        Ok(())
    }
}

impl<P: Permission> Desk for Call<P> {
    type See = AuditStreamRead;
    type Manage = AuditStream;
    const IS_PLATFORM: bool = false;

    fn app(&self) -> &Arc<App> {
        &self.app
    }

    fn input(&self) -> &Input {
        &self.input
    }

    fn path(&self) -> String {
        format!("/t/{}/admin/audit/streams", self.tenant.slug)
    }

    fn sees(&self) -> Result<Grant<AuditStreamRead>, Failure> {
        also(self)
    }

    fn manages(&self) -> Option<Grant<AuditStream>> {
        self.also()
    }

    async fn chrome(&self, title: &str) -> Result<Chrome, Failure> {
        frame::tenant(self, title, Section::Audit).await
    }
}

impl<P: Permission> Desk for PlatformCall<P> {
    type See = PlatformAuditStreamRead;
    type Manage = PlatformAuditStream;
    const IS_PLATFORM: bool = true;

    fn app(&self) -> &Arc<App> {
        &self.app
    }

    fn input(&self) -> &Input {
        &self.input
    }

    fn path(&self) -> String {
        "/platform/audit/streams".to_owned()
    }

    fn sees(&self) -> Result<Grant<PlatformAuditStreamRead>, Failure> {
        also_platform(self)
    }

    fn manages(&self) -> Option<Grant<PlatformAuditStream>> {
        self.also()
    }

    async fn chrome(&self, title: &str) -> Result<Chrome, Failure> {
        frame::platform(self, title, Section::PlatformAudit).await
    }
}
