//! The audit entries that go with a write.

use std::sync::Arc;

use crate::audit::Event;

/// What a write appends to the log, in this order.
#[derive(Default)]
pub struct AuditEvents {
    /// The server's own; actor, address and request come from the grant.
    pub(super) own: Vec<Event>,
    /// Payloads of what an application reports; complete as they are.
    pub(super) reported: Option<Arc<[Vec<u8>]>>,
}

impl AuditEvents {
    /// Only for a write that turns out to change nothing; one that does change something is
    /// stopped before it is committed.
    pub fn none() -> Self {
        Self::default()
    }

    pub fn reported(payloads: Arc<[Vec<u8>]>) -> Self {
        Self { own: Vec::new(), reported: Some(payloads) }
    }

    #[must_use]
    pub fn and(mut self, event: Event) -> Self {
        self.own.push(event);
        self
    }

    /// These entries, then the others.
    #[must_use]
    pub fn then(mut self, others: Self) -> Self {
        self.own.extend(others.own);
        self.reported = self.reported.or(others.reported);
        self
    }

    pub(super) fn len(&self) -> usize {
        self.own.len() + self.reported.as_ref().map_or(0, |payloads| payloads.len())
    }
}

impl From<Event> for AuditEvents {
    fn from(event: Event) -> Self {
        Self { own: vec![event], reported: None }
    }
}
