//! Enters the sandbox: gives up what it may not have, then becomes the command.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::tools::lookup;

use super::{Means, NOT_ENTERED, Policy, Support, filter};

/// The least Landlock that will do: version 3 is the first that knows of truncating a file,
/// which a read-only command must not do.
const LEAST: ABI = ABI::V3;

/// The newest whose rules are known here.
const NEWEST: ABI = ABI::V6;

/// How much further back than percept a command stands (see `nice(1)`).
const NICE: i32 = 5;

/// As far back as one can stand.
const LAST: i32 = 19;

/// Devices that hold nothing.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// What nothing may read, whoever percept runs as: devices, and what services listen on.
const NEVER: [&str; 2] = ["/dev", "/run"];

/// What guards the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walls {
    /// Landlock, set up here.
    Own,
    /// Bubblewrap, which percept was started in.
    Bubblewrap,
}

/// All that works here, the best first.
pub(super) fn means() -> Vec<Means> {
    let landlock = match support() {
        Support::By(landlock @ Means::Landlock { .. }) => Some(landlock),
        _ => None,
    };
    landlock.into_iter().chain(bubblewrap().ok().map(Means::Bubblewrap)).collect()
}

pub(super) fn support() -> Support {
    let least = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEAST))
        .and_then(Ruleset::create);
    match least {
        Ok(_) => Support::By(Means::Landlock { signals: scopes_signals() }),
        // Its namespace hides what belongs to whom, and no kernel bounds root's processes.
        Err(error) if rustix::process::geteuid().is_root() => Support::None(format!(
            "this kernel's Landlock is missing or too old ({error}), and bubblewrap can't bound root's processes"
        )),
        Err(error) => match bubblewrap() {
            Ok(program) => Support::By(Means::Bubblewrap(program)),
            Err(why) => {
                Support::None(format!("this kernel's Landlock is missing or too old ({error}), and {why}"))
            }
        },
    }
}

/// Bubblewrap, if it is there and works.
fn bubblewrap() -> Result<PathBuf, String> {
    let program = lookup::program("bwrap").ok_or("bubblewrap is not installed")?;
    let tried = Command::new(&program)
        .args(["--unshare-all", "--ro-bind", "/", "/", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(program),
        _ => Err("bubblewrap may not make namespaces here".to_owned()),
    }
}

/// Whether Landlock can keep signals inside (version 6).
fn scopes_signals() -> bool {
    let newest = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    newest.scope(Scope::from_all(NEWEST)).and_then(Ruleset::create).is_ok()
}

/// `POLICY PROGRAM [ARGUMENT…]`: enters, and becomes the program.
pub(super) fn main(arguments: &[OsString], walls: Walls) -> ExitCode {
    let why = match enter_and_become(arguments, walls) {
        Ok(never) => match never {},
        Err(why) => why,
    };
    // Nothing can be done where standard error itself is closed.
    let _ = writeln!(std::io::stderr(), "percept: the command was not run: {why}");
    ExitCode::from(NOT_ENTERED)
}

fn enter_and_become(arguments: &[OsString], walls: Walls) -> Result<std::convert::Infallible, String> {
    let [policy, program, arguments @ ..] = arguments else { return Err("no command is given".to_owned()) };
    let policy: Policy =
        serde_json::from_slice(policy.as_encoded_bytes()).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&policy.folder);
    // Whoever runs a command asks too; what can't be enforced must not run all the same.
    if walls == Walls::Own && !matches!(support(), Support::By(Means::Landlock { .. })) {
        return Err("this kernel's Landlock is missing or too old".to_owned());
    }
    rustix::process::setsid().map_err(|error| format!("it gets no session ({error})"))?;
    // So that percept and its supervisor get their turn whatever the command does.
    stand_back().map_err(|error| format!("it can't be slowed ({error})"))?;
    bound(&policy).map_err(|error| format!("its bounds can't be set ({error})"))?;
    give_up_privileges().map_err(|error| format!("privileges can't be given up ({error})"))?;
    if walls == Walls::Own {
        let status = restrict_files(&policy).map_err(|error| format!("Landlock refuses ({error})"))?;
        if status == RulesetStatus::NotEnforced {
            return Err("Landlock enforces nothing here; is it switched off in the kernel?".to_owned());
        }
    }
    // In a namespace of processes there is nobody outside to signal.
    let signals = walls == Walls::Bubblewrap || scopes_signals();
    for filter in filter::programs(&policy, signals)? {
        seccompiler::apply_filter(&filter).map_err(|error| format!("seccomp refuses ({error})"))?;
    }
    Err(format!("{} can't be started ({})", program.display(), command.exec()))
}

/// Further back than percept stands, wherever that is.
fn stand_back() -> rustix::io::Result<()> {
    let nice = rustix::process::getpriority_process(None)?;
    rustix::process::setpriority_process(None, (nice + NICE).min(LAST))
}

fn bound(policy: &Policy) -> rustix::io::Result<()> {
    let bounds = &policy.bounds;
    let same = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Core, same(0))?;
    setrlimit(Resource::As, same(bounds.memory))?;
    setrlimit(Resource::Fsize, same(if policy.write { bounds.file } else { 0 }))?;
    if bounds.with_others > 0 {
        // The kernel counts all of a user's, and root's not: the supervisor counts too.
        setrlimit(Resource::Nproc, same(bounds.with_others))?;
    }
    setrlimit(Resource::Cpu, same(bounds.cpu_seconds))
}

/// Root in a sandbox is to be like anybody: no capability, and no way back to one.
fn give_up_privileges() -> rustix::io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Not root, or a capability that this kernel doesn't know.
            Ok(()) | Err(rustix::io::Errno::PERM | rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
}

fn restrict_files(policy: &Policy) -> Result<RulesetStatus, landlock::RulesetError> {
    let read = AccessFs::from_read(NEWEST);
    let hidden: Vec<PathBuf> = policy.hidden.iter().cloned().chain(NEVER.iter().map(PathBuf::from)).collect();
    let mut readable = Vec::new();
    all_but(Path::new("/"), &hidden, &mut readable);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?;
    if !policy.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut created = ruleset
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(&readable, read))?
        // Names may be listed where the command works, whatever of it is hidden.
        .add_rules(path_beneath_rules([&policy.folder], BitFlags::from(AccessFs::ReadDir)))?
        .add_rules(path_beneath_rules(DEVICES, AccessFs::ReadFile | AccessFs::WriteFile))?;
    if policy.write {
        let mut writable = Vec::new();
        all_but(&policy.folder, &hidden, &mut writable);
        created = created.add_rules(path_beneath_rules(&writable, AccessFs::from_all(NEWEST)))?;
    }
    created.restrict_self().map(|status| status.ruleset)
}

/// The folders and files under a root that together hold all but what is hidden.
fn all_but(root: &Path, hidden: &[PathBuf], found: &mut Vec<PathBuf>) {
    if hidden.iter().any(|hidden| root.starts_with(hidden)) {
        return;
    }
    if !hidden.iter().any(|hidden| hidden.starts_with(root)) {
        return found.push(root.to_owned());
    }
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        // A link has no content of its own; where it leads has its own rule or none.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            all_but(&entry.path(), hidden, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_hidden_is_found_however_deep_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["a/secret/x", "a/open", "b"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("a/file"), "x").unwrap();
        std::os::unix::fs::symlink(root.join("a/secret"), root.join("b/link")).unwrap();
        std::os::unix::fs::symlink(root.join("a/secret"), root.join("link")).unwrap();
        let mut found = Vec::new();
        all_but(root, &[root.join("a/secret")], &mut found);
        found.sort();
        assert_eq!(found, ["a/file", "a/open", "b"].map(|name| root.join(name)));
        found.clear();
        all_but(root, &[root.to_owned()], &mut found);
        assert!(found.is_empty());
    }
}
