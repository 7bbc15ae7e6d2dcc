//! The system calls that a sandboxed command may not make, as a seccomp filter.
//!
//! Landlock guards files, TCP and signals. What is left: sockets of all other kinds, leaving
//! the process group by which the command is ended, and what changes the machine or looks
//! into other processes.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::Policy;

/// Denied whatever the policy says.
const DENIED: [c_long; 56] = [
    // Leaving the group, by which the command and all that it started is ended.
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // Looking into other processes, and reaching into them.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Rings do what the filter would deny, unseen.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other namespaces, other roots, other mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    // Files by their handle, past the rules about paths.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // Keys of the user's session.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_syslog,
    libc::SYS_quotactl,
    libc::SYS_acct,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_vhangup,
    // What outlives a process.
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // Other processes' bounds and place.
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Owners and extended attributes of files: Landlock doesn't guard what is said of a file, only
/// what is in it. The last numbers are newer than `libc` has names for: `setxattrat`,
/// `removexattrat`, `file_setattr`.
const OWNERS: &[c_long] = &[
    libc::SYS_fchown,
    libc::SYS_fchownat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    463,
    466,
    469,
];

/// Modes and times of files, which only a command that may write has business with. The number
/// is `fchmodat2`.
const MODES: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    452,
    libc::SYS_utimensat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// Sending signals, to whomever: denied where Landlock can't tell inside from outside.
const SIGNALS: [c_long; 6] = [
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
];

/// Calls that change a process, and which argument names it: 0 is the caller.
const OF_OTHERS: [(c_long, u8); 3] =
    [(libc::SYS_prlimit64, 0), (libc::SYS_setpriority, 1), (libc::SYS_ioprio_set, 1)];

/// The flags of `clone` that make namespaces. `clone3` has its flags in memory, where no
/// filter can look: it is answered as on a kernel that has none, and `clone` is used.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Added to a number of x86-64 it is the same call of the x32 ABI.
#[cfg(target_arch = "x86_64")]
const X32: c_long = 0x4000_0000;

/// Makes the filters. Calls that they don't name are allowed; those of another architecture
/// kill the process.
pub(super) fn programs(policy: &Policy, signals_are_scoped: bool) -> Result<[BpfProgram; 2], String> {
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    denied.insert(libc::SYS_clone, namespaces().map_err(words)?);
    denied.insert(libc::SYS_socket, sockets(policy.network).map_err(words)?);
    for (call, argument) in OF_OTHERS {
        denied.insert(call, of_others(argument).map_err(words)?);
    }
    denied.extend(OWNERS.iter().map(|&call| (call, Vec::new())));
    if !policy.write {
        denied.extend(MODES.iter().map(|&call| (call, Vec::new())));
    }
    if !signals_are_scoped {
        denied.extend(SIGNALS.iter().map(|&call| (call, Vec::new())));
    }
    let missing = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    Ok([program(missing, libc::ENOSYS)?, program(denied, libc::EPERM)?])
}

fn words(error: seccompiler::BackendError) -> String {
    format!("the filter can't be made ({error})")
}

fn program(mut rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, String> {
    #[cfg(target_arch = "x86_64")]
    {
        let x32: Vec<(i64, Vec<SeccompRule>)> =
            rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(x32);
    }
    let architecture = std::env::consts::ARCH.try_into().map_err(words)?;
    let answer = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture).map_err(words)?;
    filter.try_into().map_err(words)
}

/// The bounds and the priority of a process that isn't the caller.
fn of_others(argument: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let other = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    Ok(vec![SeccompRule::new(vec![other])?])
}

/// `clone` with any flag that makes a namespace.
fn namespaces() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let rule = |flag: i32| {
        let flag = u64::from(flag.cast_unsigned());
        let set = SeccompCmpOp::MaskedEq(flag);
        SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Qword, set, flag)?])
    };
    NAMESPACES.into_iter().map(rule).collect()
}

/// Sockets: none at all, or those of the internet. Those of the machine itself (of services,
/// the desktop, a container's engine) are never reached.
fn sockets(network: bool) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    if !network {
        return Ok(Vec::new());
    }
    let other_than = |family: i32| {
        let family = u64::from(family.cast_unsigned());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    Ok(vec![SeccompRule::new(vec![other_than(libc::AF_INET)?, other_than(libc::AF_INET6)?])?])
}
