//! A limit on everything, each with its reason.

use std::time::Duration;

/// What is kept of what one run of a job says: some hundred lines, in the platform's own file.
pub const JOB_OUTPUT_BYTES: usize = 64 * 1024;

/// One audit event as canonical JSON: room for a full old → new diff, small enough that 10,000 fit a call.
pub const EVENT_BYTES: usize = 64 * 1024;
/// Events in one ingest call.
pub const EVENTS_PER_CALL: usize = 10_000;
/// Body of one ingest call.
pub const INGEST_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Body of any other call, unless the setting `limits.body_bytes` says otherwise.
pub const BODY_BYTES: usize = 8 * 1024 * 1024;
/// A console form: only text fields.
pub const FORM_BYTES: usize = 256 * 1024;
/// Messages appended in one call.
pub const MESSAGES_PER_CALL: usize = 1_000;
/// One message's body.
pub const MESSAGE_BYTES: usize = 256 * 1024;
/// Names, subjects, tags and other one-line texts, in bytes.
pub const LINE_BYTES: usize = 512;
/// Entries that are exported while one waits; more are written to a file first.
pub const EXPORT_AT_ONCE: u64 = 10_000;
/// An export that was written to a file can be fetched for this long.
pub const EXPORT_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Exports of one log that are waiting or being written.
pub const EXPORTS_ACTIVE: usize = 3;
/// Exports written at the same time, of all logs: one core of a small machine, and one to spare.
pub const EXPORTS_WRITING: usize = 2;
/// … of which one log's is one, so that no tenant keeps the others waiting.
pub const EXPORTS_WRITING_PER_LOG: usize = 1;
/// Exports on their way to whoever asked, at one time: each holds up to two mebibytes …
pub const DOWNLOADS: usize = 64;
/// … and those of one log.
pub const DOWNLOADS_PER_LOG: usize = 8;
/// Verifications at one time: each uses all cores …
pub const VERIFICATIONS: usize = 2;
/// … of which one log's is one.
pub const VERIFICATIONS_PER_LOG: usize = 1;
/// What became of an export is shown for this long.
pub const EXPORT_SHOWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A download that takes longer holds a connection to no purpose.
pub const DOWNLOAD_TIME: Duration = Duration::from_secs(6 * 60 * 60);
/// Room on the data disk that exports leave to everything else.
pub const DISK_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// Items in one page of a list.
pub const PAGE_ITEMS: usize = 1_000;
pub const PAGE_ITEMS_DEFAULT: usize = 50;
/// A search of the log: more than a person types. What is searched for is recorded.
pub const QUERY_BYTES: usize = 2048;
/// Terms in a search; each is looked up by itself.
pub const QUERY_TERMS: usize = 64;
/// Parentheses inside one another in a search; a parser's stack is finite.
pub const QUERY_DEPTH: usize = 16;
/// Saved searches of one log: more than a list of them can be read.
pub const SAVED_SEARCHES: u64 = 200;
/// Nesting of JSON that an application sends; a parser's stack is finite.
pub const JSON_DEPTH: usize = 32;
/// Roles that a tenant defines for itself: more columns than a matrix can be read in.
pub const ROLES: u64 = 50;
/// Password: long enough to resist guessing …
pub const PASSWORD_CHARS_MIN: usize = 12;
/// … and not so long that hashing it becomes an attack.
pub const PASSWORD_BYTES_MAX: usize = 4096;
/// What a password holds beside what is known of its person, in characters.
pub const PASSWORD_CHARS_UNKNOWN: usize = 8;
/// Words known about a person that their password is compared with; rating it takes longer with each.
pub const PASSWORD_CONTEXT_WORDS: usize = 64;
/// Rounds of bcrypt, as a power of two, where `auth.bcrypt_cost` says nothing else: about a fifth
/// of a second for each sign-in and each guess.
pub const BCRYPT_COST: u32 = 12;
/// The link that makes the first administrator.
pub const SETUP_LINK_LIFE: Duration = Duration::from_secs(30 * 60);
/// What a browser was asked about a passkey waits this long for its answer: a person at a device.
pub const CEREMONY_LIFE: Duration = Duration::from_secs(5 * 60);
/// Unanswered questions of one tenant; the oldest is forgotten for one more.
pub const CEREMONIES: u64 = 10_000;
/// Passkeys of one person: a browser is told of all of them.
pub const PASSKEYS: usize = 20;
pub const PASSKEY_NAME_CHARS: usize = 60;
/// A sign-in that waits for one more factor is given up after this long: time to install an app.
pub const SIGN_IN_LIFE: Duration = Duration::from_secs(15 * 60);
/// A sign-in at an identity provider is given up after this long: people may have to find their
/// phone there.
pub const SSO_REQUEST_LIFE: Duration = Duration::from_secs(15 * 60);
/// A message of an identity provider, decoded and decompressed. Real ones have a tenth of it.
pub const SSO_MESSAGE_BYTES: usize = 256 * 1024;
/// The same as it comes in a form: in base64, percent-encoded in places, with a `RelayState`.
pub const SSO_FORM_BYTES: usize = 512 * 1024;
/// Metadata of one identity provider has some 10 KiB.
pub const SSO_METADATA_BYTES: usize = 1024 * 1024;
/// Keys that a provider signs with: two while it replaces one, a few more at large sites.
pub const SSO_CERTIFICATES: usize = 10;
/// An identity provider has this long to answer a request, from the first packet to the last byte.
pub const FETCH_TIME: Duration = Duration::from_secs(10);
/// What ends within this time is warned of: long enough to agree on a change with whoever runs the
/// identity provider.
pub const SSO_ENDS_SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The same warning comes again after this.
pub const SSO_WARNING_AGAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Members see for this long that the emergency account was used.
pub const EMERGENCY_SHOWN: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What a provider calls a person, or a session of theirs (OpenID Connect allows 255 letters).
pub const SSO_SUBJECT_BYTES: usize = 1024;
/// The name of an attribute or claim; a longer one is nobody's setting and passed over.
pub const SSO_ATTRIBUTE_NAME_BYTES: usize = 256;
/// Attributes that a provider gives of one person …
pub const SSO_ATTRIBUTES: usize = 1000;
/// … with all of their names and values.
pub const SSO_ATTRIBUTE_BYTES: usize = 512 * 1024;
/// Keys of an OpenID Connect provider that are looked at. Real ones have up to ten.
pub const OIDC_KEYS: usize = 64;
/// Recipients of a logout token among whom this service is looked for.
pub const OIDC_AUDIENCES: usize = 8;
/// An ID token that is longer is not kept for signing out: it would not fit into an address.
pub const OIDC_HINT_BYTES: usize = 4096;
/// A provider that could not be asked is left alone for this long.
pub const OIDC_REST: Duration = Duration::from_secs(10);
/// Providers whose description and keys are kept in memory; the oldest is fetched again for one more.
pub const OIDC_KNOWN: usize = 1000;
/// A provider's description and keys are believed for this long …
pub const OIDC_FRESH: Duration = Duration::from_secs(60 * 60);
/// … and its keys fetched again at most this often, when one is missing.
pub const OIDC_KEYS_AGAIN: Duration = Duration::from_secs(60);
/// Identity providers of one tenant.
pub const PROVIDERS: u64 = 20;
/// Rules by which a provider gives roles.
pub const PROVIDER_RULES: usize = 100;
/// Domains of e-mail addresses that one provider vouches for.
pub const PROVIDER_DOMAINS: usize = 50;
/// Reports of sign-ins at one provider, tried out or refused: of each kind the last ones are kept …
pub const SSO_REPORTS: u64 = 20;
/// … for this long: they say much about a person.
pub const SSO_REPORT_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// One report: a decoded message, and what was looked at.
pub const SSO_REPORT_BYTES: usize = 512 * 1024;
/// A provider's logout that does not say itself until when it is good.
pub const SSO_LOGOUT_LIFE: Duration = Duration::from_secs(5 * 60);
/// What somebody shows to sign in, as JSON: a password, a code, a token.
pub const CREDENTIALS_BODY_BYTES: usize = 16 * 1024;
/// An access token works for a day at the most …
pub const ACCESS_TOKEN_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// … and is never longer than this.
pub const ACCESS_TOKEN_BYTES: usize = 4096;
/// Wrong codes that end such a sign-in: it takes the password again.
pub const TICKET_FAILURES: u32 = 5;
/// Wrong codes of somebody, over all sign-ins, after which no more are looked at for a while: whoever
/// has the password gets 960 guesses a day, each right with a probability of three in a million.
pub const FACTOR_FAILURES: u32 = 10;
/// They count for this long.
pub const FACTOR_FAILURES_COUNT: Duration = Duration::from_secs(15 * 60);
/// A browser that nobody signed in with for this long is no longer known.
pub const DEVICE_LIFE: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// Browsers remembered of one person; the one that was unused longest makes room.
pub const DEVICES_MOST: u32 = 32;
/// A link to sign in with.
pub const SIGN_IN_LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// A link to choose a new password with.
pub const RESET_LINK_LIFE: Duration = Duration::from_secs(30 * 60);
/// A link that proves an e-mail address.
pub const ADDRESS_LINK_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// An invitation: people are away for a few days.
pub const INVITATION_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Links that one address gets in an hour from one tenant, whoever asks for them.
pub const LINKS_PER_ADDRESS: u64 = 3;
pub const LINKS_PER_ADDRESS_TIME: Duration = Duration::from_secs(60 * 60);
/// Invitations of one tenant that are open.
pub const INVITATIONS: usize = 1_000;
/// A mail that no server took for this long is given up.
pub const MAIL_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The first wait before a mail is tried again …
pub const MAIL_RETRY: Duration = Duration::from_secs(60);
/// … and the longest: it doubles.
pub const MAIL_RETRY_MOST: Duration = Duration::from_secs(60 * 60);
/// One mail on its way, sign-in to the server included.
pub const MAIL_TIME: Duration = Duration::from_secs(60);
/// Mails on their way at one time: a small mail server takes that many connections.
pub const MAILS_AT_ONCE: usize = 4;
/// Mails of one realm in one round, so that none keeps the others waiting.
pub const MAILS_PER_ROUND: u32 = 100;
/// Mails of one realm that wait; what strangers ask for is not taken beyond half of it.
pub const MAILS_WAITING: u64 = 2_000;
/// A proof is fresh for this long, where people change their own factors.
pub const STEP_UP: Duration = Duration::from_secs(5 * 60);
/// A form that waits until somebody has confirmed that it is them: sealed and in letters it has to
/// fit into [`FORM_BYTES`] again.
pub const STEP_UP_FORM_BYTES: usize = 160 * 1024;
/// Domains whose people may register: more are a mistake.
pub const REGISTRATION_DOMAINS: usize = 100;
/// What somebody asks a second person to approve waits for this long: over a weekend.
pub const APPROVAL_LIFE: Duration = Duration::from_secs(72 * 60 * 60);
/// Requests of one tenant that wait: more are looked at by nobody.
pub const APPROVALS_WAITING: u64 = 100;
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
pub const SESSION_ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);
/// An answer is replayed to the same idempotency key for this long.
pub const IDEMPOTENCY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Continuous archiving copies a data file that changes at least this often, in days, so that a
/// restore has few records to apply and old ones can go.
pub const ARCHIVE_COPY_DAYS: u32 = 7;
/// Audit entries are kept for at least two years, of which one may be a leap year …
pub const RETENTION_DAYS_MIN: u32 = 731;
/// … usually for seven, of which two may be leap years …
pub const RETENTION_DAYS_DEFAULT: u32 = 2_557;
/// … and for a century at the most: more is a slip of the finger.
pub const RETENTION_DAYS_MAX: u32 = 36_525;
/// A wall clock that leaves the monotonic one by more than this stops appends.
pub const CLOCK_JUMP: Duration = Duration::from_secs(5 * 60);
/// Sign-ins that wait for their password to be hashed; one more is told to come back.
pub const SIGN_INS_WAITING: usize = 256;
/// … and those of one tenant, so that a flood of its sign-ins leaves room for the others.
pub const SIGN_INS_WAITING_PER_LINE: usize = 64;
/// Failures in a row after which an account's next attempt has to wait: people mistype.
pub const FAILURES_FREE: u32 = 5;
/// The longest wait: four guesses an hour. (NIST SP 800-63B asks for at most a hundred in a row.)
pub const FAILURE_DELAY: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after a day without another.
pub const FAILURES_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Failed sign-ins of one log that are entries by themselves, a minute; the rest is counted.
pub const FAILURES_RECORDED: u64 = 60;
/// Credentials remembered between requests.
pub const CREDENTIALS_CACHED: usize = 10_000;

/// Live views of logs at one time: each holds a connection and one page of rows.
pub const TAILS: usize = 256;
/// … and those of one log.
pub const TAILS_PER_LOG: usize = 64;
/// A live view ends after this long, and with it what a forgotten window shows.
pub const TAIL_TIME: Duration = Duration::from_secs(10 * 60);
/// Rows that a live view sends at a time; of a flood it shows the newest.
pub const TAIL_ROWS: usize = 50;
/// A client that has not taken what was sent after this long has gone away.
pub const SOCKET_WAIT: Duration = Duration::from_secs(20);

/// Bodies up to this size are read before anybody asks who sends them.
pub const BODY_SMALL_BYTES: usize = 64 * 1024;
/// Larger bodies under way at the same time, all together: a few of the largest, many of the usual.
pub const BODIES_BYTES: usize = 256 * 1024 * 1024;

/// A request of provisioning: a group of 50,000 members fits.
pub const SCIM_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Searches of provisioning at one time: one that no index answers opens thousands of rows …
pub const SCIM_SEARCHES: usize = 4;
/// … and those of one tenant.
pub const SCIM_SEARCHES_PER_TENANT: usize = 1;

/// Streams to other systems that one log has: each holds a connection.
pub const STREAMS_PER_LOG: usize = 16;
/// Resolving a receiver's name, connecting to it, the handshake: each.
pub const STREAM_CONNECT_TIME: Duration = Duration::from_secs(10);
/// A batch on its way to a receiver, its answer included: one that hangs is given up.
pub const STREAM_SEND_TIME: Duration = Duration::from_secs(30);
/// A batch: large enough to pay for its way, small enough that many fit into memory …
pub const STREAM_BATCH_BYTES: usize = 256 * 1024;
/// … and that opening its entries takes a moment.
pub const STREAM_BATCH_ENTRIES: u64 = 500;
/// What a receiver may say: nobody reads more of it.
pub const STREAM_ANSWER_BYTES: usize = 64 * 1024;
/// Longest wait between two attempts.
pub const STREAM_BACKOFF: Duration = Duration::from_secs(60);
/// How often a cursor is written down while entries flow: what is sent twice after a crash.
pub const STREAM_CURSOR_STEP: Duration = Duration::from_secs(1);
/// A connection without anything to send is closed after this long.
pub const STREAM_IDLE: Duration = Duration::from_secs(60);
/// A credential or a private key.
pub const STREAM_SECRET_BYTES: usize = 16 * 1024;
/// Certificates that are pasted in.
pub const STREAM_PEM_BYTES: usize = 64 * 1024;

/// Days in which the closing of a tenant can be taken back: with the seven days that archives of
/// keys are kept, everything is gone 30 days after closing.
pub const CLOSING_GRACE_DAYS: u32 = 23;

/// Days after closing by which nothing of a tenant can be read any more, backups included.
pub const CLOSING_DAYS: u32 = 30;
/// What is read of a backup target before anything in it is believed, in bytes: `root.json`, …
pub const BACKUP_ROOT_BYTES: u64 = 64 * 1024;
/// … the platform's key store in it, whose manifest nobody can check yet, …
pub const BACKUP_KEYS_BYTES: u64 = 1024 * 1024 * 1024;
/// … a manifest or another signed note, …
pub const BACKUP_NOTE_BYTES: u64 = 1024 * 1024;
/// … and a part of the ledger of erasures, of 10,000 lines at the most.
pub const LEDGER_PART_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes of the data disk that changes on their way to an archive leave free: the data itself needs
/// them more.
pub const CHANGES_RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// Memory and passes that making a root key of a passphrase takes (Argon2id): about a second at a
/// start, and as much for whoever guesses, each time. Raised only: data directories keep theirs.
pub const PASSPHRASE_MEMORY_KIB: u32 = 256 * 1024;
pub const PASSPHRASE_PASSES: u32 = 3;
/// How hard a new passphrase has to be to guess, as a power of ten: three centuries at ten thousand
/// guesses a second, each of which takes that memory.
pub const PASSPHRASE_GUESSES_LOG10: f64 = 14.0;
/// Characters of a passphrase that are rated: rating takes the square of their number.
pub const PASSPHRASE_RATED: usize = 100;

/// How often the files of the certificate are looked at: two looks have to find the same, so a new
/// one is served ten seconds after it was put there.
pub const CERTIFICATE_LOOK: Duration = Duration::from_secs(5);
/// After this long, renewing our own certificate is tried again.
pub const CERTIFICATE_RETRY: Duration = Duration::from_secs(3_600);
/// A certificate authority has this long for one answer; one whose keys lie in a module takes seconds
/// to sign.
pub const ACME_ANSWER: Duration = Duration::from_secs(30);
/// More than any answer of one has: a chain of certificates is a few KiB.
pub const ACME_ANSWER_BYTES: usize = 256 * 1024;
/// It has this long to look at our names, and as long to sign.
pub const ACME_WAIT: Duration = Duration::from_secs(60);
/// A whole order, all answers and waits together.
pub const ACME_ORDER: Duration = Duration::from_secs(180);
/// How far an authority's clock may be ahead of ours.
pub const ACME_CLOCKS_APART: Duration = Duration::from_secs(300);
/// After a failed order, nothing is asked for this long; twice as long after each further one, up to
/// an hour. (The job that asks looks every five minutes.)
pub const ACME_PAUSE: Duration = Duration::from_secs(240);
pub const ACME_PAUSE_MOST: Duration = Duration::from_secs(3_600);
/// Bytes of the data disk that copies of files before an upgrade leave free: the data needs them
/// more.
pub const UPGRADE_RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Days for which the state before an upgrade is kept. Whoever goes back does so soon, and what is
/// deleted meanwhile should not lie about for long.
pub const UPGRADE_KEPT_DAYS: u32 = 14;
