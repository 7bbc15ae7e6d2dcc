//! Checks a model's files and the memory, and loads.
//!
//! What can be found out from the files' headers is found out first: llama.cpp says
//! little about why it can't load, and aborts on some of what it doesn't expect.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::mtmd::{MtmdContext, MtmdContextParams};
use percept::gguf::{self, GgufError, Header, Needs};
use percept::hardware;
use percept::wire::{Event, Failure, FailureKind, LoadOptions, ModelInfo, Output, Stage};

use crate::cache::Cache;
use crate::decode::call_marks;
use crate::embed::{self, Embedding};
use crate::engine::BINDINGS;
use crate::fit::{self, LEAST_CONTEXT};
use crate::media::{Measured, Projector};
use crate::prompt::Template;

/// Tokens of one call to decode: what a cancel waits for at most.
const BATCH: u32 = 512;

/// The same for projectors whose pictures attend to all of themselves (Gemma 3): those
/// must fit one batch whole.
const NON_CAUSAL_BATCH: u32 = 2048;

/// Said where a GPU could not hold what was planned for it.
const TOO_MUCH: &str =
    "The GPU's memory did not do for the layers that were planned: fewer, or none, are on it.";

/// How often progress is said and a cancel is looked for while weights are read.
const POLL: Duration = Duration::from_millis(50);

self_cell::self_cell!(
    /// A model and the context that borrows it.
    pub(crate) struct Runtime {
        owner: LlamaModel,
        #[not_covariant]
        dependent: LlamaContext,
    }
);

/// The model that is loaded.
pub(crate) enum Model {
    /// To answer.
    Chat(Box<Loaded>),
    /// To find vectors.
    Embed(Box<Embedding>),
}

/// Everything about a model that answers.
pub(crate) struct Loaded {
    // Dropped before the model that it was made for.
    pub(crate) projector: Option<Projector>,
    pub(crate) runtime: Runtime,
    pub(crate) template: Template,
    pub(crate) cache: Cache,
    /// What is known of pictures that were seen, by hash.
    pub(crate) measured: HashMap<String, Measured>,
    pub(crate) info: ModelInfo,
    pub(crate) batch: u32,
    /// What a saved state must come from to be of use: files, build and context.
    pub(crate) fingerprint: String,
    pub(crate) no_cache: bool,
    /// Answers that quote are drafted.
    pub(crate) lookup: bool,
    /// Tokens that are marks of tool calls.
    pub(crate) call_marks: Vec<i32>,
}

/// The files of a model and what their headers say.
pub(crate) struct Files<'a> {
    pub(crate) model: &'a Path,
    pub(crate) header: &'a Header,
    mmproj: Option<(&'a Path, &'a Header)>,
}

/// Loads a model; `None` if it was cancelled.
pub(crate) fn load(
    backend: &LlamaBackend,
    model_path: &Path,
    mmproj_path: Option<&Path>,
    options: &LoadOptions,
    output: &Output<'_>,
) -> Result<Option<Model>, Failure> {
    let header = gguf::read_model(model_path).map_err(|error| unreadable(model_path, &error))?;
    let read_projector = |path: &Path| gguf::read_projector(path).map_err(|error| unreadable(path, &error));
    let mmproj_header = mmproj_path.map(read_projector).transpose()?;
    if let (Some(path), Some(mmproj)) = (mmproj_path, &mmproj_header) {
        check_pair(path, mmproj, model_path, &header)?;
    }
    let files = Files { model: model_path, header: &header, mmproj: mmproj_path.zip(mmproj_header.as_ref()) };
    let context = checked_context(&files, options)?;
    let threads = options.threads.filter(|&threads| threads > 0).unwrap_or_else(hardware::physical_cores);
    let plan = Plan { backend, files: &files, options, context, threads, output };
    let (first, others) = placements(options);
    let (mut loaded, mut notes) = (plan.load(first), Vec::new());
    for placement in others {
        if let Err(failure) = &loaded {
            tracing::warn!(%failure, "too much for the GPU");
            notes = vec![TOO_MUCH.to_owned()];
            loaded = plan.load(placement);
        }
    }
    Ok(loaded?.map(|model| noted(model, notes)))
}

/// Tokens of context: as wanted, or as many as memory holds.
fn checked_context(files: &Files<'_>, options: &LoadOptions) -> Result<u64, Failure> {
    let header = files.header;
    let mmproj = files.mmproj.map(|(_, mmproj)| mmproj);
    let needs = |tokens| Needs::of(header, mmproj, tokens);
    let free = match options.ignore_memory {
        true => 0,
        false => hardware::memory().free + gpu_memory(options),
    };
    if !options.embed {
        return fit::context(needs, header.context(options.context), header.trained_context(), free);
    }
    let context = header.input_tokens(options.context);
    let needed = needs(if header.is_causal() { context } else { 0 });
    match free == 0 || needed.total() <= free {
        true => Ok(context),
        false => Err(fit::too_little(&needed, free)),
    }
}

/// Bytes that the GPUs have free beside the CPU's memory, where they are to be used.
fn gpu_memory(options: &LoadOptions) -> u64 {
    match options.gpu_layers {
        Some(0) => 0,
        _ => fit::gpus().iter().filter(|gpu| !gpu.shared).map(|gpu| gpu.free_bytes).sum(),
    }
}

/// Where the layers of a model go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    /// As many as fit on the GPUs.
    Fitted,
    /// So many on the GPUs.
    Layers(u32),
}

/// The placement that is wanted, and those that are tried where that fails.
fn placements(options: &LoadOptions) -> (Placement, Vec<Placement>) {
    let none = Placement::Layers(0);
    match options.gpu_layers {
        _ if fit::gpus().is_empty() => (none, Vec::new()),
        None => (Placement::Fitted, vec![none]),
        Some(0) => (none, Vec::new()),
        Some(layers) => (Placement::Layers(layers), vec![Placement::Layers(layers / 2), none]),
    }
}

fn noted(mut model: Model, mut notes: Vec<String>) -> Model {
    let info = match &mut model {
        Model::Chat(loaded) => &mut loaded.info,
        Model::Embed(embedding) => &mut embedding.info,
    };
    notes.append(&mut info.notes);
    info.notes = notes;
    model
}

/// All that a model is loaded with.
struct Plan<'a, 'b> {
    backend: &'a LlamaBackend,
    files: &'a Files<'a>,
    options: &'a LoadOptions,
    context: u64,
    threads: u32,
    output: &'a Output<'b>,
}

impl Plan<'_, '_> {
    /// Loads with its layers in one place; `None` if it was cancelled.
    fn load(&self, placement: Placement) -> Result<Option<Model>, Failure> {
        let Self { backend, files, options, context, threads, output } = *self;
        let Some(model) = self.read_weights(placement)? else { return Ok(None) };
        let gpu = placement != Placement::Layers(0);
        let projector = match files.mmproj {
            Some((path, _)) => Some(open_projector(path, &model, options, threads, gpu)?),
            None => None,
        };
        if output.cancelled() {
            return Ok(None);
        }
        Ok(Some(match options.embed {
            true => {
                Model::Embed(Box::new(embed::set_up(backend, files, model, projector, context, threads)?))
            }
            false => {
                Model::Chat(Box::new(set_up(backend, files, model, projector, options, context, threads)?))
            }
        }))
    }
}

/// Sets a model up to answer.
fn set_up(
    backend: &LlamaBackend,
    files: &Files<'_>,
    model: LlamaModel,
    projector: Option<Projector>,
    options: &LoadOptions,
    context: u64,
    threads: u32,
) -> Result<Loaded, Failure> {
    let whole = projector.as_ref().is_some_and(|projector| projector.context.decode_use_non_causal());
    let batch = if whole { NON_CAUSAL_BATCH } else { BATCH };
    let call_marks = call_marks(&model);
    let mut template = Template::of(&model, options.chat_template.as_deref())?;
    template.untold = options.knows_tools;
    let checkpoints = model.is_recurrent() || model.is_hybrid();
    let runtime = runtime(backend, model, batch, context, threads)?;
    let (wanted, held) = (files.header.context(options.context), u64::from(runtime.tokens()));
    let info = ModelInfo {
        context: runtime.tokens(),
        notes: if held < wanted { vec![fit::smaller(held, wanted)] } else { Vec::new() },
        template: template.source().to_owned(),
        ..model_info(files, runtime.borrow_owner(), projector.as_ref(), threads)
    };
    let fingerprint = fingerprint(files, options, &info);
    Ok(Loaded {
        projector,
        runtime,
        template,
        cache: Cache::new(checkpoints),
        measured: HashMap::new(),
        info,
        batch,
        fingerprint,
        no_cache: options.no_cache,
        // What was drafted for nothing must be rolled back.
        lookup: !options.no_lookup && !checkpoints,
        call_marks,
    })
}

/// How the context of a model that answers is set up.
fn context_params(tokens: u64, batch: u32, threads: u32) -> LlamaContextParams {
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(u32::try_from(tokens).unwrap_or(u32::MAX)))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        .with_n_threads(threads as i32)
        .with_n_threads_batch(threads as i32)
        // The prefix cache rolls back; a cache that forgets behind a sliding window can't.
        .with_swa_full(true)
}

/// Sets up a context; where memory won't do, a smaller one.
fn runtime(
    backend: &LlamaBackend,
    mut model: LlamaModel,
    batch: u32,
    wanted: u64,
    threads: u32,
) -> Result<Runtime, Failure> {
    let mut tokens = wanted;
    loop {
        let params = context_params(tokens, batch, threads);
        let set_up = Runtime::try_new_or_recover(model, |model| model.new_context(backend, params));
        let error = match set_up {
            Ok(runtime) => return Ok(runtime),
            Err((recovered, error)) => {
                model = recovered;
                error
            }
        };
        if tokens / 2 < LEAST_CONTEXT {
            let said = format!("The context of {tokens} tokens can't be set up ({error}).");
            return Err(Failure::new(FailureKind::Memory, said)
                .hint("Close something, or take a smaller model or [model] context."));
        }
        tracing::warn!(%error, tokens, "the context can't be set up");
        tokens /= 2;
    }
}

impl Runtime {
    /// Tokens that its context holds.
    fn tokens(&self) -> u32 {
        self.with_dependent(|_, context| context.n_ctx())
    }
}

/// What is known of a model whatever it is loaded for.
pub(crate) fn model_info(
    files: &Files<'_>,
    model: &LlamaModel,
    projector: Option<&Projector>,
    threads: u32,
) -> ModelInfo {
    let header = files.header;
    ModelInfo {
        name: header.text("general.name").map_or_else(|| file_name(files.model), str::to_owned),
        architecture: header.architecture().to_owned(),
        parameters: header.parameters,
        bytes: header.tensor_bytes + files.mmproj.map_or(0, |(_, mmproj)| mmproj.tensor_bytes),
        context_trained: u32::try_from(header.trained_context()).unwrap_or(u32::MAX),
        vision: projector.is_some_and(|projector| projector.context.support_vision()),
        hearing: projector.is_some_and(|projector| projector.context.support_audio()),
        checkpoints: model.is_recurrent() || model.is_hybrid(),
        threads,
        ..ModelInfo::default()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn unreadable(path: &Path, error: &GgufError) -> Failure {
    Failure::new(FailureKind::ModelFile, format!("{} can't be loaded: {error}.", path.display()))
}

/// A projector of another model is recognised by the width of what it makes.
fn check_pair(path: &Path, mmproj: &Header, model_path: &Path, model: &Header) -> Result<(), Failure> {
    let Some((made, wanted)) = mmproj.mismatch(model) else { return Ok(()) };
    let said = format!(
        "{} belongs to another model: it makes embeddings of {made} values and {} takes {wanted}.",
        path.display(),
        model_path.display()
    );
    Err(Failure::new(FailureKind::ModelMismatch, said)
        .hint("Use the projector from the same repository as the model."))
}

impl Plan<'_, '_> {
    /// Reads the weights, with progress; `None` if it was cancelled.
    fn read_weights(&self, placement: Placement) -> Result<Option<LlamaModel>, Failure> {
        let (output, path) = (self.output, self.files.model);
        let done = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let finished = AtomicBool::new(false);
        let callback = {
            let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
            move |progress: f32| {
                done.store((progress * 1000.0) as u32, Ordering::Relaxed);
                !stop.load(Ordering::Relaxed)
            }
        };
        let params = self.model_params(placement)?.with_progress_callback(callback);
        output.event(Event::Progress { stage: Stage::Loading, done: 0, total: 1000 });
        let model = std::thread::scope(|scope| {
            // The callback can't borrow the output; this thread stands between them.
            scope.spawn(|| {
                let mut said = 0;
                while !finished.load(Ordering::Relaxed) {
                    let now = done.load(Ordering::Relaxed);
                    if now != said {
                        let done = u64::from(now);
                        output.event(Event::Progress { stage: Stage::Loading, done, total: 1000 });
                        said = now;
                    }
                    stop.store(output.cancelled(), Ordering::Relaxed);
                    std::thread::park_timeout(POLL);
                }
            });
            let model = LlamaModel::load_from_file(self.backend, path, &params);
            finished.store(true, Ordering::Relaxed);
            model
        });
        match model {
            Ok(model) => Ok(Some(model)),
            Err(_) if output.cancelled() => Ok(None),
            Err(error) => {
                let said = format!("{} can't be loaded by llama.cpp ({error}).", path.display());
                Err(Failure::new(FailureKind::ModelFile, said)
                    .hint("Its log (percept doctor shows where) may say why."))
            }
        }
    }

    fn model_params(&self, placement: Placement) -> Result<LlamaModelParams, Failure> {
        let mut params = LlamaModelParams::default();
        if let Placement::Layers(layers) = placement {
            return Ok(params.with_n_gpu_layers(layers));
        }
        let context = context_params(self.context, BATCH, self.threads);
        let encoder = self.files.mmproj.map_or(0, |(_, mmproj)| mmproj.tensor_bytes);
        match fit::layers(Pin::new(&mut params), &context, self.files.model, self.context, encoder) {
            true => Ok(params),
            false => Err(Failure::new(FailureKind::Memory, "No layers fit on the GPU.")),
        }
    }
}

fn open_projector(
    path: &Path,
    model: &LlamaModel,
    options: &LoadOptions,
    threads: u32,
    gpu: bool,
) -> Result<Projector, Failure> {
    let budget = |tokens: Option<u32>| tokens.and_then(|tokens| i32::try_from(tokens).ok()).unwrap_or(-1);
    let params = MtmdContextParams {
        use_gpu: gpu,
        print_timings: false,
        n_threads: threads as i32,
        image_min_tokens: budget(options.image_min_tokens),
        image_max_tokens: budget(options.image_max_tokens),
        ..MtmdContextParams::default()
    };
    let name = path.to_str().ok_or_else(|| {
        Failure::new(FailureKind::ModelFile, format!("{}: its path is not UTF-8.", path.display()))
    })?;
    let context = MtmdContext::init_from_file(name, model, &params).map_err(|error| {
        let said = format!("The projector {} does not work with this model ({error}).", path.display());
        Failure::new(FailureKind::ModelMismatch, said)
            .hint("Use the projector from the same repository as the model.")
    })?;
    Ok(Projector { context, window: options.image_window })
}

fn fingerprint(files: &Files<'_>, options: &LoadOptions, info: &ModelInfo) -> String {
    let file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok();
        let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        format!("{}|{:?}|{modified:?}", path.display(), metadata.map(|metadata| metadata.len()))
    };
    let parts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        BINDINGS.to_owned(),
        file(files.model),
        files.mmproj.map(|(path, _)| file(path)).unwrap_or_default(),
        format!("{:?}|{:?}|{}", options.image_min_tokens, options.image_max_tokens, info.context),
        format!("{:?}", options.image_window),
    ];
    blake3::hash(parts.join("\n").as_bytes()).to_hex().to_string()
}
