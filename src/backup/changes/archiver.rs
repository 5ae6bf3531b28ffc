//! One round of archiving after another: takes what was committed, seals it, sends it, and says how
//! far each chain has come.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::notes::SegmentNote;
use super::seal::{Sealer, base_path, note_path};
use super::send;
use super::state::{Sent, SentBase};
use crate::audit::Event;
use crate::audit::catalogue;
use crate::audit::event::{Actor, Resource};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::backup::overdue::{self, Source};
use crate::backup::{BackupError, GoOn, Layout, Recipients, Run, Targets, prune, repo};
use crate::config;
use crate::kernel::id::{BaseId, InstallationId};
use crate::kernel::{Timestamp, limits};
use crate::store::changes::{BaseTicket, Broken, Hash, Tap, Taps};
use crate::tenants::{DoorError, Tenants};

/// For how long a copy of a file waits to begin before the next round tries again.
const TICKET_WAIT: Duration = Duration::from_secs(2);
const TICKET_STEP: Duration = Duration::from_millis(20);
/// Age of a copy of the file after which another is made, so that a restore has few records to
/// apply.
const BASE_AGE: Duration = Duration::from_secs(limits::ARCHIVE_COPY_DAYS as u64 * 24 * 3600);
/// Bytes of records after which another is made in any case, if they are more than twice its size.
const BASE_BYTES: u64 = 256 << 20;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A target that fails is left alone for so long: others need not wait for it.
const AWAY: Duration = Duration::from_secs(60);

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub segments: u64,
    pub bases: u64,
    pub merged: u64,
    pub gaps: u64,
}

/// Archives all realms of an installation. One round at a time.
pub struct Archiver {
    pub(super) tenants: Tenants,
    pub(super) taps: Arc<Taps>,
    pub(super) targets: Targets,
    pub(super) layout: Layout,
    pub(super) recipients: Recipients,
    pub(super) installation: InstallationId,
    pub(super) settings: config::Backup,
    known: tokio::sync::Mutex<Known>,
    /// When the last round began.
    began: Mutex<Option<Duration>>,
}

/// What is remembered from round to round.
#[derive(Default)]
pub(super) struct Known {
    /// Realms that have been looked at since the start.
    realms: HashSet<Realm>,
    /// What segments are, by chain and first record.
    pub notes: HashMap<(BaseId, u64), SegmentNote>,
    /// When old copies were last looked for.
    pub pruned: HashMap<Realm, Timestamp>,
    /// Realms of which some target has not got everything.
    behind: HashSet<Realm>,
    /// Realms whose files beside the data file were archived for the chain that is to begin.
    pub beside: HashSet<Realm>,
    /// Targets that failed, and when they are tried again.
    away: HashMap<String, Duration>,
    /// Targets that took something, and when the catalogue was last told.
    told: HashMap<String, Timestamp>,
    /// Targets that were asked to delete something, and what they keep beyond its time, if anything.
    pub kept: HashMap<String, HashMap<Realm, u64>>,
    /// What was last said of each, and when.
    kept_told: HashMap<String, (u64, Timestamp)>,
}

/// One realm in one round.
pub(super) struct Turn<'a> {
    pub archiver: &'a Archiver,
    pub realm: Realm,
    pub owner: String,
    pub tap: Arc<Tap>,
    /// Archives keys; taken once that is done in this round.
    pub keys: Option<&'a Run>,
    /// Targets that failed in this round.
    pub failed: HashSet<String>,
    /// Targets that took something in this round.
    pub reached: HashSet<String>,
    pub done: Archived,
}

impl Archiver {
    /// None when nothing is archived: without recipients, without targets, or with
    /// `backup.archive_seconds` 0.
    ///
    /// # Errors
    /// When a target cannot be used.
    pub fn new(
        tenants: &Tenants,
        settings: &config::Backup,
        installation: InstallationId,
    ) -> Result<Option<Self>, BackupError> {
        let Some(taps) = tenants.taps() else { return Ok(None) };
        Ok(Some(Self {
            tenants: tenants.clone(),
            taps,
            targets: crate::backup::targets(tenants, settings)?,
            layout: Layout::new(installation),
            recipients: Recipients::new(&settings.recipients)?,
            installation,
            settings: settings.clone(),
            known: tokio::sync::Mutex::default(),
            began: Mutex::default(),
        }))
    }

    /// Whether it is time for a round; if so, the time of the next counts from here.
    pub fn is_due(&self) -> bool {
        let now = self.tenants.runtime().clock.monotonic();
        let every = Duration::from_secs(self.settings.archive_seconds.into());
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let due = began.is_none_or(|began| now.saturating_sub(began) >= every);
        if due {
            *began = Some(now);
        }
        due
    }

    /// One round over all realms that changed. A realm that fails does not keep others from leaving.
    /// With a grant, keys that were made since are archived before what may name them.
    ///
    /// # Errors
    /// The first failure, after all others were served.
    pub async fn round(
        &self,
        grant: Option<Grant<PlatformBackupRun>>,
        go_on: GoOn,
    ) -> Result<Archived, BackupError> {
        let keys = grant.map(|grant| self.keys(grant, go_on.clone())).transpose()?;
        let mut known = self.known.lock().await;
        self.taps.forget_missing();
        let now = self.tenants.runtime().clock.monotonic();
        known.away.retain(|_, until| *until > now);
        let (mut all, mut failure) = (Archived::default(), None);
        let mut reached = HashSet::new();
        for realm in self.tenants.realms() {
            if !go_on() {
                return Err(BackupError::Stopped);
            }
            let mut turn = self.turn(realm, &known, keys.as_ref());
            let is_new = known.realms.insert(realm);
            if is_new {
                turn.arrive().await?;
            }
            // One that nothing happens in is tidied too: what it has had erased has to go in time.
            let is_untidy = turn.is_prune_due(&known);
            if !(is_new || is_untidy || known.behind.contains(&realm) || turn.is_due()) {
                continue;
            }
            if let Err(error) = turn.run(&mut known).await {
                tracing::warn!(owner = turn.owner, %error, "changes could not be archived");
                known.behind.insert(realm);
                failure.get_or_insert(error);
            } else if turn.failed.is_empty() {
                known.behind.remove(&realm);
            } else {
                known.behind.insert(realm);
            }
            for target in turn.failed {
                known.away.entry(target).or_insert(now + AWAY);
            }
            all.add(turn.done);
            reached.extend(turn.reached);
        }
        if let Err(error) = self.tell(&mut known, reached).await {
            failure.get_or_insert(error);
        }
        if let Err(error) = self.tell_kept(&mut known).await {
            failure.get_or_insert(error);
        }
        failure.map_or(Ok(all), Err)
    }

    /// Has the catalogue know where changes were sent: a target may be taken out of the settings, and
    /// certificates have to name it then.
    async fn tell(&self, known: &mut Known, reached: HashSet<String>) -> Result<(), BackupError> {
        let now = self.tenants.runtime().now();
        let is_old = |told: &Timestamp| now.since(*told) >= DAY;
        for target in reached {
            if known.told.get(&target).is_none_or(is_old) {
                let name = target.clone();
                prune::system(&self.tenants, move |tx| Ok(repo::changes_in(tx, &name, now)?))
                    .await?;
                known.told.insert(target, now);
            }
        }
        Ok(())
    }

    /// The same of what they keep beyond its time.
    async fn tell_kept(&self, known: &mut Known) -> Result<(), BackupError> {
        let (now, mut found) = (self.tenants.runtime().now(), HashMap::<String, u64>::new());
        for (target, kept) in &mut known.kept {
            kept.retain(|realm, _| match realm {
                Realm::Platform => true,
                Realm::Tenant(id) => self.tenants.tenant_by_id(*id).is_some(),
            });
            let (kept, told) = (kept.values().sum(), known.kept_told.get(target));
            if told.is_none_or(|(said, at)| *said != kept || (kept > 0 && now.since(*at) >= DAY)) {
                found.insert(target.clone(), kept);
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let told = found.clone().into_iter().map(|(target, kept)| (target, (kept, now)));
        overdue::record(&self.tenants, Source::Changes, found).await?;
        known.kept_told.extend(told.collect::<Vec<_>>());
        Ok(())
    }

    fn keys(&self, grant: Grant<PlatformBackupRun>, go_on: GoOn) -> Result<Run, BackupError> {
        let (tenants, targets) = (&self.tenants, self.targets.clone());
        Run::to(tenants, &self.settings, grant, targets, go_on)
    }

    fn turn<'a>(&'a self, realm: Realm, known: &Known, keys: Option<&'a Run>) -> Turn<'a> {
        Turn {
            archiver: self,
            realm,
            owner: Layout::owner(realm),
            tap: self.taps.of(&self.tenants.database_file(realm)),
            keys,
            failed: known.away.keys().cloned().collect(),
            reached: HashSet::new(),
            done: Archived::default(),
        }
    }
}

impl Archived {
    fn add(&mut self, other: Self) {
        self.segments += other.segments;
        self.bases += other.bases;
        self.merged += other.merged;
        self.gaps += other.gaps;
    }
}

impl Turn<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.archiver.tenants.runtime().now()
    }

    pub(super) fn folder(&self, chain: BaseId) -> PathBuf {
        self.tap.directory().join(chain.to_string())
    }

    /// The first time since the start: counts what lies here, and opens a file that a killed process
    /// left with commits in its WAL.
    async fn arrive(&mut self) -> Result<(), BackupError> {
        let directory = self.tap.directory().to_owned();
        self.archiver.taps.add(send::blocking(move || Ok(size_of(&directory))).await?);
        if self.tap.is_left_behind()
            && let Err(error) = self.archiver.tenants.rouse(self.realm).await
        {
            tracing::warn!(owner = self.owner, %error, "cannot be opened to archive its changes");
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.tap.unsent().is_some() || self.tap.is_stirred()
    }

    async fn run(&mut self, known: &mut Known) -> Result<(), BackupError> {
        let unsent = self.tap.take_unsent();
        let tap = self.tap.clone();
        let (chain, broken) = send::blocking(move || Ok(tap.collect())).await?;
        let result = self.serve(chain, broken, known).await;
        let complete = matches!(&result, Ok(true));
        if let Some(unsent) = unsent.filter(|_| !complete) {
            self.tap.put_back_unsent(unsent);
        }
        result.map(|_| ())
    }

    /// Whether everything is in some target now.
    async fn serve(
        &mut self,
        chain: Option<BaseId>,
        broken: Vec<Broken>,
        known: &mut Known,
    ) -> Result<bool, BackupError> {
        for broken in broken {
            self.gap(broken).await?;
        }
        for old in self.chains()? {
            if Some(old) != chain {
                self.send_chain(old, known).await?;
                self.drop_when_sent(old)?;
            }
        }
        let mut chain = chain;
        if self.needs_base(chain) && self.a_target_answers().await {
            if chain.is_none() {
                self.beside(known).await?;
            }
            if let Some(made) = self.base().await? {
                known.beside.remove(&self.realm);
                chain = Some(made);
            }
        }
        let Some(chain) = chain else { return Ok(false) };
        let sent = self.send_chain(chain, known).await?;
        self.merge(chain, known).await?;
        self.prune(known).await;
        Ok(sent)
    }

    /// Chains of which something lies here.
    fn chains(&self) -> Result<Vec<BaseId>, BackupError> {
        let entries = match std::fs::read_dir(self.tap.directory()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut chains: Vec<_> = names.filter_map(|name| name.parse::<BaseId>().ok()).collect();
        chains.sort_unstable();
        Ok(chains)
    }

    /// Says in the platform's log that a chain broke off.
    async fn gap(&mut self, broken: Broken) -> Result<(), BackupError> {
        let mut event = Event::new(catalogue::ARCHIVE_GAP);
        event.actor = Some(Actor::new("system", "archive"));
        event.resource = Some(Resource::new("tenant", self.owner.clone()));
        let fields = [
            ("chain", broken.chain.to_string()),
            ("cause", broken.gap.word().to_owned()),
            ("until", broken.until.to_string()),
        ];
        for (name, value) in fields {
            event.custom_fields.insert(name.into(), value.into());
        }
        self.archiver.tenants.record(Realm::Platform, event).await?;
        self.done.gaps += 1;
        Ok(())
    }

    /// Whether a copy of the file is to be made.
    fn needs_base(&self, chain: Option<BaseId>) -> bool {
        let Some(chain) = chain else { return true };
        let sent = Sent::load(&self.folder(chain), chain, self.now());
        let Some(base) = sent.bases.last() else { return true };
        if base.targets.is_empty() {
            return false; // it waits to be sent
        }
        let many = sent.since > BASE_BYTES.max(2 * base.bytes);
        many || (sent.since > 0 && self.now().since(base.taken) > BASE_AGE)
    }

    /// After a restore the files beside the data file are others: the log before it is one of them.
    async fn beside(&self, known: &mut Known) -> Result<(), BackupError> {
        let Some(run) = self.keys.filter(|_| !known.beside.contains(&self.realm)) else {
            return Ok(());
        };
        run.beside(self.realm).await?;
        known.beside.insert(self.realm);
        Ok(())
    }

    /// After a gap because no target took anything, another copy would fill the disk again.
    async fn a_target_answers(&self) -> bool {
        for target in &self.archiver.targets.0 {
            let probe = self.archiver.layout.changes(self.realm);
            if send::list(target, &probe).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Makes a copy of the file; its chain.
    async fn base(&mut self) -> Result<Option<BaseId>, BackupError> {
        let Some(ticket) = self.ticket().await? else { return Ok(None) };
        let (folder, tap) = (self.folder(ticket.chain), self.tap.clone());
        let (tenants, taps) = (self.archiver.tenants.clone(), self.archiver.taps.clone());
        let (installation, owner) = (self.archiver.installation, self.owner.clone());
        let (recipients, copied) = (self.archiver.recipients.clone(), ticket.clone());
        let made = send::blocking(move || {
            let signer = tenants.notary().signer();
            let sealer = Sealer { installation, owner: &owner, recipients: &recipients, signer };
            let note = sealer.base(&copied, &folder, &taps);
            let undisturbed = tap.end_base(&copied);
            let note = note?.filter(|_| undisturbed);
            if note.is_none() {
                for path in [base_path(&folder, copied.number), note_path(&folder, copied.number)] {
                    let _ = std::fs::remove_file(path);
                }
            }
            Ok(note)
        });
        let made = made.await;
        if made.is_err() {
            self.tap.end_base(&ticket);
        }
        let Some(note) = made? else { return Ok(Some(ticket.chain)) };
        let folder = self.folder(ticket.chain);
        let mut sent = Sent::load(&folder, ticket.chain, note.taken);
        let (number, taken, bytes) = (note.number, note.taken, note.bytes);
        sent.bases.retain(|base| base.number != number);
        sent.bases.push(SentBase { number, taken, bytes, targets: Vec::new() });
        sent.since = 0;
        sent.save().map_err(DoorError::from)?;
        self.done.bases += 1;
        Ok(Some(ticket.chain))
    }

    async fn ticket(&self) -> Result<Option<BaseTicket>, BackupError> {
        if self.tap.want_base() {
            self.archiver.tenants.rouse(self.realm).await?;
        }
        let mut waited = Duration::ZERO;
        loop {
            if let Some(ticket) = self.tap.take_ticket() {
                return Ok(Some(ticket));
            }
            if waited >= TICKET_WAIT {
                // Somebody reads what is old, so that not all of the WAL is in the file.
                self.tap.abandon_base();
                return Ok(None);
            }
            tokio::time::sleep(TICKET_STEP).await;
            waited += TICKET_STEP;
        }
    }
}

/// Bytes of records below a directory.
pub(super) fn size_of(directory: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size_of(&entry.path()),
        _ if entry.path().extension().is_none_or(|it| it != "records" && it != "open") => 0,
        _ => size(&entry.path()),
    });
    sizes.sum()
}

pub(super) fn size(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

pub(super) fn decoded(hash: &str) -> Hash {
    let hash = data_encoding::HEXLOWER.decode(hash.as_bytes()).ok();
    hash.and_then(|hash| hash.try_into().ok()).unwrap_or_default()
}
