//! For the tests of the sandbox: tries what a shell can't, and says `ESCAPED` if it worked.
#![allow(unsafe_code, reason = "system calls that no crate makes, to see them refused")]
#![allow(clippy::print_stdout, reason = "the test reads it")]

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if linux::attempt(&words) {
        println!("ESCAPED");
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CString;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};

    pub(super) fn attempt(words: &[&str]) -> bool {
        match words {
            ["tcp", address] => TcpStream::connect(address).is_ok(),
            ["udp", address] => {
                UdpSocket::bind("127.0.0.1:0").is_ok_and(|socket| socket.send_to(b"x", address).is_ok())
            }
            ["unix", path] => UnixStream::connect(path).is_ok(),
            ["abstract", name] => SocketAddr::from_abstract_name(name)
                .and_then(|address| UnixDatagram::unbound()?.send_to_addr(b"x", &address))
                .is_ok(),
            ["listen"] => TcpListener::bind("127.0.0.1:0").is_ok(),
            ["truncate", path] => c(path).is_some_and(|path| {
                // SAFETY: the path ends with a NUL and lives through the call.
                unsafe { libc::truncate(path.as_ptr(), 0) == 0 }
            }),
            ["xattr", path] => c(path).is_some_and(|path| {
                // SAFETY: both names end with a NUL, and the value is as long as it is said to be.
                unsafe {
                    libc::setxattr(path.as_ptr(), c"user.percept".as_ptr(), b"x".as_ptr().cast(), 1, 0) == 0
                }
            }),
            ["fchmod", path] => {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::Permissions::from_mode(0o777);
                std::fs::File::open(path).is_ok_and(|file| file.set_permissions(mode).is_ok())
            }
            ["rename", from, to] => std::fs::rename(from, to).is_ok(),
            ["ptrace", pid] => pid.parse().is_ok_and(|pid: libc::pid_t| {
                // SAFETY: it takes numbers alone; a failure is what is looked for.
                unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) == 0 }
            }),
            ["io_uring"] => {
                let mut parameters = [0_u8; 120];
                // SAFETY: the parameters are as long as `struct io_uring_params`.
                unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) >= 0 }
            }
            // SAFETY: it takes a number alone.
            ["unshare"] => unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0 },
            _ => false,
        }
    }

    fn c(path: &str) -> Option<CString> {
        CString::new(path).ok()
    }
}
