//! The one table of settings.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::acme::{AcmeChallenge, CertificateName, DirectoryUrl};
use super::backup::{Recipient, TimeZone};
use super::given::Given;
use super::mail::{Mailbox, SecretText, SmtpHost, SmtpTls};
use super::origins::Origins;
use super::passphrase::PassphraseFrom;
use super::publish::{HttpUrl, SecretHeader, SyslogUrl};
use super::secret::SecretKey32;
use super::target::TargetUrl;
use super::types::{
    ContactUrl, ExternalUrl, LogFilter, LogFormat, OptionalListen, Rate, TlsVersion,
};
use super::value::Value;
use crate::kernel::limits;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One line of the table.
pub(super) struct Setting {
    pub section: &'static str,
    pub name: &'static str,
    /// `section.name`.
    pub key: &'static str,
    /// A shorter environment variable for the same setting.
    pub alias: Option<&'static str>,
    pub secret: bool,
    /// A number or one of a few words.
    pub closed: bool,
    doc: &'static str,
    default: fn() -> String,
}

impl Setting {
    pub fn env(&self) -> String {
        format!("STRONGROOM_{}__{}", self.section, self.name).to_ascii_uppercase()
    }
}

/// A setting as the documentation shows it.
#[derive(Clone, Debug)]
pub struct Description {
    /// `section.name`, as in the file.
    pub key: &'static str,
    /// The environment variable.
    pub env: String,
    /// A shorter environment variable for the same setting.
    pub alias: Option<&'static str>,
    /// Default in TOML's spelling; empty when unset.
    pub default: String,
    /// What it means, in which unit.
    pub doc: &'static str,
}

impl Settings {
    /// Every setting, in the table's order.
    pub fn describe() -> Vec<Description> {
        let line = |setting: &Setting| Description {
            key: setting.key,
            env: setting.env(),
            alias: setting.alias,
            default: (setting.default)(),
            doc: setting.doc.trim(),
        };
        SETTINGS.iter().map(line).collect()
    }
}

macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident { $(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty $([$range:expr])? $(as $alias:literal)? = $default:expr
        ),+ $(,)? }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug)]
            pub struct $Section { $( $(#[doc = $doc])+ pub $key: $type, )+ }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )+ }
                }
            }
        )+

        /// All settings, checked.
        #[derive(Clone, Debug, Default)]
        pub struct Settings {
            $( $(#[doc = $section_doc])+ pub $section: $Section, )+
            /// The file that they were read from, if there was one.
            pub file: Option<PathBuf>,
            /// Where each was given.
            pub origins: Origins,
        }

        impl Settings {
            pub(super) fn read(given: &mut Given) -> Self {
                Self { $( $section: $Section { $(
                    $key: given.take(
                        concat!(stringify!($section), ".", stringify!($key)),
                        &[$( $range )?],
                        || $default,
                    ),
                )+ }, )+ file: None, origins: Origins::default() }
            }

            /// In TOML's spelling, in the table's order; secrets are empty.
            pub(super) fn values(&self) -> Vec<String> {
                vec![ $( $( self.$section.$key.shown(), )+ )+ ]
            }
        }

        /// Names of the sections, and what they are about.
        pub(super) static SECTIONS: &[(&str, &str)] =
            &[ $( (stringify!($section), concat!($( $section_doc ),+)) ),+ ];

        pub(super) static SETTINGS: &[Setting] = &[ $( $( Setting {
            section: stringify!($section),
            name: stringify!($key),
            key: concat!(stringify!($section), ".", stringify!($key)),
            alias: settings!(@alias $( $alias )?),
            secret: <$type as Value>::SECRET,
            closed: <$type as Value>::CLOSED,
            doc: concat!($( $doc ),+),
            default: || { let value: $type = $default; value.shown() },
        }, )+ )+ ];
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
}

settings! {
    /// The HTTPS server.
    server: Server {
        /// Address and port of the HTTPS server; `0.0.0.0` or `[::]` for all interfaces.
        listen: SocketAddr = SocketAddr::new(LOOPBACK, 8443),
        /// Address and port of the plain HTTP server, which only redirects to HTTPS; `off` for none.
        http_redirect_listen: OptionalListen = OptionalListen::On(SocketAddr::new(LOOPBACK, 8080)),
        /// What links and redirects begin with, for instance `https://vault.example.org`.
        /// Made from `server.listen` and the host name when unset.
        external_url: Option<ExternalUrl> = None,
        /// PEM file with the certificate, then its intermediates. Needs `server.tls_key`.
        /// A self-signed certificate is made in the data directory when unset.
        tls_certificate: Option<PathBuf> = None,
        /// PEM file with the private key of `server.tls_certificate`.
        tls_key: Option<PathBuf> = None,
        /// Oldest TLS version accepted: `1.3` or `1.2`.
        tls_minimum: TlsVersion = TlsVersion::V1_3,
        /// Threads that answer HTTP; one for each processor core when unset.
        workers: Option<u32> [1..=1024] = None,
        /// IP addresses of reverse proxies. `X-Forwarded-For` is believed from these alone.
        trusted_proxies: Vec<IpAddr> = Vec::new(),
        /// Sites whose pages may use the API from a browser, with a token of their own and without
        /// cookies: exact origins such as `https://app.example.org`.
        cors_origins: Vec<ExternalUrl> = Vec::new(),
        /// Where to report a weakness, for `/.well-known/security.txt`: a `mailto:` or `https:`
        /// address. The console's own address when unset.
        security_contact: Option<ContactUrl> = None,
        /// Address of the page that says how reports of weaknesses are dealt with.
        security_policy: Option<ContactUrl> = None,
        /// File with a token for `/metrics`, readable by its owner alone: whoever sends it
        /// (`Authorization: Bearer …`) is answered from anywhere. Without one, metrics are answered to
        /// this machine only.
        metrics_token_file: Option<PathBuf> = None,
        /// Seconds that requests under way have to finish when the server stops.
        shutdown_seconds: u32 [0..=3600] = 30,
    }

    /// The server's certificate from a certificate authority of your own, by ACME (RFC 8555). Without
    /// `acme.directory` nobody is asked for one.
    acme: Acme {
        /// Address of the authority's directory, for instance
        /// `https://ca.example.org/acme/acme/directory`.
        directory: Option<DirectoryUrl> = None,
        /// PEM file with the authorities to trust for the directory itself, instead of the system's.
        ca: Option<PathBuf> = None,
        /// Mail address that the authority may write to.
        contact: Option<Mailbox> = None,
        /// Host names and IP addresses that the certificate is for. The host of
        /// `server.external_url` when empty.
        names: Vec<CertificateName> = Vec::new(),
        /// How the authority sees that the names are this server's: `tls-alpn-01`, where it connects
        /// to port 443 of each, or `http-01`, to port 80.
        challenge: AcmeChallenge = AcmeChallenge::TlsAlpn01,
        /// Key identifier of an external account binding, where the authority wants one.
        eab_key_id: Option<String> = None,
        /// File with the key that belongs to it in base64url, readable by its owner alone.
        eab_key_file: Option<PathBuf> = None,
    }

    /// How much and how fast.
    limits: Limits {
        /// Sign-in attempts a minute from one IP address; 0 for no limit.
        sign_in_per_minute: Rate = Rate::new(10),
        /// The same at one tenant, from all addresses, second factors and links included; 0 for no
        /// limit. Browsers that its people are known in are not held up by it.
        sign_in_per_minute_per_tenant: Rate = Rate::new(300),
        /// Second factors and recovery codes tried a minute from one IP address; 0 for no limit.
        second_factor_per_minute: Rate = Rate::new(10),
        /// Registrations a minute from one IP address; 0 for no limit.
        registrations_per_minute: Rate = Rate::new(5),
        /// Links (sign-in, password reset, verification) asked for or opened a minute from one IP
        /// address; 0 for no limit.
        mails_per_minute: Rate = Rate::new(5),
        /// API requests a minute with one key; 0 for no limit.
        api_per_minute: Rate = Rate::new(6_000),
        /// API and ingest requests a minute to one tenant, with all its keys; 0 for no limit.
        api_per_minute_per_tenant: Rate = Rate::new(120_000),
        /// Audit ingest requests a minute with one key; 0 for no limit.
        ingest_per_minute: Rate = Rate::new(60_000),
        /// Console requests a minute in one session, or from one IP address before sign-in;
        /// 0 for no limit.
        console_per_minute: Rate = Rate::new(600),
        /// Live views of an audit log opened a minute from one IP address; 0 for no limit.
        tails_per_minute: Rate = Rate::new(30),
        /// Largest request body in bytes, where a route has no limit of its own.
        body_bytes: u64 [1024..=1_073_741_824] = limits::BODY_BYTES as u64,
        /// Connections open at one time.
        connections: u32 [1..=1_000_000] = 10_000,
    }

    /// The encrypted database files.
    store: Store {
        /// Directory of all data. Nobody but the service's user may read it.
        data_dir: PathBuf as "STRONGROOM_DATA_DIR" = PathBuf::from("/var/lib/strongroom"),
        /// Writes that may wait for one tenant; more are answered 503.
        queue_depth: u32 [1..=1_000_000] = 4_096,
        /// Writes that one commit may take together.
        group_max: u32 [1..=100_000] = 1_024,
        /// Read connections for each open tenant.
        readers_per_tenant: u32 [1..=64] = 4,
        /// Tenants whose files are open at one time.
        open_tenants: u32 [1..=100_000] = 256,
        /// Seconds without use after which a tenant's files are closed.
        idle_close_seconds: u32 [1..=86_400] = 300,
        /// MiB of memory that all databases together may take before their caches stop growing.
        cache_mib: u32 [16..=1_048_576] = 512,
    }

    /// Streams of audit logs to other systems.
    streams: Streams {
        /// IP addresses that streams may send to although they are refused otherwise: this machine
        /// itself, link-local addresses, the metadata services of clouds.
        allowed_addresses: Vec<IpAddr> = Vec::new(),
        /// Seconds that a syslog connection has to stay whole after an entry was taken, before the
        /// entry counts as delivered: syslog itself confirms nothing.
        settle_seconds: u32 [1..=300] = 5,
        /// Seconds of failure after which a stream is reported as failing.
        alarm_seconds: u32 [1..=86_400] = 300,
        /// Streams that send at the same time; as many again may be trying to get through.
        parallel: u32 [1..=1_024] = 64,
        /// Private enterprise number in `[strongroom@…]` of syslog messages (RFC 5424, 7.2.2).
        /// The default is the one reserved for documentation.
        enterprise_number: u32 [1..=4_294_967_295] = 32_473,
    }

    /// Single sign-on: requests to identity providers, made only for tenants that have set one up
    /// by an address.
    sso: Sso {
        /// IP addresses of identity providers that may be asked although they are refused otherwise:
        /// this machine itself, link-local addresses, the metadata services of clouds.
        allowed_addresses: Vec<IpAddr> = Vec::new(),
    }

    /// Signed checkpoints of all logs, published outside of this machine so that nobody who has
    /// it can rewrite history unseen.
    checkpoints: Checkpoints {
        /// Directory for checkpoints, best on a medium that is written once: each becomes
        /// `<log id>/<size>.note` and is never written again.
        publish_directory: Option<PathBuf> = None,
        /// Syslog receiver of checkpoints: `tls://HOST:PORT` or `tcp://HOST:PORT`.
        publish_syslog: Option<SyslogUrl> = None,
        /// Address that checkpoints are posted to as JSON.
        publish_http: Option<HttpUrl> = None,
        /// Header that goes with them, as `Name: value`; a secret.
        publish_http_header: Option<SecretHeader> = None,
        /// PEM file with the authorities to trust for both, instead of the system's.
        publish_ca: Option<PathBuf> = None,
    }

    /// Mail through the operator's own server. Without `mail.smtp_host` none is sent, and nothing
    /// that needs mail is offered.
    mail: Mail {
        /// Host name or address of the mail server (SMTP submission, RFC 6409).
        smtp_host: Option<SmtpHost> = None,
        /// Its port; 587 when unset, 465 with `mail.smtp_tls = "tls"`, 25 with `"none"`.
        smtp_port: Option<u32> [1..=65_535] = None,
        /// `starttls`, `tls` (from the first byte) or `none`, which only a server on this machine
        /// may be asked for.
        smtp_tls: SmtpTls = SmtpTls::Starttls,
        /// Name to sign in to the mail server with; none when unset.
        smtp_username: Option<String> = None,
        /// Password that belongs to it; a secret. `mail.smtp_password_file` is safer.
        smtp_password: Option<SecretText> = None,
        /// File with the password, readable by its owner alone.
        smtp_password_file: Option<PathBuf> = None,
        /// PEM file with the authorities to trust for the mail server, instead of the system's.
        smtp_ca: Option<PathBuf> = None,
        /// Sender, as `vault@example.org` or `Strongroom <vault@example.org>`. Needed with
        /// `mail.smtp_host`.
        from: Option<Mailbox> = None,
    }

    /// Backups, continuous archiving and restore tests. Without `backup.recipients` none is made.
    backup: Backup {
        /// Who can read backups: public keys of `age` (`age1…`). Keep the private keys elsewhere.
        recipients: Vec<Recipient> = Vec::new(),
        /// Where backups go: `file:///srv/backup`, `s3://bucket/prefix` or
        /// `sftp://user@host/path`, each with what else it needs behind a `?`.
        targets: Vec<TargetUrl> = Vec::new(),
        /// Daily backups that are kept.
        daily: u32 [1..=366] = 7,
        /// Weekly backups that are kept.
        weekly: u32 [0..=260] = 4,
        /// Days after which every backup is deleted, whatever the other counts say.
        days: u32 [1..=3_650] = 30,
        /// Days after which an archive of keys is deleted: so long can a destroyed key be brought
        /// back from backups.
        key_days: u32 [1..=7] = 7,
        /// Seconds after which committed changes leave for the archive; 0 archives nothing between
        /// daily backups.
        archive_seconds: u32 [0..=3_600] = 10,
        /// Days back to which any second can be restored.
        archive_days: u32 [1..=366] = 30,
        /// Mebibytes that changes may take on this machine's disk while no target takes them.
        spool_mib: u32 [64..=1_048_576] = 4_096,
        /// File with a private key of `age` for scheduled restore tests, readable by its owner
        /// alone. Whoever has this machine can then read every backup that is made for it too.
        recovery_identity_file: Option<PathBuf> = None,
        /// Days after the last restore test that went well when it counts as overdue.
        test_overdue_days: u32 [1..=366] = 10,
        /// Tenants whose backups one restore test restores; with more, they take turns.
        test_tenants: u32 [1..=100_000] = 20,
    }

    /// Scheduled jobs.
    jobs: Jobs {
        /// Time zone that schedules are in, as `Europe/Berlin`.
        time_zone: TimeZone = TimeZone::UTC,
    }

    /// Closing a tenant.
    closing: Closing {
        /// Days in which the closing of a tenant can be taken back. Then its keys are destroyed, and
        /// at most seven days later the last archive of them is gone.
        grace_days: u32 [0..=29] = limits::CLOSING_GRACE_DAYS,
    }

    /// Passwords.
    auth: Auth {
        /// Rounds of bcrypt, as a power of two: each step doubles the time of a sign-in and of every
        /// guess. Raise it only; older hashes are made again at the next sign-in.
        bcrypt_cost: u32 [12..=16] = limits::BCRYPT_COST,
    }

    /// Console sessions.
    sessions: Sessions {
        /// Minutes without a request after which a session ends.
        idle_minutes: u32 [1..=1_440] = 30,
        /// Hours after sign-in when a session ends in any case.
        absolute_hours: u32 [1..=720] = 12,
        /// Seconds after a factor was proven in which sensitive acts do not ask for one again.
        step_up_seconds: u32 [1..=3600] = 300,
    }

    /// The log on standard error. It is not the audit log.
    log: Log {
        /// `json` (one object a line) or `text`.
        format: LogFormat = LogFormat::Json,
        /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter by module
        /// such as `info,strongroom::store=debug`. A level counts for Strongroom itself; of the
        /// libraries in it, only warnings and errors are logged unless the filter names them
        /// (`info,actix_server=info`).
        level: LogFilter = LogFilter::info(),
    }

    /// Where the root key comes from: one source at most.
    root_key: RootKey {
        /// File with the root key: 32 bytes, raw, hex or base64; readable by its owner alone, and not
        /// in the data directory.
        file: Option<PathBuf> as "STRONGROOM_MASTER_KEY_FILE" = None,
        /// The root key itself, 32 bytes as hex or base64. A file, best a systemd credential, is
        /// safer: other processes of the same user can read an environment.
        key: Option<SecretKey32> as "STRONGROOM_MASTER_KEY" = None,
        /// File of a systemd credential with the root key. Set by itself when systemd hands over one
        /// that is called `strongroom-root-key`.
        credential: Option<PathBuf> = None,
        /// Where a passphrase comes from that the root key is made of: `terminal` asks for it at every
        /// start, `fd:3` reads the first line of an open file, `/path` that of a file which its owner
        /// alone can read. Decided when the data directory is made.
        passphrase_from: Option<PassphraseFrom> = None,
    }
}
