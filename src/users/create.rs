//! Adding a member.

use super::model::{Member, MemberState, NewMember, Prepared, SecondFactor, UserError};
use super::repo;
use crate::approvals;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::{Hasher, SignInPolicy};
use crate::authz::permission::UserCreate;
use crate::authz::{Grant, Realm, Rights, Role};
use crate::kernel::id::{KeyId, UserId};
use crate::roles;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// # Errors
/// [`UserError::TooMuch`] when the role has rights that the caller lacks.
pub async fn create(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<UserCreate>,
    new: NewMember,
) -> Result<Member, UserError> {
    let new = new.prepare(hasher, &tenants.place(grant.realm())).await?;
    let subject = tenants.new_subject(grant.realm()).await?;
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        let rights = roles::give(tx, &principal, &new.role)?;
        approvals::pass_role(tx, rights.permissions())?;
        let member = insert(tx, subject, &new, &rights)?;
        let event = created(&member);
        Ok::<_, UserError>((member, event.into()))
    });
    Ok(written.await?.value)
}

/// The first owner, put into a new tenant's files.
pub fn seed_owner(
    tx: &mut WriteTx<'_, UserCreate>,
    subject: KeyId,
    owner: &Prepared,
) -> Result<AuditEvents, UserError> {
    Ok(created(&insert(tx, subject, owner, &Role::Owner.into())?).into())
}

/// `rights` are those of the role, as found in this transaction.
pub(super) fn insert<P>(
    tx: &mut WriteTx<'_, P>,
    subject: KeyId,
    new: &Prepared,
    rights: &Rights,
) -> Result<Member, UserError> {
    let (id, now) = (tx.runtime().id::<UserId>(), tx.runtime().now());
    repo::insert(tx, id, subject, new, rights.role(), now)?;
    let realm = Realm::Tenant(tx.owner());
    let must = SignInPolicy::read(tx)?.wants_second_factor(realm, rights.permissions());
    Ok(Member {
        id,
        name: Some(new.name.clone()),
        email: Some(new.email.clone()),
        role: rights.role().to_owned(),
        state: MemberState::Active,
        second_factor: SecondFactor::of(false, must),
        created_at: now,
        signed_in_at: None,
    })
}

pub(super) fn created(member: &Member) -> Event {
    let mut event = Event::new(catalogue::USER_CREATED);
    event.resource = Some(Resource::new("user", member.id.to_string()));
    let role = Change { old: None, new: Some(member.role.as_str().into()) };
    event.changes.insert("role".into(), role);
    event
}
