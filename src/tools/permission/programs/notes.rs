//! Reasons, for the programs and flags that people ask about most. They change no verdict:
//! what isn't in the table asks with or without a note.

/// Programs by what they do.
const KINDS: &[(&str, &str)] = &[
    (
        "xargs env sudo doas su nohup timeout watch nice ionice setsid time parallel exec eval source . command \
         builtin script expect strace ltrace gdb chroot unshare flock stdbuf systemd-run busybox entr make ninja \
         ldd man less more vi vim nvim nano emacs ed",
        "runs other programs",
    ),
    (
        "sh bash dash zsh ksh fish csh tcsh pwsh python python3 python2 perl ruby node deno bun php lua tclsh Rscript",
        "runs any code",
    ),
    (
        "curl wget ping dig nc ncat netcat ssh scp sftp rsync ftp telnet host nslookup traceroute whois socat \
         openssl gh aws gcloud az kubectl helm terraform ansible nmap mail sendmail",
        "reaches the network",
    ),
    (
        "rm rmdir mv cp ln install tee dd truncate shred chmod chown chgrp touch mkdir mknod mktemp split csplit \
         patch zip gzip gunzip bzip2 xz zstd unlink rename sponge",
        "changes files",
    ),
    (
        "kill killall pkill reboot shutdown halt poweroff mount umount swapoff swapon modprobe sysctl crontab at \
      useradd usermod userdel passwd visudo iptables nft ufw apt apt-get dnf yum pacman brew snap flatpak",
        "changes the system",
    ),
    ("mkfs fdisk parted wipefs mkswap", "changes disks"),
    ("printenv export set declare history", "tells what may be secret"),
];

/// Flags whose beginning says what they do: program, flag, what it does.
const FLAGS: &[(&str, &str, &str)] = &[
    ("find", "-exec", "runs other programs"),
    ("find", "-ok", "runs other programs"),
    ("find", "-delete", "deletes files"),
    ("find", "-fprint", "writes a file"),
    ("find", "-fls", "writes a file"),
    ("rg", "--pre", "runs another program"),
    ("rg", "--hostname-bin", "runs another program"),
    ("sort", "-o", "writes a file"),
    ("sort", "--o", "writes a file"),
    ("sort", "--compress-program", "runs another program"),
    ("sed", "-i", "changes files"),
    ("sed", "--in-place", "changes files"),
    ("git", "-c", "can make git run other programs"),
    ("git", "--exec-path", "can make git run other programs"),
    ("git", "--config-env", "can make git run other programs"),
    ("git diff", "--ext-diff", "runs another program"),
    ("git diff", "--output", "writes a file"),
    ("git grep", "-O", "runs another program"),
    ("git grep", "--open-files-in-pager", "runs another program"),
    ("journalctl", "--vacuum", "deletes old logs"),
    ("journalctl", "--rotate", "changes the logs"),
    ("journalctl", "--flush", "changes the logs"),
    ("date", "-s", "sets the clock"),
    ("date", "--set", "sets the clock"),
    ("tree", "-o", "writes a file"),
    ("yq", "-i", "changes files"),
    ("dmesg", "-c", "clears the log"),
    ("dmesg", "-C", "clears the log"),
    ("dmesg", "--clear", "clears the log"),
];

/// Why a program without an entry asks.
pub(super) fn unknown_program(name: &str) -> String {
    let kind = KINDS.iter().find(|(names, _)| names.split_whitespace().any(|own| own == name));
    match kind {
        Some((_, does)) => format!("`{name}` {does}"),
        None if name.starts_with("mkfs") => format!("`{name}` changes disks"),
        None => format!("`{name}` isn't a program that is known to only read"),
    }
}

/// Why a flag that an entry doesn't name asks.
pub(super) fn unknown_flag(name: &str, flag: &str) -> String {
    let note = FLAGS.iter().find(|(program, own, _)| *program == name && flag.starts_with(own));
    match note {
        Some((_, _, does)) => format!("`{flag}` of `{name}` {does}"),
        None => format!("`{flag}` isn't a flag of `{name}` that is known to be harmless"),
    }
}

/// Why a subcommand without an entry asks.
pub(super) fn unknown_subcommand(name: &str, subcommand: &str) -> String {
    format!("`{name} {subcommand}` isn't known to only read")
}
