//! What ggml says of its build and the CPU (the safe bindings have no call for it), and what it
//! is kept from.

use std::ffi::CStr;

/// ggml's line, `CPU : AVX2 = 1 | …`.
#[allow(unsafe_code, reason = "llama_print_system_info is in the sys crate only")]
pub(crate) fn info() -> String {
    // SAFETY: the call takes nothing and returns a static string, ended by a NUL.
    let line = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
    line.to_string_lossy().into_owned()
}

/// Keeps ggml from AMX's tiles: it asks the kernel for them and does without where it is refused.
/// Some virtual machines say that they have tiles and end who uses one with an illegal
/// instruction, which nothing but trying finds out. Only servers' CPUs have them.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn refuse_tiles() {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    /// `ARCH_REQ_XCOMP_PERM` of Linux' `asm/prctl.h`.
    const REQUEST: u64 = 0x1023;

    let filter = || -> Result<(), Box<dyn std::error::Error>> {
        let asked = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, REQUEST)?;
        let rules = BTreeMap::from([(libc::SYS_arch_prctl, vec![SeccompRule::new(vec![asked])?])]);
        let refused = SeccompAction::Errno(libc::EPERM as u32);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, TargetArch::x86_64)?;
        Ok(seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?)
    };
    if let Err(error) = filter() {
        tracing::warn!("AMX can't be switched off: {error}");
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) fn refuse_tiles() {}
