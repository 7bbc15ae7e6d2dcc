//! What goes wrong in a made-up log, who fails with it, and what looks like it but is harmless.
//!
//! `$api` and the like stand for the component of that role, `$x` for the one that is waited for.

/// A level and what is said.
pub(super) type Said = (&'static str, &'static str);

/// What a component does in the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Gateway,
    Api,
    Worker,
    Database,
    Cache,
    Queue,
}

impl Role {
    pub(super) const ALL: [Self; 6] =
        [Self::Gateway, Self::Api, Self::Worker, Self::Database, Self::Cache, Self::Queue];

    /// Names that a component of it may have.
    pub(super) const fn names(self) -> [&'static str; 4] {
        match self {
            Self::Gateway => ["nginx", "haproxy", "traefik", "envoy"],
            Self::Api => ["billing-api", "orders-api", "accounts-api", "catalog-api"],
            Self::Worker => ["mail-worker", "report-worker", "image-worker", "export-worker"],
            Self::Database => ["postgres", "mysql", "mongodb", "cockroach"],
            Self::Cache => ["redis", "memcached", "valkey", "dragonfly"],
            Self::Queue => ["rabbitmq", "kafka", "nats", "pulsar"],
        }
    }

    /// How it stands in the texts here.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Gateway => "$gateway",
            Self::Api => "$api",
            Self::Worker => "$worker",
            Self::Database => "$database",
            Self::Cache => "$cache",
            Self::Queue => "$queue",
        }
    }

    /// What it complains of when another is away.
    pub(super) const fn complaints(self) -> [Said; 4] {
        match self {
            Self::Gateway => [
                ("ERROR", "502 for POST /{word}/{word}: upstream $x closed the connection"),
                ("ERROR", "504 for GET /{word}/{n}: no answer of $x in {n} ms"),
                ("ERROR", "no live upstream while connecting to $x"),
                ("FATAL", "all backends of $x are marked down"),
            ],
            Self::Api => [
                ("ERROR", "request {hex8} failed: no answer of $x in {n} ms"),
                ("ERROR", "pool for $x is exhausted, {small} requests wait"),
                ("ERROR", "circuit breaker for $x is open"),
                ("FATAL", "health check failed: $x is unavailable"),
            ],
            Self::Worker => [
                ("ERROR", "job {snake} failed in attempt {digit}: $x is unavailable"),
                ("ERROR", "giving up on task {hex8}: no answer of $x"),
                ("ERROR", "unhandled exception in {snake}: connection to $x was lost"),
                ("FATAL", "worker {digit} stops: nothing can be done without $x"),
            ],
            Self::Database => [
                ("ERROR", "connection of $x reset, transaction {n} is rolled back"),
                ("ERROR", "client $x went away in the middle of a statement"),
                ("ERROR", "deadlock detected between {n} and {n} of $x"),
                ("FATAL", "too many connections of $x: {small} are idle in a transaction"),
            ],
            Self::Cache => [
                ("ERROR", "client $x sent {n} requests without reading its answers, it is closed"),
                ("ERROR", "output buffer of $x is over its limit"),
                ("ERROR", "evicted {n} keys of $x before their time"),
                ("FATAL", "client limit reached, $x is refused"),
            ],
            Self::Queue => [
                ("ERROR", "consumer $x timed out, {n} messages are not acknowledged"),
                ("ERROR", "message {hex8} for $x goes to the dead letters"),
                ("ERROR", "queue of $x is at {big} messages"),
                ("FATAL", "flow control: publishers are blocked until $x consumes"),
            ],
        }
    }

    /// Who fails when it does, those that wait for it first.
    pub(super) const fn felt_by(self) -> &'static [(Self, Self)] {
        match self {
            Self::Gateway => &[(Self::Api, Self::Gateway), (Self::Worker, Self::Gateway)],
            Self::Api => {
                &[(Self::Gateway, Self::Api), (Self::Worker, Self::Api), (Self::Database, Self::Api)]
            }
            Self::Worker => {
                &[(Self::Queue, Self::Worker), (Self::Api, Self::Worker), (Self::Gateway, Self::Api)]
            }
            Self::Database => &[
                (Self::Api, Self::Database),
                (Self::Worker, Self::Database),
                (Self::Gateway, Self::Api),
                (Self::Queue, Self::Worker),
            ],
            Self::Cache => {
                &[(Self::Api, Self::Cache), (Self::Gateway, Self::Api), (Self::Database, Self::Api)]
            }
            Self::Queue => &[
                (Self::Worker, Self::Queue),
                (Self::Api, Self::Queue),
                (Self::Gateway, Self::Api),
                (Self::Database, Self::Worker),
            ],
        }
    }
}

/// Something that goes wrong.
#[derive(Debug)]
pub(super) struct Cause {
    /// Its name, as a choice.
    pub(super) name: &'static str,
    /// Where it can happen; `$me` in its texts.
    pub(super) hosts: &'static [Role],
    /// Whether that component is plainly where it began: a password that was changed is two's.
    pub(super) has_place: bool,
    /// Who says so, if not the component itself.
    pub(super) said_by: Option<&'static str>,
    /// What is said, once.
    pub(super) root: [Said; 2],
    /// What is said of something alike that does no harm.
    pub(super) harmless: [Said; 2],
}

/// All of them. No name is a part of another.
pub(super) const CAUSES: [Cause; 8] = [
    Cause {
        name: "full disk",
        hosts: &[Role::Database, Role::Queue],
        has_place: true,
        said_by: None,
        root: [
            ("ERROR", "could not extend /var/lib/$me/{snake}.{n}: No space left on device"),
            ("WARN", "0 bytes free on /var/lib/$me, writes are refused from now on"),
        ],
        harmless: [
            ("WARN", "volume of $me is {small}% full after cleanup, below its limit"),
            ("INFO", "temporary files of $me removed, {n} GiB free again"),
        ],
    },
    Cause {
        name: "expired certificate",
        hosts: &[Role::Database, Role::Queue, Role::Cache, Role::Api],
        has_place: true,
        said_by: None,
        root: [
            ("WARN", "own certificate CN=$me.internal is past its notAfter, peers refuse it"),
            ("ERROR", "TLS: certificate of $me expired a moment ago and was not renewed"),
        ],
        harmless: [
            ("WARN", "certificate of $me expires in {small} days"),
            ("INFO", "certificate of $me renewed, valid for 90 days"),
        ],
    },
    Cause {
        name: "wrong password",
        hosts: &[Role::Api, Role::Worker],
        has_place: false,
        said_by: None,
        root: [
            ("WARN", "login of $me_rw at $database refused (28P01): its secret was rotated to version {n}"),
            ("ERROR", "$database says: password authentication failed for $me_rw; secret {n} is newer"),
        ],
        harmless: [
            ("INFO", "secret of $me will be rotated in {small} days"),
            ("WARN", "password of user {user} refused once, signed in at the second try"),
        ],
    },
    Cause {
        name: "missing environment variable",
        hosts: &[Role::Api, Role::Worker],
        has_place: true,
        said_by: None,
        root: [
            ("WARN", "started release {version}: {SCREAMING}_URL is not set in its environment, $me is idle"),
            ("ERROR", "release {version} of $me: required variable {SCREAMING}_KEY is not set"),
        ],
        harmless: [
            ("WARN", "{SCREAMING} is not set, $me takes the default"),
            ("INFO", "variable {SCREAMING} of $me is deprecated and has no effect"),
        ],
    },
    Cause {
        name: "port in use",
        hosts: &[Role::Cache, Role::Queue, Role::Api],
        has_place: true,
        said_by: None,
        root: [
            ("WARN", "restart of $me: bind 0.0.0.0:{port}: address already in use, it does not listen"),
            ("ERROR", "$me can't listen on :{port}: another process {n} holds it"),
        ],
        harmless: [
            ("WARN", "port {port} was still held, $me bound it at the second try"),
            ("INFO", "$me moved its metrics to a free port, {port} was taken"),
        ],
    },
    Cause {
        name: "out of memory",
        hosts: &[Role::Cache, Role::Database, Role::Worker, Role::Api],
        has_place: true,
        said_by: Some("kernel"),
        root: [
            ("WARN", "oom-kill: task=$me,pid={n}: killed process {n} ($me), anon-rss:{big}kB"),
            ("WARN", "memory cgroup of $me is over its limit, killed process {n} ($me)"),
        ],
        harmless: [
            ("WARN", "resident memory of $me at {small}%, collected"),
            ("INFO", "$me freed {size} of its heap"),
        ],
    },
    Cause {
        name: "failed name lookup",
        hosts: &[Role::Api, Role::Worker],
        has_place: false,
        said_by: None,
        root: [
            ("WARN", "lookup $database.internal on 10.0.0.2:53: NXDOMAIN, since zone serial {big}"),
            ("ERROR", "getaddrinfo $database.internal: Name or service not known"),
        ],
        harmless: [
            ("WARN", "lookup of {host} took {n} ms, answered"),
            ("INFO", "name server 10.0.0.3 is slow, $me asks 10.0.0.2"),
        ],
    },
    Cause {
        name: "failed schema migration",
        hosts: &[Role::Api],
        has_place: false,
        said_by: None,
        root: [
            ("WARN", "migration {n}_{snake} stopped at statement {digit} of 12 and was left half applied"),
            (
                "ERROR",
                "migration {n}_{snake}: column \"{snake}\" does not exist; schema is at an unknown version",
            ),
        ],
        harmless: [
            ("INFO", "migration {n}_{snake} skipped: it was applied before"),
            ("WARN", "migration {n}_{snake} took {small} s, done"),
        ],
    },
];
