//! Escape attempts, run for real in the sandbox: none may succeed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::ffi::OsString;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use percept::tools::sandbox::{
    Bounds, Ended, Means, Options, Output, Policy, Run, Support, means, run, support,
};

/// What the secret file holds.
const SECRET: &str = "hunter2-is-the-secret";

/// What the file outside holds.
const OUTSIDE: &str = "untouched";

/// One after the other: a fork bomb is no neighbour for anybody who starts a thread.
static ALONE: Mutex<()> = Mutex::new(());

/// A home with a secret, a working folder, something outside both, and listeners.
struct Stage {
    _alone: MutexGuard<'static, ()>,
    dir: tempfile::TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    datagrams: UnixDatagram,
    mark: String,
    by: Support,
}

impl Stage {
    /// Nothing where the kernel can't sandbox: that is said, and every command is asked for.
    fn set() -> Option<Self> {
        if let Support::None(why) = support() {
            eprintln!("skipped: {why}");
            return None;
        }
        Some(Self::held(support()))
    }

    /// One after the other for all that can hold commands here: Landlock, and bubblewrap where
    /// it is installed.
    fn each(test: impl Fn(&Self)) {
        if let Support::None(why) = support() {
            return eprintln!("skipped: {why}");
        }
        assert!(!means().is_empty());
        for means in means() {
            eprintln!("held by {means}");
            test(&Self::held(Support::By(means)));
        }
    }

    fn held(by: Support) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["home/.ssh", "work/sub", "outside"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("home/.ssh/id_ed25519"), SECRET).unwrap();
        std::fs::write(root.join("home/notes.txt"), "notes").unwrap();
        std::fs::write(root.join("outside/file"), OUTSIDE).unwrap();
        std::fs::write(root.join("work/file"), OUTSIDE).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(root.join("outside/socket")).unwrap();
        let mark = format!("percept-escape-{}", std::process::id());
        let name = format!("{mark}-{}", root.file_name().unwrap().to_str().unwrap());
        let datagrams = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        unix.set_nonblocking(true).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        Self { _alone: alone, dir, tcp, udp, unix, datagrams, mark, by }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn policy(&self) -> Policy {
        let mut policy = Policy::read_only(&self.path("work"), Some(&self.path("home")), &[]);
        policy.bounds = Bounds { processes: 64, ..Bounds::default() };
        policy
    }

    /// The script with the stage's places in it.
    fn script(&self, script: &str) -> String {
        let name = |path: &str| self.path(path).to_str().unwrap().to_owned();
        script
            .replace("{home}", &name("home"))
            .replace("{work}", &name("work"))
            .replace("{outside}", &name("outside"))
            .replace("{secret}", &name("home/.ssh/id_ed25519"))
            .replace("{tcp}", &self.tcp.local_addr().unwrap().port().to_string())
            .replace("{udp}", &self.udp.local_addr().unwrap().port().to_string())
            .replace(
                "{abstract}",
                &format!("{}-{}", self.mark, self.dir.path().file_name().unwrap().to_str().unwrap()),
            )
            .replace("{percept}", &std::process::id().to_string())
            .replace("{escape}", escape().to_str().unwrap())
    }

    fn run(&self, policy: &Policy, script: &str) -> Output {
        self.run_for(policy, script, Duration::from_secs(10), &Arc::default())
    }

    fn run_for(&self, policy: &Policy, script: &str, time: Duration, stop: &Arc<AtomicBool>) -> Output {
        let command: Vec<OsString> =
            ["/bin/sh".into(), "-c".into(), self.script(script).into(), self.mark.clone().into()].into();
        let options = Options {
            percept: percept(),
            by: self.by.clone(),
            spool: self.path("spool"),
            most_spool: 1 << 30,
            most_output: 64 * 1024,
        };
        run(
            &Run {
                command: &command,
                policy,
                proven: true,
                time,
                stop: Arc::clone(stop),
                says: Arc::default(),
            },
            &options,
        )
        .unwrap()
    }

    /// What an attempt got done; nothing, if the sandbox held.
    fn harm(&self, output: &Output, may_write: bool) -> Option<String> {
        let said = String::from_utf8_lossy(&output.bytes);
        let read = |path: &str| std::fs::read_to_string(self.path(path)).unwrap_or_default();
        let names = |path: &str| std::fs::read_dir(self.path(path)).unwrap().count();
        let harm = match () {
            () if said.contains(SECRET) => "it read the secret",
            () if said.contains("ESCAPED") => "it says so",
            () if read("outside/file") != OUTSIDE => "it changed the file outside",
            () if names("outside") != 2 => "it made something outside",
            () if !self.path("home/.ssh/id_ed25519").exists() => "it removed the secret",
            () if !may_write && read("work/file") != OUTSIDE => "it changed a file",
            () if !may_write && names("work") != 2 => "it made a file",
            () if self.tcp.accept().is_ok() => "it connected by TCP",
            () if self.udp.recv(&mut [0; 64]).is_ok() => "it sent by UDP",
            () if self.unix.accept().is_ok() => "it connected to a Unix socket",
            () if self.datagrams.recv(&mut [0; 64]).is_ok() => "it sent to an abstract socket",
            () if left_behind(&self.mark) => "it left a process behind",
            () => return None,
        };
        // A fork bomb has a lot to say.
        Some(format!("{harm}; {:?}: {}", output.ended, said.chars().take(300).collect::<String>()))
    }
}

fn percept() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_percept"))
}

/// The program of attempts that a shell can't make.
fn escape() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().parent().unwrap().join("examples/escape")
}

/// Whether a process with the mark in its command line lives on.
fn left_behind(mark: &str) -> bool {
    let lives = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let own = entry.file_name().to_str() == Some(&std::process::id().to_string());
            !own && String::from_utf8_lossy(&line).contains(mark)
        })
    };
    // One that was killed a moment ago may still be on its way out.
    (0..50).all(|_| {
        std::thread::sleep(Duration::from_millis(10));
        lives()
    })
}

/// Each with what it tries; `{…}` are places of the stage.
const READ_ONLY: [&str; 58] = [
    // Writing.
    "echo x > {outside}/file && echo ESCAPED",
    "echo x >> {work}/file && echo ESCAPED",
    "echo x > {work}/new && echo ESCAPED",
    "echo x > /tmp/percept-escape && echo ESCAPED; rm -f /tmp/percept-escape",
    "echo x > /dev/shm/percept-escape && echo ESCAPED",
    "echo x > /var/tmp/percept-escape && echo ESCAPED",
    "truncate -s 0 {outside}/file && echo ESCAPED",
    "cp /etc/hostname {outside}/copy && echo ESCAPED",
    "mv {outside}/file {outside}/moved && echo ESCAPED",
    "rm -rf {outside}/file {home}/.ssh && echo ESCAPED",
    "mkdir {work}/folder && echo ESCAPED",
    "ln {outside}/file {work}/hard && echo ESCAPED",
    "ln -s {outside}/file {work}/soft && echo ESCAPED",
    "mknod {work}/device b 8 0 && echo ESCAPED",
    "mkfifo {work}/pipe && echo ESCAPED",
    "cd {work} && tar cf {outside}/t.tar file && echo ESCAPED",
    "prlimit --pid $PPID --core=0:0 && echo ESCAPED",
    // What is said of a file.
    "chmod 777 {outside}/file && echo ESCAPED",
    "chmod 777 {home}/.ssh {secret} && echo ESCAPED",
    "touch -d 2001-01-01 {outside}/file && echo ESCAPED",
    "touch -d 2001-01-01 {work}/file && echo ESCAPED",
    "chown 65534 {outside}/file && echo ESCAPED",
    "{escape} xattr {outside}/file",
    "{escape} fchmod {outside}/file",
    "sed -i s/un/x/ {work}/file && echo ESCAPED",
    "dd if=/dev/zero of={outside}/file bs=1 count=1 2>/dev/null && echo ESCAPED",
    "{escape} truncate {outside}/file",
    "{escape} rename {outside}/file {work}/file2",
    // Reading what is hidden.
    "cat {secret}",
    "cat {home}/notes.txt >/dev/null && cat {home}/../home/.ssh/id_ed25519",
    "cd {home}/.ssh && cat id_ed25519",
    "ls {home}/.ssh && echo ESCAPED",
    "cat /proc/self/root{secret}",
    "cat /proc/self/cwd/../home/.ssh/id_ed25519",
    "find / -name id_ed25519 -path '*{home}*' -exec cat {} \\; 2>/dev/null",
    "cp {secret} /dev/stdout",
    "exec 3<{secret}; cat <&3",
    "cat /etc/shadow && echo ESCAPED",
    "cat /proc/{percept}/environ | tr '\\0' '\\n' | grep -q . && echo ESCAPED",
    "head -c1 /proc/{percept}/mem && echo ESCAPED",
    "readlink /proc/{percept}/fd/0 && echo ESCAPED",
    "readlink /proc/{percept}/cwd && echo ESCAPED",
    "readlink /proc/{percept}/exe && echo ESCAPED",
    "cat /proc/1/environ | grep -q . && echo ESCAPED",
    "head -c1 /proc/kcore | grep -q . && echo ESCAPED",
    "cat /dev/mem /dev/sda /dev/vda 2>/dev/null | head -c1 | grep -q . && echo ESCAPED",
    "env | grep -q CARGO && echo ESCAPED",
    // The network.
    "{escape} tcp 127.0.0.1:{tcp}",
    "{escape} udp 127.0.0.1:{udp}",
    "{escape} unix {outside}/socket",
    "{escape} abstract {abstract}",
    "{escape} listen",
    // Other processes.
    "kill -9 {percept} && echo ESCAPED",
    "kill -STOP $PPID && echo ESCAPED",
    "{escape} ptrace {percept}",
    "{escape} io_uring",
    "{escape} unshare",
    "nsenter -t 1 -m true 2>/dev/null && echo ESCAPED; unshare -r true 2>/dev/null && echo ESCAPED; chroot / true 2>/dev/null && echo ESCAPED",
];

/// What is no harm in bubblewrap: the folder is another, empty one, and the processes are those
/// of its own namespace.
const ITS_OWN: [&str; 3] = [
    "ls {home}/.ssh && echo ESCAPED",
    "cat /proc/1/environ | grep -q . && echo ESCAPED",
    "kill -STOP $PPID && echo ESCAPED",
];

#[test]
fn no_attempt_of_a_read_only_command_succeeds() {
    Stage::each(|stage| {
        let policy = stage.policy();
        let harms: Vec<String> = READ_ONLY
            .iter()
            .filter(|script| {
                !(matches!(stage.by, Support::By(Means::Bubblewrap(_))) && ITS_OWN.contains(script))
            })
            .filter_map(|script| {
                let output = stage.run(&policy, script);
                Some(format!("{script}\n    {}", stage.harm(&output, false)?))
            })
            .collect();
        assert!(harms.is_empty(), "{}", harms.join("\n"));
    });
}

/// The same attempts without a sandbox do harm, and it is noticed.
#[test]
fn without_the_sandbox_the_attempts_succeed() {
    for script in [
        "cat {secret}",
        "echo x > {outside}/file && echo ESCAPED",
        "mkdir {work}/folder",
        "ln {outside}/file {work}/hard",
        "{escape} truncate {outside}/file",
        "{escape} tcp 127.0.0.1:{tcp}",
        "{escape} udp 127.0.0.1:{udp}",
        "{escape} unix {outside}/socket",
        "{escape} abstract {abstract}",
        "{escape} listen",
        "prlimit --pid $PPID --core=0:0 && echo ESCAPED",
        "chmod 777 {outside}/file && echo ESCAPED",
        "{escape} xattr {outside}/file",
        "{escape} fchmod {outside}/file",
        "env | grep -q CARGO && echo ESCAPED",
        "(setsid sh -c 'sleep 30' $0 >/dev/null 2>&1 &)",
    ] {
        let Some(stage) = Stage::set() else { return };
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &stage.script(script), &stage.mark]).current_dir(stage.path("work"));
        let bytes = shell.stderr(std::process::Stdio::null()).output().unwrap().stdout;
        let (ended, total, took) = (Ended::Code(0), 0, Duration::ZERO);
        let output = Output { ended, bytes, total, whole: None, unkept: None, took };
        assert!(stage.harm(&output, false).is_some(), "{script} does nothing");
    }
}

/// With leave to write in the working folder.
const WRITING: [&str; 10] = [
    "echo x > {outside}/file && echo ESCAPED",
    "ln -s {outside}/file {work}/link && echo x > {work}/link && echo ESCAPED",
    "ln {outside}/file {work}/link && echo x > {work}/link && echo ESCAPED",
    "ln -s {secret} {work}/key; cat {work}/key",
    "mv {outside}/file {work}/stolen && echo ESCAPED",
    "mv {work}/file {outside}/put && echo ESCAPED",
    "cd {work} && mkdir -p a && cd a && echo x > ../../outside/file && echo ESCAPED",
    "mount --bind {outside} {work}/sub 2>/dev/null && echo ESCAPED",
    "chown 65534 {outside}/file && echo ESCAPED",
    "{escape} xattr {outside}/file",
];

#[test]
fn leave_to_write_in_the_folder_is_leave_for_nothing_else() {
    Stage::each(|stage| {
        let policy = stage.policy().writing();
        let output = stage.run(&policy, "echo new > {work}/made && cat {work}/made");
        assert_eq!(
            (output.ended.clone(), output.bytes.as_slice()),
            (Ended::Code(0), &b"new\n"[..]),
            "{output:?}"
        );
        let harms: Vec<String> = WRITING
            .iter()
            .filter_map(|script| {
                let output = stage.run(&policy, script);
                Some(format!("{script}\n    {}", stage.harm(&output, true)?))
            })
            .collect();
        assert!(harms.is_empty(), "{}", harms.join("\n"));
    });
}

#[test]
fn what_only_reads_works() {
    Stage::each(|stage| {
        let policy = stage.policy();
        for (script, wanted) in [
            ("cat {work}/file", OUTSIDE),
            ("cat {outside}/file", OUTSIDE),
            ("cat {home}/notes.txt", "notes"),
            ("ls {work}", "file\nsub\n"),
            ("pwd", stage.path("work").to_str().unwrap()),
            ("echo a | sort | tr a b > /dev/null; echo fine 2>&1", "fine\n"),
            ("df -P / | wc -l", "2\n"),
            ("ps -o pid= -p $$ | grep -c .", "1\n"),
            ("for i in 1 2 3; do (sleep 0.01 &) ; done; echo done", "done\n"),
        ] {
            let output = stage.run(&policy, script);
            assert_eq!(output.ended, Ended::Code(0), "{script}: {}", String::from_utf8_lossy(&output.bytes));
            assert_eq!(String::from_utf8_lossy(&output.bytes).trim_end(), wanted.trim_end(), "{script}");
        }
        let output = stage.run(&policy, "echo out; echo err >&2; exit 3");
        assert_eq!((output.ended, output.bytes.as_slice()), (Ended::Code(3), &b"out\nerr\n"[..]));
        let output = stage.run(&policy, "kill -TERM $$");
        assert_eq!(output.ended, Ended::Code(128 + 15));
    });
}

#[test]
fn whatever_ends_a_command_leaves_nothing_behind() {
    Stage::each(|stage| {
        let policy = stage.policy();
        // A daemon by a double fork, in a session of its own if it could have one.
        let daemon = "(setsid sh -c 'sleep 1000' $0 & ) ; (sh -c 'sleep 1000' $0 &) ; nohup sh -c 'sleep 1000' $0 >/dev/null 2>&1 & ";
        let output = stage.run(&policy, daemon);
        assert_eq!(stage.harm(&output, false), None);

        let start = Instant::now();
        let output =
            stage.run_for(&policy, "sleep 1000 & sleep 1000", Duration::from_millis(300), &Arc::default());
        assert_eq!((output.ended.clone(), stage.harm(&output, false)), (Ended::TimedOut, None));
        assert!(start.elapsed() < Duration::from_secs(5));

        let stop = Arc::new(AtomicBool::new(false));
        let stopper = Arc::clone(&stop);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            stopper.store(true, Ordering::Relaxed);
        });
        let deaf = "trap '' TERM INT HUP; while :; do sleep 1; done";
        let output = stage.run_for(&policy, deaf, Duration::from_secs(60), &stop);
        assert_eq!((output.ended.clone(), stage.harm(&output, false)), (Ended::Stopped, None));

        // As root the kernel bounds nothing, and bubblewrap is not used.
        let root = rustix::process::geteuid().is_root();
        if root && matches!(stage.by, Support::By(Means::Bubblewrap(_))) {
            return eprintln!("the fork bomb is left out: root is not bounded in bubblewrap");
        }
        let bomb = "b() { b | b & }; b; sleep 1000";
        let output = stage.run_for(&policy, bomb, Duration::from_secs(20), &Arc::default());
        // Bounded by the kernel, it may go on in vain until its time is up.
        let ended = output.ended == Ended::TooManyProcesses || !root && output.ended == Ended::TimedOut;
        assert_eq!((ended, stage.harm(&output, false)), (true, None), "{:?}", output.ended);
    });
}

#[test]
fn a_long_output_keeps_its_ends_and_all_of_it_lies_on_disk() {
    let Some(stage) = Stage::set() else { return };
    let output = stage.run(&stage.policy(), "i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done");
    let said = String::from_utf8_lossy(&output.bytes);
    assert!(said.starts_with("line 0\n") && said.ends_with("line 39999\n"), "{said:.100}");
    assert!(said.contains("in the middle left out"));
    assert!(output.bytes.len() < 65 * 1024);
    let whole = std::fs::read_to_string(output.whole.unwrap()).unwrap();
    assert_eq!((whole.len() as u64, whole.lines().count()), (output.total, 40_000));
}

/// A disk that is full may be just what the command looks into: it goes on to its end.
#[test]
fn an_output_that_can_not_be_kept_whole_ends_no_command() {
    let Some(stage) = Stage::set() else { return };
    let command: Vec<OsString> =
        ["/bin/sh".into(), "-c".into(), "seq 100000; echo done >&2; exit 3".into()].into();
    let options = Options {
        percept: percept(),
        by: support(),
        // In a file nothing can be made.
        spool: stage.path("outside/file/spool"),
        most_spool: 1 << 30,
        most_output: 1000,
    };
    let (policy, time, stop) = (stage.policy(), Duration::from_secs(10), Arc::default());
    let output = run(
        &Run { command: &command, policy: &policy, proven: true, time, stop, says: Arc::default() },
        &options,
    )
    .unwrap();
    let said = String::from_utf8_lossy(&output.bytes);
    assert_eq!(
        (output.ended, output.whole, said.ends_with("done\n")),
        (Ended::Code(3), None, true),
        "{said}"
    );
    assert!(output.unkept.is_some());
}

#[test]
fn a_file_grows_no_larger_than_it_may() {
    let Some(stage) = Stage::set() else { return };
    let mut policy = stage.policy().writing();
    policy.bounds.file = 1 << 20;
    stage.run(&policy, "dd if=/dev/zero of={work}/big bs=65536 count=64 2>/dev/null");
    assert_eq!(std::fs::metadata(stage.path("work/big")).unwrap().len(), 1 << 20);
}

/// percept killed while a command runs: the lifeline is cut, and all of it ends.
#[test]
fn the_death_of_percept_ends_the_command_too() {
    let Some(stage) = Stage::set() else { return };
    let policy = serde_json::to_string(&stage.policy()).unwrap();
    let (lifeline, hold) = std::io::pipe().unwrap();
    let script = "sh -c 'sleep 1000' $0 & echo up; sleep 1000";
    let mut child = std::process::Command::new(percept())
        .args(["__supervise", &policy])
        .arg(percept())
        .args(["__enter", &policy, "/bin/sh", "-c", script, &stage.mark])
        .stdin(lifeline)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"up\n");
    drop(hold);
    child.wait().unwrap();
    assert!(!left_behind(&stage.mark));
}

#[test]
fn a_sandbox_that_can_not_be_entered_runs_nothing() {
    let Some(stage) = Stage::set() else { return };
    let options = Options {
        percept: percept(),
        by: support(),
        spool: stage.path("spool"),
        most_spool: 1 << 30,
        most_output: 1000,
    };
    let mut policy = stage.policy();
    let run_it = |policy: &Policy, program: &Path| {
        let command = [program.as_os_str().to_owned()];
        run(
            &Run {
                command: &command,
                policy,
                proven: true,
                time: Duration::from_secs(5),
                stop: Arc::default(),
                says: Arc::default(),
            },
            &options,
        )
        .unwrap()
    };
    let output = run_it(&policy, Path::new("/none/such"));
    assert_eq!(output.ended, Ended::NotRun);
    assert!(String::from_utf8_lossy(&output.bytes).contains("/none/such can't be started"));
    policy.folder = stage.path("none");
    assert_eq!(run_it(&policy, Path::new("/bin/true")).ended, Ended::NotRun);
}
