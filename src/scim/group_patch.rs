//! Changes of a group. Members are apart from the rest: they are sets of ids, however many.

use std::collections::BTreeSet;

use scim_v2::filter::{AttrExp, CompValue, CompareOp, PatchPath, ValFilter};
use serde_json::Value;

use super::group_repo::GroupDetails;
use super::patch::{self, Op, Operation};
use super::shape::{self, GROUP};
use super::{ScimError, filter, limits};
use crate::kernel::id::UserId;

/// What becomes of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEdit {
    /// Nobody stays but those who are added.
    pub cleared: bool,
    pub add: BTreeSet<UserId>,
    pub remove: BTreeSet<UserId>,
}

impl MemberEdit {
    fn add(&mut self, ids: BTreeSet<UserId>) {
        self.remove.retain(|id| !ids.contains(id));
        self.add.extend(ids);
    }

    fn remove(&mut self, ids: BTreeSet<UserId>) {
        self.add.retain(|id| !ids.contains(id));
        self.remove.extend(ids);
    }

    fn clear(&mut self) {
        *self = Self { cleared: true, ..Self::default() };
    }

    pub fn all(ids: BTreeSet<UserId>) -> Self {
        Self { cleared: true, add: ids, remove: BTreeSet::new() }
    }

    /// Who is in the group afterwards.
    pub fn of(&self, before: &BTreeSet<UserId>) -> BTreeSet<UserId> {
        let stay = before.iter().filter(|id| !self.cleared && !self.remove.contains(id));
        stay.chain(&self.add).copied().collect()
    }
}

/// A group as it is sent whole.
///
/// # Errors
/// [`ScimError::Value`] for a missing name, or for members that nobody could be.
pub fn read(given: &Value) -> Result<(GroupDetails, BTreeSet<UserId>), ScimError> {
    let members = filter::member(given, "members").unwrap_or(&Value::Null);
    Ok((details(given)?, ids(members)?))
}

fn details(given: &Value) -> Result<GroupDetails, ScimError> {
    let one_form = shape::resource(GROUP, given)?;
    let details: GroupDetails = serde_json::from_value(one_form)
        .map_err(|_| ScimError::value("the attributes do not fit the schema"))?;
    if details.display_name.is_empty() {
        return Err(ScimError::value("displayName is required"));
    }
    Ok(details)
}

/// Applies operations to a group's attributes, and says what they do to its members.
///
/// # Errors
/// As for [`patch::apply`].
pub fn apply(
    before: &GroupDetails,
    operations: &[Operation],
) -> Result<(GroupDetails, MemberEdit), ScimError> {
    let mut value = serde_json::to_value(before).unwrap_or_default();
    let mut edit = MemberEdit::default();
    for operation in operations {
        match &operation.path {
            Some(PatchPath::Attr(path)) if is_members(&path.name) => match path.sub_attr.as_deref()
            {
                None => whole(&mut edit, operation)?,
                Some(sub) => return Err(ScimError::Path(format!("members.{sub}"))),
            },
            Some(PatchPath::Value(path)) if is_members(&path.attr.name) => {
                let mut chosen = BTreeSet::new();
                named(&path.filter, &mut chosen)?;
                match (operation.op, &path.sub_attr) {
                    (Op::Remove, None) => edit.remove(chosen),
                    _ => return Err(ScimError::Path("members[…] can only be removed".to_owned())),
                }
            }
            _ => patch::apply(&mut value, GROUP, operation)?,
        }
    }
    Ok((details(&value)?, edit))
}

fn is_members(name: &str) -> bool {
    name.eq_ignore_ascii_case("members")
}

fn whole(edit: &mut MemberEdit, operation: &Operation) -> Result<(), ScimError> {
    match (operation.op, &operation.value) {
        (Op::Remove, Value::Null) => edit.clear(),
        // As Entra ID sends it.
        (Op::Remove, which) => edit.remove(ids(which)?),
        (Op::Add, new) => edit.add(ids(new)?),
        (Op::Replace, new) => {
            let new = ids(new)?;
            edit.clear();
            edit.add(new);
        }
    }
    Ok(())
}

/// The ids that a filter of equalities names.
fn named(filter: &ValFilter, into: &mut BTreeSet<UserId>) -> Result<(), ScimError> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(text)))
            if path.name.eq_ignore_ascii_case("value") =>
        {
            // Who is nobody is in no group either.
            into.extend(text.parse::<UserId>().ok());
            Ok(())
        }
        ValFilter::Or(any) => any.iter().try_for_each(|one| named(one, into)),
        _ => Err(ScimError::Filter("members are chosen by value eq \"…\"".to_owned())),
    }
}

/// Ids of a list, each an object with a `value` or the bare text.
fn ids(given: &Value) -> Result<BTreeSet<UserId>, ScimError> {
    let listed = match given {
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(listed) => listed.as_slice(),
        one => std::slice::from_ref(one),
    };
    if listed.len() > limits::GROUP_MEMBERS {
        return Err(ScimError::Most { what: "members of a group", most: limits::GROUP_MEMBERS });
    }
    let nobody = || ScimError::value("a member is named by the id of a user of this server");
    let id = |one: &Value| {
        let kind = filter::member(one, "type").and_then(Value::as_str);
        if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
            return Err(ScimError::value("only users can be in groups, not other groups"));
        }
        let text = filter::member(one, "value").unwrap_or(one).as_str().ok_or_else(nobody)?;
        text.parse::<UserId>().map_err(|_| nobody())
    };
    listed.iter().map(id).collect()
}
