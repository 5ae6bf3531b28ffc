//! The form for who gets in, read and written.

use super::words;
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::kernel::limits;
use crate::roles::RoleView;
use crate::sso::{
    self, Mapping, Protocol, Provider, ProviderSettings, Provisioning, RoleRule, Trust,
};
use crate::web::messages::Messages;
use crate::web::pages::roles;
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::identity_providers::{PeopleForm, RuleFields, UsualNames};

/// The fields as they come in.
#[derive(Default)]
pub struct Sent {
    domains: String,
    link: bool,
    create: bool,
    rules: Vec<RoleRule>,
    default_role: String,
    email: String,
    full_name: String,
    given_name: String,
    family_name: String,
    trust: String,
    session_hours: String,
    /// What to do with the list of rules.
    act: String,
}

impl Sent {
    pub fn read(input: &Input) -> Result<Self, Failure> {
        let fields: Vec<(String, String)> = input.form()?;
        let mut sent = Self::default();
        let (mut values, mut roles) = (Vec::new(), Vec::new());
        for (name, value) in fields {
            match name.as_str() {
                "domains" => sent.domains = value,
                "link" => sent.link = true,
                "create" => sent.create = true,
                "rule_attribute" => sent.rules.push(rule(value)),
                "rule_value" => values.push(value),
                "rule_role" => roles.push(value),
                "default_role" => sent.default_role = value,
                "email" => sent.email = value,
                "full_name" => sent.full_name = value,
                "given_name" => sent.given_name = value,
                "family_name" => sent.family_name = value,
                "trust" => sent.trust = value,
                "session_hours" => sent.session_hours = value,
                "act" => sent.act = value,
                _ => {}
            }
        }
        for (rule, value) in sent.rules.iter_mut().zip(values) {
            value.trim().clone_into(&mut rule.value);
        }
        for (rule, role) in sent.rules.iter_mut().zip(roles) {
            rule.role = role;
        }
        Ok(sent)
    }

    pub fn of(settings: &ProviderSettings) -> Self {
        let ProviderSettings { mapping, provisioning, trust, .. } = settings;
        Self {
            domains: settings.domains.join("\n"),
            link: provisioning.link,
            create: provisioning.create,
            rules: provisioning.rules.clone(),
            default_role: provisioning.default_role.clone().unwrap_or_default(),
            email: mapping.email.join("\n"),
            full_name: mapping.name.join("\n"),
            given_name: mapping.given_name.join("\n"),
            family_name: mapping.family_name.join("\n"),
            trust: trust.second_factor_contexts.join("\n"),
            session_hours: settings.session_hours.map_or_else(String::new, |h| h.to_string()),
            act: String::new(),
        }
    }

    /// Does to the list of rules what a button asked for.
    pub fn act(&mut self, provider: &Provider) {
        let (act, number) = self.act.split_once('-').unwrap_or((self.act.as_str(), ""));
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let at = at.filter(|at| *at < self.rules.len());
        match (act, at) {
            ("add", _) if self.rules.len() < limits::PROVIDER_RULES => {
                let attribute = match self.rules.last() {
                    Some(last) => last.attribute.clone(),
                    None => sso::suggestion(provider.settings.preset, is_saml(provider)).groups,
                };
                self.rules.push(rule(attribute));
            }
            ("up", Some(at)) if at > 0 => self.rules.swap(at, at - 1),
            ("down", Some(at)) if at + 1 < self.rules.len() => self.rules.swap(at, at + 1),
            ("remove", Some(at)) => drop(self.rules.remove(at)),
            _ => {}
        }
    }

    pub fn changed_settings(&self, existing: &Provider) -> ProviderSettings {
        ProviderSettings {
            domains: words::domains(&self.domains),
            mapping: Mapping {
                email: words::lines(&self.email),
                name: words::lines(&self.full_name),
                given_name: words::lines(&self.given_name),
                family_name: words::lines(&self.family_name),
            },
            provisioning: Provisioning {
                create: self.create,
                link: self.link,
                rules: self.rules.clone(),
                default_role: words::filled(&self.default_role),
            },
            trust: Trust { second_factor_contexts: words::lines(&self.trust) },
            session_hours: words::filled(&self.session_hours).map(|text| words::number(&text)),
            ..existing.settings.clone()
        }
    }

    /// What the page shows. `roles` are those that the person may give.
    pub fn page(&self, provider: &Provider, roles: &[RoleView], unsaved: bool) -> PeopleForm {
        let usual = sso::suggestion(provider.settings.preset, is_saml(provider));
        let named = |names: &[String]| names.join(", ");
        PeopleForm {
            domains: Field::value(&self.domains),
            link: self.link,
            create: self.create,
            rules: self.rules(roles),
            unsaved,
            default_role: Field::value(&self.default_role),
            default_roles: self.default_roles(roles),
            email: Field::value(&self.email),
            full_name: Field::value(&self.full_name),
            given_name: Field::value(&self.given_name),
            family_name: Field::value(&self.family_name),
            usual: UsualNames {
                email: named(&usual.mapping.email),
                full_name: named(&usual.mapping.name),
                given_name: named(&usual.mapping.given_name),
                family_name: named(&usual.mapping.family_name),
                trust: named(&usual.second_factor_contexts),
            },
            trust: Field::value(&self.trust),
            session_hours: Field::value(&self.session_hours),
        }
    }

    fn rules(&self, roles: &[RoleView]) -> Vec<RuleFields> {
        let fields = |(number, rule): (u64, &RoleRule)| RuleFields {
            number,
            attribute: Field::value(&rule.attribute),
            value: Field::value(&rule.value),
            role: Field::value(&rule.role),
            roles: rule_roles(roles, &rule.role),
            is_first: number == 1,
            is_last: number == self.rules.len() as u64,
        };
        (1..).zip(&self.rules).map(fields).collect()
    }

    fn default_roles(&self, roles: &[RoleView]) -> Vec<Choice> {
        let none = Choice {
            value: String::new(),
            label: Messages::english().text("sso-default-role-none").into_owned(),
            selected: self.default_role.is_empty(),
        };
        let mut all = vec![none];
        all.extend(choices(roles, &self.default_role));
        all
    }
}

fn rule(attribute: String) -> RoleRule {
    let attribute = attribute.trim().to_owned();
    RoleRule { attribute, value: String::new(), role: String::new() }
}

pub fn is_saml(provider: &Provider) -> bool {
    matches!(provider.settings.protocol, Protocol::Saml(_))
}

/// For a new rule, none is chosen by itself.
fn rule_roles(roles: &[RoleView], selected: &str) -> Vec<Choice> {
    let mut all = choices(roles, selected);
    if selected.is_empty() {
        let label = Messages::english().text("sso-rule-role-choose").into_owned();
        all.insert(0, Choice { value: String::new(), label, selected: true });
    }
    all
}

/// A role that was set by somebody else, or that is gone, stays what it is.
fn choices(roles: &[RoleView], selected: &str) -> Vec<Choice> {
    let choice = |role: &RoleView| Choice {
        value: role.code.clone(),
        label: roles::name(role),
        selected: role.code == selected,
    };
    let mut all: Vec<Choice> = roles.iter().map(choice).collect();
    if !selected.is_empty() && !all.iter().any(|choice| choice.selected) {
        let label = Messages::english().label("role-", selected);
        all.insert(0, Choice { value: selected.to_owned(), label, selected: true });
    }
    all
}

/// Rules that are not finished.
pub fn missing(form: &mut PeopleForm) -> bool {
    let fields = form
        .rules
        .iter_mut()
        .flat_map(|rule| [&mut rule.attribute, &mut rule.value, &mut rule.role].into_iter());
    let mut any = false;
    for field in fields.filter(|field| field.value.trim().is_empty()) {
        field.error = Some(FieldError::Required);
        any = true;
    }
    any
}

/// The field that a setting stands in, by the setting's name.
pub fn place<'a>(form: &'a mut PeopleForm, setting: &str) -> Option<&'a mut Field> {
    Some(match setting {
        "domains" => &mut form.domains,
        "mapping" => &mut form.email,
        "sessionHours" => &mut form.session_hours,
        _ if setting.starts_with("trust") => &mut form.trust,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str], act: &str) -> Sent {
        let rule = |value: &&str| RoleRule { value: (*value).into(), ..rule("groups".into()) };
        Sent { rules: values.iter().map(rule).collect(), act: act.into(), ..Sent::default() }
    }

    fn after(values: &[&str], act: &str) -> Vec<String> {
        let settings = serde_json::json!({
            "name": "Okta", "preset": "okta",
            "protocol": { "type": "oidc", "issuer": "https://idp.example", "clientId": "a" }
        });
        let provider = words::sample(serde_json::from_value(settings).unwrap());
        let mut sent = sent(values, act);
        sent.act(&provider);
        sent.rules.into_iter().map(|rule| rule.value).collect()
    }

    #[test]
    fn rules_are_added_moved_and_removed_by_buttons() {
        assert_eq!(after(&["a", "b", "c"], "up-2"), ["b", "a", "c"]);
        assert_eq!(after(&["a", "b", "c"], "down-2"), ["a", "c", "b"]);
        assert_eq!(after(&["a", "b", "c"], "remove-1"), ["b", "c"]);
        assert_eq!(after(&["a"], "add"), ["a", ""]);
    }

    #[test]
    fn a_button_that_makes_no_sense_changes_nothing() {
        for act in ["up-1", "down-3", "remove-0", "remove-4", "up-x", "", "fly-2"] {
            assert_eq!(after(&["a", "b", "c"], act), ["a", "b", "c"], "{act}");
        }
    }
}
