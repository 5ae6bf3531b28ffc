//! `strongroom session …`: who is signed in, and ending that.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::{
    PlatformAdminDisable, PlatformAdminRead, SessionRead, SessionRevoke,
};
use crate::authz::{Grant, Permission, Withdraws};
use crate::kernel::limits;
use crate::sessions::{self, Session, Sessions, Whose};

#[derive(Subcommand)]
pub enum Verb {
    /// List who is signed in
    List {
        #[command(flatten)]
        realm: RealmArgs,
        /// E-mail address or id of one person
        #[arg(long)]
        user: Option<String>,
    },
    /// End one session, all of a person, or all there are
    End {
        #[command(flatten)]
        realm: RealmArgs,
        #[command(flatten)]
        which: WhichArgs,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct RealmArgs {
    /// Short name of a tenant
    #[arg(long, value_name = "SLUG")]
    pub tenant: Option<String>,
    /// Of platform administrators
    #[arg(long)]
    platform: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct WhichArgs {
    /// The session
    id: Option<String>,
    /// E-mail address or id of a person
    #[arg(long)]
    user: Option<String>,
    /// Everybody's
    #[arg(long)]
    all: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    List { tenant: Option<String>, user: Option<String> },
    End { tenant: Option<String>, which: Which },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    One(String),
    Of(String),
    All,
}

pub fn command(verb: Verb) -> super::Command {
    super::Command::Session(match verb {
        Verb::List { realm, user } => Command::List { tenant: realm.tenant, user },
        Verb::End { realm, which } => {
            let one = which.id.map(Which::One).or(which.user.map(Which::Of));
            Command::End { tenant: realm.tenant, which: one.unwrap_or(Which::All) }
        }
    })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::List { tenant: Some(tenant), user } => {
            list(operator, &operator.tenant::<SessionRead>(&tenant).await?.0, user).await
        }
        Command::List { tenant: None, user } => {
            list(operator, &operator.platform::<PlatformAdminRead>().await?, user).await
        }
        Command::End { tenant: Some(tenant), which } => {
            end(operator, &operator.tenant::<SessionRevoke>(&tenant).await?.0, which).await
        }
        Command::End { tenant: None, which } => {
            end(operator, &operator.platform::<PlatformAdminDisable>().await?, which).await
        }
    }
}

async fn list<P: Permission>(
    operator: &Operator,
    grant: &Grant<P>,
    user: Option<String>,
) -> anyhow::Result<Report> {
    let whose = user.map_or(Whose::Everybodys, Whose::One);
    let mut items: Vec<Session> = Vec::new();
    let mut cursor = None;
    loop {
        let wanted = Sessions { whose: whose.clone(), limit: Some(limits::PAGE_ITEMS), cursor };
        let page = sessions::list(&operator.tenants, grant, operator.sessions, wanted).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let row = |session: &Session| {
        vec![
            session.id.to_string(),
            session.user.email.clone().unwrap_or_else(|| "(erased)".to_owned()),
            text(&session.ip),
            session.factors.join("+"),
            session.started_at.to_string(),
            session.last_seen_at.to_string(),
        ]
    };
    let head = ["ID", "E-MAIL", "ADDRESS", "SIGNED IN WITH", "STARTED", "LAST SEEN"];
    let text = table(&head, &items.iter().map(row).collect::<Vec<_>>());
    Ok(Report::done(json!({ "items": items }), text))
}

async fn end<P: Withdraws>(
    operator: &Operator,
    grant: &Grant<P>,
    which: Which,
) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    let count = match which {
        Which::One(id) => {
            let id = id.parse().map_err(|_| anyhow::anyhow!("{id} is not the id of a session"))?;
            sessions::end(tenants, grant, id).await.map(|()| 1)?
        }
        Which::Of(user) => sessions::end_of(tenants, grant, &user).await?,
        Which::All => sessions::end_everybody(tenants, grant).await?,
    };
    let text = match count {
        1 => "One session was ended.".to_owned(),
        count => format!("{count} sessions were ended."),
    };
    Ok(Report::done(json!({ "ended": count }), text))
}
