//! Programs that tell how the machine is, and those that need no table of files.

use super::special::{date, ip, journal, ps};
use super::{Program, Takes, program};

pub(super) const TABLE: &[Program] = &[
    program("df", "a B= h H i k l m P T t= x= all block-size= human-readable si inodes local portability output? \
         print-type type= exclude-type= total", Takes::Mounts),
    program("du", "0 a A B= b c D d= h H k l L m P S s t= x exclude= all apparent-size block-size= bytes total \
         max-depth= human-readable si count-links separate-dirs summarize threshold= one-file-system time? null \
         inodes", Takes::Mounts),
    program("findmnt", "a A b C D e f i J k l m n N= o= O= P r R s S= T= t= U u v all json list output= types= \
         source= target= df bytes noheadings raw tree real fstab mtab", Takes::Mounts),
    program("lsblk", "a A b d D e= f i I= J l m M n N o= O p P r s S t T? x= all bytes fs json list output= \
         nodeps paths topology noheadings", Takes::Mounts),
    program("free", "b k m g h l t w s= c= human bytes kibi mebi gibi total wide si lohi", Takes::Nothing),
    program("uptime", "p s pretty since", Takes::Nothing),
    program("uname", "a s n r v m p i o all kernel-name nodename kernel-release machine operating-system",
        Takes::Nothing),
    program("arch nproc", "all ignore=", Takes::Nothing),
    program("whoami tty groups logname users", "", Takes::Nothing),
    program("id", "u g G n r a z user group groups name real", Takes::Text),
    program("who w last", "a b d H l m q r s t T u h f i # n= F", Takes::Nothing),
    program("hostname", "f s d i I A fqdn short long ip-address all-ip-addresses all-fqdns domain", Takes::Nothing),
    program("hostnamectl timedatectl", "", Takes::Checked).subcommands(&[
        program("status", "no-pager json=", Takes::Nothing),
        program("show", "no-pager p= property=", Takes::Nothing),
    ]),
    program("date", "u R I? d= r= utc universal rfc-email iso-8601? rfc-3339= date= reference=", Takes::Checked)
        .check(date),
    program("cal ncal", "m s y 1 3 j", Takes::Text),
    program("ps", "e A a d f F l j y M H L T w x r p= C= u= U= g= G= o= t= q= N ppid= pid= sort= forest \
         no-headers headers user= format= cols= deselect", Takes::Checked)
        .check(ps),
    program("pgrep pidof", "a c d= f g= l n o P= s t= u= U= v x i full list-name list-full count newest oldest \
         exact", Takes::Text),
    program("pstree", "a A c g h l n p s t u U T", Takes::Text),
    program("top", "b n= d= o= p= u= U= w= H i c 1 E= e=", Takes::Nothing).needs(&["-b"]),
    program("vmstat iostat mpstat", "a d D f m n s t w S= h k p= x y z c N P=", Takes::Text),
    program("ss netstat", "t u l n p a r x w e m o i s 4 6 H h O tcp udp listening numeric processes all unix \
         summary extended memory no-header c g v", Takes::Nothing),
    program("lsof", "i? n P p= u= c= a t l R U F? w", Takes::Text),
    program("ip", "4 6 0 s d j p o c r f= -br -brief -details -stats -json -pretty -oneline -color? -4 -6",
        Takes::Checked)
        .check(ip),
    program("lscpu", "a b c e? p? J x B y all json hex bytes", Takes::Nothing),
    program("lsmem lsmod lspci lsusb", "v n k nn vv t mm D a J b json", Takes::Nothing),
    program("dmesg", "H T k l= L? P r t u x e f= S human ctime level= facility= nopager notime raw kernel \
         userspace decode color? since= until= time-format= follow w", Takes::Nothing),
    program(
        "journalctl",
        "u= n= p= g= S= U= o= k b? f r e x a q t= c= l user-unit= unit= lines? priority= grep= since= until= \
         output= dmesg boot? follow reverse pager-end catalog all quiet no-pager no-hostname no-full full utc \
         identifier= list-boots disk-usage system user case-sensitive? output-fields= facility= header fields F= \
         field= N #",
        Takes::Checked,
    )
    .check(journal),
    program("systemctl", SYSTEMD, Takes::Checked).subcommands(&[
        program("status list-units list-unit-files list-timers list-sockets list-jobs list-dependencies", SYSTEMD,
            Takes::Text),
        program("is-active is-enabled is-failed is-system-running show cat get-default", SYSTEMD, Takes::Text),
    ]),
    program("locale", "a m c k", Takes::Text),
    program("sw_vers", "", Takes::Nothing),
    program("npm", "", Takes::Checked).subcommands(&[
        program("ls list", "g a l depth= all json long parseable global omit= include=", Takes::Text),
        program("test", "s silent", Takes::Nothing).acts("runs the project's own scripts"),
        program("run", "s silent", Takes::Text).acts("runs the project's own scripts"),
    ]),
    program("pip pip3", "", Takes::Checked).subcommands(&[
        program("list", "l format= local not-required user disable-pip-version-check", Takes::Nothing),
        program("freeze", "l local user all", Takes::Nothing),
        program("show", "f files", Takes::Text),
    ]),
];

const SYSTEMD: &str = "a l q n= o= p= P= t= r all full quiet lines= output= property= value type= state= failed \
    no-pager no-legend plain user system recursive reverse now-legend with-dependencies no-ask-password";
