//! Legal holds: what must not be deleted, whatever the policies say, and why.

mod check;

pub use check::{
    Held, any, conversation, is_held_conversation, is_held_subject, is_held_tenant, subject, tenant,
};
