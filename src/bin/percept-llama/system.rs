//! What ggml says of its build and the CPU: the safe bindings have no call for it.

use std::ffi::CStr;

/// ggml's line, `CPU : AVX2 = 1 | …`.
#[allow(unsafe_code, reason = "llama_print_system_info is in the sys crate only")]
pub(crate) fn info() -> String {
    // SAFETY: the call takes nothing and returns a static string, ended by a NUL.
    let line = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
    line.to_string_lossy().into_owned()
}
