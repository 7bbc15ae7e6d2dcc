//! The list of models, with what fits on this machine.

use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line};

use super::open::{Setup, set};
use crate::catalogue::{Catalogue, Fit, ModelSpec, Room, Task};
use crate::engines::probe;
use crate::hardware::{self, Memory};
use crate::text;

/// What `--json` prints of a model.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    on_this_machine: bool,
    fits: Fit,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_bytes: Option<u64>,
    recommended: bool,
    #[serde(flatten)]
    spec: &'a ModelSpec,
}

/// The catalogue beside what this machine has for it.
pub(super) struct Fitting<'a> {
    catalogue: &'a Catalogue,
    context: Option<u32>,
    room: Room,
    /// The one to take.
    best: Option<&'a ModelSpec>,
}

impl<'a> Fitting<'a> {
    pub(super) fn new(setup: &'a Setup) -> Self {
        let Memory { total, free } = hardware::memory();
        // A worker that doesn't start has no GPU.
        let mut gpus = probe(&setup.llama()).map(|ready| ready.gpus).unwrap_or_default();
        if setup.config.model.gpu_layers.set() == Some(0) {
            gpus.clear();
        }
        let gpu = gpus.iter().filter(|gpu| !gpu.shared).map(|gpu| gpu.free_bytes).sum();
        let shared = gpus.iter().any(|gpu| gpu.shared);
        let catalogue = &setup.catalogue;
        let index = catalogue.embedding(set(&setup.config.find.model), &setup.paths.cache).ok();
        let index = index.and_then(|ready| catalogue.find(&ready.name)?.needs(None));
        let room = Room { total, free, gpu, shared, beside: index.unwrap_or(0) };
        let context = setup.config.model.context.set();
        let best = room.recommends(catalogue.list(), |spec| spec.needs(context));
        Self { catalogue, context, room, best }
    }

    fn needs(&self, spec: &ModelSpec) -> Option<u64> {
        spec.needs(self.context)
    }

    pub(super) fn listed(&self, spec: &'a ModelSpec) -> Listed<'a> {
        let needs_bytes = self.needs(spec);
        Listed {
            on_this_machine: self.catalogue.is_here(spec),
            fits: self.room.fits(needs_bytes),
            needs_bytes,
            recommended: self.best.is_some_and(|best| best.name == spec.name),
            spec,
        }
    }

    /// What a model takes and whether it fits: `5.2 GB: fits`.
    pub(super) fn in_words(&self, spec: &ModelSpec) -> Option<String> {
        let needs = self.needs(spec)?;
        let fit = fits(self.room.fits(Some(needs)));
        Some(format!("{}{}{fit}", text::size(needs), if fit.is_empty() { "" } else { ": " }))
    }

    pub(super) fn list(&self, json: bool) -> Result<(), Trouble> {
        let specs = self.catalogue.list();
        if json {
            return print_json(&specs.iter().map(|spec| self.listed(spec)).collect::<Vec<_>>());
        }
        let widest = specs.iter().map(|spec| spec.name.len()).max().unwrap_or(0);
        let groups = [
            (Task::Chat, ""),
            (Task::Speech, "\nspeech"),
            (Task::Vad, ""),
            (Task::Embed, "\nembeddings"),
            (Task::Rerank, "\nreranking"),
        ];
        for (task, heading) in groups {
            if !heading.is_empty() {
                print_line(heading)?;
            }
            for spec in specs.iter().filter(|spec| spec.task == task) {
                let mark = if self.catalogue.is_here(spec) { "●" } else { "○" };
                let needs = self.needs(spec);
                let (size, fit) = (needs.map(text::size).unwrap_or_default(), fits(self.room.fits(needs)));
                print_line(format!("{mark} {:widest$}  {size:>9}  {fit:10}  {}", spec.name, spec.about))?;
            }
        }
        let found = self.catalogue.found();
        if !found.is_empty() {
            print_line("\nin the stores of other programs")?;
        }
        for found in found {
            print_line(format!("● {}  {}", found.name, text::size(found.bytes)))?;
        }
        print_line("\n● on this machine   ○ known; `percept models pull NAME` gets it")?;
        self.print_room()
    }

    /// What there is room for, and the model that makes the best of it.
    fn print_room(&self) -> Result<(), Trouble> {
        let Room { total, free, gpu, shared, beside } = self.room;
        if total == 0 {
            return Ok(());
        }
        let gpu = match gpu {
            0 if shared => ", which a GPU shares".to_owned(),
            0 => ", no GPU".to_owned(),
            bytes => format!(", {} free on GPUs", text::size(bytes)),
        };
        let beside = match beside {
            0 => String::new(),
            bytes => format!("; the index's model takes {} of it", text::size(bytes)),
        };
        print_line(format!("memory: {} free of {}{gpu}{beside}", text::size(free), text::size(total)))?;
        let Some(best) = self.best else {
            return print_line("none of these fits beside what runs now; close something");
        };
        let get = match self.catalogue.is_here(best) {
            true => format!("percept -m {}", best.name),
            false => format!("percept models pull {}", best.name),
        };
        print_line(format!("for this machine: {} (`{get}`)", best.name))
    }
}

/// Whether a model fits, in a word.
fn fits(fit: Fit) -> &'static str {
    match fit {
        Fit::Gpu => "on the GPU",
        Fit::Yes => "fits",
        Fit::Tight => "tight",
        Fit::No => "too big",
        Fit::Unknown => "",
    }
}
