//! Handlers of the console, one file a domain. Each fills a page struct of [`super::view`].

mod about;
mod access;
mod account;
mod approvals;
mod audit;
mod audit_changes;
mod audit_entry;
mod audit_rows;
mod audit_searches;
mod audit_settings;
mod audit_suggest;
mod audit_tail;
mod audit_verify;
mod backup_state;
mod backups;
mod by_mail;
mod choose_password;
mod closings;
mod configuration;
mod conversation;
mod conversations;
mod docs;
mod doctor;
mod erasures;
mod exports;
mod files;
mod holds;
mod home;
mod identity_providers;
mod incident;
mod invitations;
mod jobs;
mod join;
mod keys;
mod landing;
mod member;
mod members;
mod new_conversation;
mod own_email;
mod own_factors;
mod own_sessions;
mod passkey_sign_in;
mod passkeys;
mod performance;
mod permissions;
mod platform;
mod platform_admins;
mod platform_settings;
mod platform_tenant;
mod provider_door;
mod reset_factors;
mod restore_tests;
mod retention;
mod roles;
mod scim;
mod second_factor;
mod security;
mod sessions;
mod setup;
mod sign_in;
mod sign_in_settings;
mod single_sign_on;
mod sso;
pub mod step_up;
mod streams;
mod who;
mod witnesses;

pub use by_mail::AskKind;

use super::view::form::Choice;
use super::view::state::Notice;
use crate::authz::{Denied, Grant, Permission};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    let domains = [
        files::routes(),
        docs::routes(),
        security::routes(),
        landing::routes(),
        setup::routes(),
        sign_in::routes(),
        provider_door::routes(),
        by_mail::routes(),
        join::routes(),
        second_factor::routes(),
        sso::routes(),
        choose_password::routes(),
        home::routes(),
        conversations::routes(),
        new_conversation::routes(),
        conversation::routes(),
        members::routes(),
        invitations::routes(),
        keys::routes(),
        witnesses::routes(),
        audit_settings::routes(),
        retention::routes(),
        holds::routes(),
        exports::routes(),
        streams::routes(),
        audit::routes(),
        audit_searches::routes(),
        audit_suggest::routes(),
        audit_tail::routes(),
        audit_verify::routes(),
        // After the others below the explorer: the number takes any name.
        audit_entry::routes(),
        permissions::routes(),
        roles::routes(),
        account::routes(),
        own_sessions::routes(),
        sessions::routes(),
        access::routes(),
        own_email::routes(),
        step_up::routes(),
        approvals::routes(),
        erasures::routes(),
        scim::routes(),
        sign_in_settings::routes(),
        // Before what else is below: ids of providers take any name.
        single_sign_on::routes(),
        // After the others below single sign-on: the id takes any name.
        identity_providers::routes(),
        own_factors::routes(),
        reset_factors::routes(),
        passkeys::routes(),
        passkey_sign_in::routes(),
        platform::routes(),
        platform_settings::routes(),
        configuration::routes(),
        // Before the tenants: a change of state takes any name.
        closings::routes(),
        restore_tests::routes(),
        platform_tenant::routes(),
        platform_admins::routes(),
        backups::routes(),
        jobs::routes(),
        doctor::routes(),
        incident::routes(),
        performance::routes(),
        about::routes(),
        // After the others below the members: the id takes any name.
        member::routes(),
    ];
    domains.into_iter().flatten().collect()
}

/// A grant that a page needs beside its route's own.
fn also<P: Permission, Q: Permission>(call: &Call<P>) -> Result<Grant<Q>, Failure> {
    call.also::<Q>().ok_or_else(|| Denied::Missing(Q::FLAG.name()).into())
}

/// The same on the platform.
fn also_platform<P: Permission, Q: Permission>(
    call: &PlatformCall<P>,
) -> Result<Grant<Q>, Failure> {
    call.also::<Q>().ok_or_else(|| Denied::Missing(Q::FLAG.name()).into())
}

/// All roles that somebody may give, the tenant's own included, as options.
async fn role_choices<P: Permission>(
    call: &Call<P>,
    selected: &str,
) -> Result<Vec<Choice>, Failure> {
    let roles = crate::roles::choices(&call.app.tenants, &call.grant).await?;
    let choice = |role: crate::roles::RoleView| Choice {
        label: self::roles::name(&role),
        selected: role.code == selected,
        value: role.code,
    };
    Ok(roles.into_iter().map(choice).collect())
}

/// A place to go to after a form, with what to say there.
fn with_notice(path: &str, notice: Notice) -> String {
    format!("{path}?notice={}", notice.code())
}
