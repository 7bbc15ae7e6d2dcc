//! The process between percept and a sandboxed command: it ends all of the command's
//! processes, whatever becomes of percept.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, setsid, waitid};

use super::{NOT_ENTERED, Policy, TOO_MANY};

/// How often it is looked whether there are many more processes than before: a fork bomb
/// that has its way for a tenth of a second leaves nobody the time to count.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// So many times more processes than a command may have are its own, whoever else starts some.
const SURELY: u64 = 4;

/// Added to a signal's number in the exit code of a command that a signal ended, as shells do.
const SIGNAL_BASE: i32 = 128;

/// The command was ended because it had too many processes.
static OVERRUN: AtomicBool = AtomicBool::new(false);

/// `POLICY ENTRANCE [ARGUMENT…]`, with the lifeline as standard input: the entrance is percept
/// itself, or bubblewrap with percept inside.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    ExitCode::from(supervise(arguments).unwrap_or(NOT_ENTERED))
}

fn supervise(arguments: &[OsString]) -> std::io::Result<u8> {
    let [policy, entrance, arguments @ ..] = arguments else {
        return Err(std::io::Error::other("no command is given"));
    };
    let policy: Policy = serde_json::from_slice(policy.as_encoded_bytes())?;
    setsid()?;
    // It makes a session of its own, which its members can't leave, and the supervisor is none
    // of them: they can neither signal it nor take its turn on the CPU.
    let mut child = Command::new(entrance).args(arguments).stdin(Stdio::null()).spawn()?;
    let group = Pid::from_child(&child);
    std::thread::spawn(move || {
        // Nobody writes to it: it can be read when its other end is gone.
        let _ = std::io::stdin().read(&mut [0]);
        end(group);
        std::process::exit(i32::from(NOT_ENTERED));
    });
    let most = policy.bounds.processes;
    let before = processes_of_all();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK_EVERY);
            // Counting the group reads a file a process; counting all of them reads one. Where so many
            // came at once, there is no time left to count whose they are.
            let all = processes_of_all();
            if all > before + most && (all > before + SURELY * most || members(group) > most) {
                OVERRUN.store(true, Ordering::Relaxed);
                end(group);
            }
        }
    });
    // Not reaped yet, so that its number, which is the group's, is not given to another.
    waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    end(group);
    let status = child.wait()?;
    if OVERRUN.load(Ordering::Relaxed) {
        return Ok(TOO_MANY);
    }
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNAL_BASE + signal));
    Ok(u8::try_from(code.unwrap_or(1)).unwrap_or(1))
}

/// Ends all processes of the group at once.
fn end(group: Pid) {
    // None is left: that is what is wanted. Or the first has not made the group yet.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = kill_process(group, Signal::KILL);
}

/// How many processes and threads the machine has (the fourth field of `/proc/loadavg`); 0
/// where it doesn't say.
pub(super) fn processes_of_all() -> u64 {
    let all = || {
        let averages = std::fs::read_to_string("/proc/loadavg").ok()?;
        averages.split(' ').nth(3)?.split_once('/')?.1.parse().ok()
    };
    all().unwrap_or(0)
}

/// How many processes belong to the group, or descend from its first: in bubblewrap's
/// namespace groups can be left, but not that descent.
fn members(group: Pid) -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let group = group.as_raw_nonzero().get();
    let read = |entry: std::fs::DirEntry| {
        let process: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // Behind the name, which may hold anything: state, parent, group.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(1);
        let (parent, of) = (fields.next()?.parse::<i32>().ok()?, fields.next()?.parse::<i32>().ok()?);
        Some((process, (parent, of)))
    };
    let all: HashMap<i32, (i32, i32)> = processes.flatten().filter_map(read).collect();
    let descends = |process: i32| {
        let parents = std::iter::successors(Some(process), |process| all.get(process).map(|known| known.0));
        parents.take(all.len()).any(|ancestor| ancestor == group)
    };
    all.iter().filter(|(process, (_, of))| *of == group || descends(**process)).count() as u64
}
