//! Which models fit on this machine, and which of them is the one to take.

use serde::Serialize;

use super::{ModelSpec, Task};
use crate::gguf::{self, Needs};

const MIB: u64 = 1024 * 1024;

/// Without a GPU, a model whose weights and cache take more than this answers slower than one
/// reads: each token goes once through all of its weights, and the memory of most machines gives
/// 20 to 60 GB a second.
const MOST_WITHOUT_GPU: u64 = 6 * 1024 * MIB;

/// What a machine has for models, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// All memory; 0: unknown.
    pub total: u64,
    /// Of that, free.
    pub free: u64,
    /// Free memory of all GPUs that the worker can use, where it is not the CPU's.
    pub gpu: u64,
    /// There is a GPU that shares the CPU's memory.
    pub shared: bool,
    /// What the model for the index takes beside.
    pub beside: u64,
}

/// Whether a model fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// All of it fits on the GPU.
    Gpu,
    /// Into what is free.
    Yes,
    /// Into the memory, if other programs give some of theirs back.
    Tight,
    /// Not into this machine.
    No,
    /// What it takes, or what there is, is not known.
    Unknown,
}

impl Room {
    /// Whether a model that takes so many bytes fits.
    pub fn fits(&self, needs: Option<u64>) -> Fit {
        let Some(needs) = needs.filter(|_| self.total > 0) else { return Fit::Unknown };
        let together = needs.saturating_add(self.beside);
        match () {
            () if needs <= self.gpu => Fit::Gpu,
            // What doesn't fit on the GPU stays in memory.
            () if together <= self.free.saturating_add(self.gpu) => Fit::Yes,
            () if together <= self.total.saturating_add(self.gpu) => Fit::Tight,
            () => Fit::No,
        }
    }

    /// The model to take: the largest of those that see pictures which fits and, without a GPU,
    /// answers in time.
    pub fn recommends<'a>(
        &self,
        specs: &'a [ModelSpec],
        needs: impl Fn(&ModelSpec) -> Option<u64>,
    ) -> Option<&'a ModelSpec> {
        let most = if self.gpu > 0 || self.shared { u64::MAX } else { MOST_WITHOUT_GPU };
        let sees = |spec: &&ModelSpec| spec.task == Task::Chat && spec.image_tokens.is_some();
        let fitting = specs.iter().filter(sees).filter_map(|spec| {
            let needed = needs(spec)?;
            let fits = matches!(self.fits(Some(needed)), Fit::Gpu | Fit::Yes) && needed <= most;
            fits.then_some((needed, spec))
        });
        // Of two that take the same, the one that stands first.
        fitting.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, spec)| spec)
    }
}

impl ModelSpec {
    /// Bytes of memory that it takes: of the files that are here as the check before loading counts
    /// them, with a context as wanted; else what the catalogue says, for 8,192 tokens.
    pub fn needs(&self, context: Option<u32>) -> Option<u64> {
        let own = self.files.model.as_ref().and_then(|model| {
            let header = gguf::read_model(model).ok()?;
            let mmproj = self.files.mmproj.as_ref().and_then(|mmproj| gguf::read_projector(mmproj).ok());
            let tokens = match self.task {
                Task::Chat => header.context(context.or(self.load.context)),
                _ if header.is_causal() => header.input_tokens(self.load.context),
                _ => 0,
            };
            Some(Needs::of(&header, mmproj.as_ref(), tokens).total())
        });
        own.or_else(|| Some(self.memory_mib?.saturating_mul(MIB)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(free: u64, gpu: u64) -> Room {
        Room { total: 16_000 * MIB, free: free * MIB, gpu: gpu * MIB, shared: false, beside: 0 }
    }

    fn model(name: &str, mib: u64) -> ModelSpec {
        ModelSpec {
            memory_mib: Some(mib),
            image_tokens: Some("many".to_owned()),
            ..ModelSpec::named(name, Task::Chat)
        }
    }

    #[test]
    fn what_fits_where() {
        let fits = |room: Room, mib: u64| room.fits(Some(mib * MIB));
        assert_eq!(fits(room(8_000, 0), 8_000), Fit::Yes);
        assert_eq!(fits(room(8_000, 0), 8_001), Fit::Tight);
        assert_eq!(fits(room(8_000, 0), 16_001), Fit::No);
        assert_eq!(fits(room(8_000, 6_000), 6_000), Fit::Gpu);
        assert_eq!(fits(room(8_000, 6_000), 14_000), Fit::Yes, "on both");
        assert_eq!(fits(Room { beside: MIB, ..room(8_000, 0) }, 8_000), Fit::Tight, "the index's model too");
        assert_eq!(room(8_000, 0).fits(None), Fit::Unknown);
        assert_eq!(Room { total: 0, ..room(0, 0) }.fits(Some(1)), Fit::Unknown);
    }

    #[test]
    fn the_largest_that_fits_is_recommended_and_without_a_gpu_none_that_is_slow() {
        let blind = ModelSpec { image_tokens: None, ..model("blind", 5_000) };
        let specs = [
            model("small", 300),
            model("first", 4_000),
            model("second", 4_000),
            blind,
            model("large", 9_000),
        ];
        let take =
            |room: Room| room.recommends(&specs, |spec| spec.needs(None)).map(|spec| spec.name.as_str());
        assert_eq!(take(room(12_000, 0)), Some("first"));
        assert_eq!(take(room(12_000, 10_000)), Some("large"));
        assert_eq!(take(room(3_000, 0)), Some("small"));
        assert_eq!(take(room(100, 0)), None);
    }
}
