//! What holds a command here, and the command line that makes it do so.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Policy;

/// What holds commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// The Linux kernel: Landlock, with seccomp.
    Landlock {
        /// Whether it keeps signals inside (version 6).
        signals: bool,
    },
    /// Bubblewrap, where Landlock is missing, with seccomp; the program.
    Bubblewrap(PathBuf),
    /// Seatbelt of macOS, by `sandbox-exec`.
    SandboxExec,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Landlock { signals: true } => f.write_str("Landlock (files, TCP, signals) and seccomp"),
            Self::Landlock { signals: false } => f.write_str("Landlock (files, TCP) and seccomp"),
            Self::Bubblewrap(program) => write!(f, "bubblewrap ({}) and seccomp", program.display()),
            Self::SandboxExec => f.write_str("sandbox-exec"),
        }
    }
}

/// Where macOS has it.
pub(super) const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";

/// The arguments of bubblewrap for a policy, up to the command.
///
/// All is bound read-only, then the working folder writable where that is allowed, then what
/// is hidden is covered: later ones win. It has namespaces of its own for processes, users,
/// the network (unless that is allowed), and ends with its parent.
pub(super) fn bubblewrap(policy: &Policy) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--unshare-all", "--die-with-parent", "--new-session"]
        .into_iter()
        .chain(policy.network.then_some("--share-net"))
        .chain(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run"])
        .map(OsString::from)
        .collect();
    // Names are looked up by what may lie in there.
    if policy.network {
        for file in ["/run/systemd/resolve", "/run/resolvconf"] {
            arguments.extend(["--ro-bind-try", file, file].map(OsString::from));
        }
    }
    if policy.write {
        let folder = policy.folder.as_os_str();
        arguments.extend(["--bind".into(), folder.to_owned(), folder.to_owned()]);
    }
    for hidden in &policy.hidden {
        match hidden.is_dir() {
            true => arguments.extend(["--tmpfs".into(), hidden.into()]),
            false => arguments.extend(["--ro-bind".into(), "/dev/null".into(), hidden.into()]),
        }
    }
    arguments.extend(["--chdir".into(), policy.folder.as_os_str().to_owned(), "--".into()]);
    arguments
}

/// A profile of Seatbelt for a policy (its language is that of `/usr/share/sandbox/*.sb`).
///
/// Not tried on a Mac: what it says is what those files say.
#[cfg_attr(
    not(target_os = "macos"),
    allow(dead_code, reason = "macOS alone has Seatbelt; tested everywhere")
)]
pub(super) fn seatbelt(policy: &Policy) -> String {
    let quoted = |path: &Path| {
        let text = path.display().to_string();
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    };
    let mut profile = "(version 1)\n(allow default)\n(deny file-write*)\n\
        (allow file-write* (literal \"/dev/null\") (literal \"/dev/zero\"))\n"
        .to_owned();
    if policy.write {
        profile += &format!("(allow file-write* (subpath {}))\n", quoted(&policy.folder));
    }
    for hidden in &policy.hidden {
        profile += &format!("(deny file-read* file-write* (subpath {}))\n", quoted(hidden));
    }
    profile += match policy.network {
        true => "(deny network* (local unix) (remote unix))\n",
        false => "(deny network*)\n",
    };
    profile + "(deny signal (target others))\n(deny mach-priv-task-port)\n(deny appleevent-send)\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(folder: &Path) -> Policy {
        let mut policy = Policy::read_only(folder, None, &[]);
        policy.hidden = vec![folder.join("with \"quote\"")];
        policy
    }

    #[test]
    fn a_seatbelt_profile_denies_what_the_policy_does_not_grant() {
        let folder = Path::new("/work");
        let profile = seatbelt(&policy(folder));
        assert!(profile.contains("(deny file-write*)") && profile.contains("(deny network*)\n"), "{profile}");
        assert!(profile.contains(r#"(subpath "/work/with \"quote\"")"#), "{profile}");
        assert!(!profile.contains("(allow file-write* (subpath"), "{profile}");
        let profile = seatbelt(&policy(folder).writing().reaching_out());
        assert!(profile.contains("(allow file-write* (subpath \"/work\"))"), "{profile}");
        // What is hidden stays so in a folder that may be written to: the later rule wins.
        assert!(profile.find("allow file-write* (subpath") < profile.find("deny file-read*"));
    }

    #[test]
    fn what_is_hidden_covers_what_was_bound() {
        let dir = tempfile::tempdir().unwrap();
        let mut policy = Policy::read_only(dir.path(), None, &[]).writing();
        policy.hidden = vec![dir.path().to_owned()];
        let arguments = bubblewrap(&policy);
        let at = |word: &str| arguments.iter().rposition(|argument| argument == word).unwrap();
        assert!(at("--ro-bind") < at("--bind") && at("--bind") < at("--tmpfs"));
        assert!(!arguments.iter().any(|argument| argument == "--share-net"));
    }
}
