//! Makes a model fit: a context that memory holds, and on a GPU as many layers as it holds.

use std::ffi::CString;
use std::path::Path;
use std::pin::Pin;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LlamaBackendDevice, LlamaBackendDeviceType, list_llama_ggml_backend_devices, max_devices};
use percept::gguf::Needs;
use percept::text::{size, thousands};
use percept::wire::{Failure, FailureKind, Gpu};

/// A context that was made smaller is no smaller than this.
pub(crate) const LEAST_CONTEXT: u64 = 2048;

/// A context that was made smaller is a multiple of this.
const STEP: u64 = 256;

/// Bytes of a GPU's memory that are left to others, beside the image encoder.
const MARGIN: u64 = 1024 * 1024 * 1024;

/// The GPUs that llama.cpp was built for and found.
pub(crate) fn gpus() -> Vec<Gpu> {
    let gpu = |device: LlamaBackendDevice| Gpu {
        name: format!("{} ({})", device.description, device.backend),
        memory_bytes: device.memory_total as u64,
        free_bytes: device.memory_free as u64,
        // Metal says of Apple's GPUs that they are no integrated ones.
        shared: device.device_type == LlamaBackendDeviceType::IntegratedGpu || cfg!(target_os = "macos"),
    };
    list_llama_ggml_backend_devices().into_iter().filter(is_gpu).map(gpu).collect()
}

fn is_gpu(device: &LlamaBackendDevice) -> bool {
    matches!(device.device_type, LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu)
}

/// The largest context of at most `wanted` tokens that fits into `free` bytes. One that had to be
/// made smaller leaves a tenth free, and is no larger than what the model was trained for.
pub(crate) fn context(
    needs: impl Fn(u64) -> Needs,
    wanted: u64,
    trained: u64,
    free: u64,
) -> Result<u64, Failure> {
    // Where the system says nothing of its memory, nothing can be checked.
    if free == 0 || needs(wanted).total() <= free {
        return Ok(wanted);
    }
    let room = free - free / 10;
    let (mut fits, mut over) = (0, wanted.min(trained.max(LEAST_CONTEXT)) / STEP + 1);
    while over - fits > 1 {
        let middle = fits + (over - fits) / 2;
        match needs(middle * STEP).total() <= room {
            true => fits = middle,
            false => over = middle,
        }
    }
    match fits * STEP {
        fitting if fitting >= LEAST_CONTEXT.min(wanted) => Ok(fitting),
        _ => Err(too_little(&needs(LEAST_CONTEXT.min(wanted)), free)),
    }
}

/// That a model is too large for this machine, whatever its context.
pub(crate) fn too_little(needs: &Needs, free: u64) -> Failure {
    let said = format!("There is not enough memory: {needs}; {} are free.", size(free));
    Failure::new(FailureKind::Memory, said).hint(
        "Close something, or take a smaller model (`percept models list` shows what fits). \
             [model] memory_check = false in config.toml loads it all the same.",
    )
}

/// What is said of a context that is smaller than wanted.
pub(crate) fn smaller(context: u64, wanted: u64) -> String {
    format!(
        "The context holds {} tokens instead of {}: there is not enough memory for more.",
        thousands(context),
        thousands(wanted)
    )
}

/// Leaves it to llama.cpp how many layers fit on the GPUs, beside an image encoder of so many
/// bytes; false where it finds no way.
pub(crate) fn layers(
    params: Pin<&mut LlamaModelParams>,
    context: &LlamaContextParams,
    model: &Path,
    tokens: u64,
    encoder: u64,
) -> bool {
    let Some(path) = model.to_str().and_then(|path| CString::new(path).ok()) else { return false };
    let margin = usize::try_from(MARGIN.saturating_add(encoder)).unwrap_or(usize::MAX);
    let mut margins = vec![margin; max_devices().max(1)];
    let least = u32::try_from(tokens).unwrap_or(u32::MAX);
    let fitted = params.fit_params(
        &path,
        &mut context.clone(),
        &mut margins,
        least,
        llama_cpp_sys_2::GGML_LOG_LEVEL_WARN,
    );
    fitted.inspect_err(|error| tracing::warn!(%error, "layers can't be fitted")).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// A KV cache of a mebibyte for 16 tokens.
    fn needs(tokens: u64) -> Needs {
        Needs { weights: 1000 * MIB, kv: tokens * MIB / 16, tokens, encoder: 0, buffers: 0 }
    }

    #[test]
    fn the_context_is_as_wanted_where_it_fits_and_else_the_largest_that_does() {
        let fit = |wanted, trained, free| context(needs, wanted, trained, free * MIB);
        assert_eq!(fit(8192, 8192, 1512).unwrap(), 8192, "exactly");
        assert_eq!(fit(8192, 8192, 0).unwrap(), 8192, "unknown");
        // Nine tenths of 1,511 MiB: 359 for the cache, 5,744 tokens.
        assert_eq!(fit(8192, 8192, 1511).unwrap(), 5632);
        assert_eq!(fit(u64::from(u32::MAX), 4096, 20_000).unwrap(), 4096, "no more than was trained");
        assert_eq!(fit(2048, 8192, 1000 + 128).unwrap(), 2048);
        for (wanted, free) in [(8192, 1100), (2048, 1127), (512, 1031), (8192, 10)] {
            let failure = fit(wanted, 8192, free).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Memory);
            assert!(failure.message.contains("KV cache"), "{}", failure.message);
        }
        for free in (1300..2000).step_by(7) {
            let fitting = fit(32_768, 32_768, free).unwrap();
            assert!(needs(fitting).total() <= free * MIB && fitting % STEP == 0, "{fitting} in {free}");
        }
    }
}
