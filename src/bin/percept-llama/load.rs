//! Checks a model's files and the memory, and loads.
//!
//! What can be found out from the files' headers is found out first: llama.cpp says
//! little about why it can't load, and aborts on some of what it doesn't expect.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::mtmd::{MtmdContext, MtmdContextParams};
use percept::gguf::{self, GgufError, Header};
use percept::text::size;
use percept::wire::{Event, Failure, FailureKind, LoadOptions, ModelInfo, Output, Stage};

use crate::cache::Cache;
use crate::decode::call_marks;
use crate::embed::{self, Embedding};
use crate::engine::BINDINGS;
use crate::media::Measured;
use crate::prompt::Template;

/// Without a wish, the context is what the model was trained for, at most this: more costs
/// memory that most machines would rather have for something else.
const DEFAULT_CONTEXT: u64 = 8192;

/// Where a header doesn't say what the model was trained for.
const UNKNOWN_CONTEXT: u64 = 2048;

/// Tokens of one call to decode: what a cancel waits for at most.
const BATCH: u32 = 512;

/// The same for projectors whose pictures attend to all of themselves (Gemma 3): those
/// must fit one batch whole.
const NON_CAUSAL_BATCH: u32 = 2048;

/// Compute buffers of llama.cpp and of the image encoder, beside weights and KV cache.
/// Measured with small models at batches of 512; an estimate for others.
const BUFFER_BYTES: u64 = 256 * 1024 * 1024;

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
    pub(crate) projector: Option<MtmdContext>,
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
    let trained = header.own("context_length").unwrap_or(UNKNOWN_CONTEXT);
    let context = match options.embed {
        true => header.input_tokens(options.context),
        false => options.context.map_or(trained.min(DEFAULT_CONTEXT), u64::from).max(64),
    };
    if !options.ignore_memory {
        let cached = if options.embed && !header.is_causal() { 0 } else { context };
        check_memory(&header, mmproj_header.as_ref(), cached)?;
    }

    let threads = options.threads.filter(|&threads| threads > 0).unwrap_or_else(physical_cores);
    let Some(model) = read_weights(backend, model_path, options, output)? else { return Ok(None) };
    let projector = match mmproj_path {
        Some(path) => Some(open_projector(path, &model, options, threads)?),
        None => None,
    };
    if output.cancelled() {
        return Ok(None);
    }
    let model = match options.embed {
        true => Model::Embed(Box::new(embed::set_up(backend, &files, model, projector, context, threads)?)),
        false => Model::Chat(Box::new(set_up(backend, &files, model, projector, options, context, threads)?)),
    };
    Ok(Some(model))
}

/// Sets a model up to answer.
fn set_up(
    backend: &LlamaBackend,
    files: &Files<'_>,
    model: LlamaModel,
    projector: Option<MtmdContext>,
    options: &LoadOptions,
    context: u64,
    threads: u32,
) -> Result<Loaded, Failure> {
    let whole = projector.as_ref().is_some_and(MtmdContext::decode_use_non_causal);
    let batch = if whole { NON_CAUSAL_BATCH } else { BATCH };
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(u32::try_from(context).unwrap_or(u32::MAX)))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        .with_n_threads(threads as i32)
        .with_n_threads_batch(threads as i32)
        // The prefix cache rolls back; a cache that forgets behind a sliding window can't.
        .with_swa_full(true);
    let call_marks = call_marks(&model);
    let template = Template::of(&model, options.chat_template.as_deref())?;
    let checkpoints = model.is_recurrent() || model.is_hybrid();
    let runtime = Runtime::try_new(model, |model| model.new_context(backend, params)).map_err(|error| {
        let said = format!("The context of {context} tokens can't be set up ({error}).");
        Failure::new(FailureKind::Memory, said).hint("Try a smaller one: [model] context.")
    })?;
    let info = ModelInfo {
        context: runtime.with_dependent(|_, context| context.n_ctx()),
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
        call_marks,
    })
}

/// What is known of a model whatever it is loaded for.
pub(crate) fn model_info(
    files: &Files<'_>,
    model: &LlamaModel,
    projector: Option<&MtmdContext>,
    threads: u32,
) -> ModelInfo {
    let header = files.header;
    let trained = header.own("context_length").unwrap_or(UNKNOWN_CONTEXT);
    ModelInfo {
        name: header.text("general.name").map_or_else(|| file_name(files.model), str::to_owned),
        architecture: header.architecture().to_owned(),
        parameters: header.parameters,
        bytes: header.tensor_bytes + files.mmproj.map_or(0, |(_, mmproj)| mmproj.tensor_bytes),
        context_trained: u32::try_from(trained).unwrap_or(u32::MAX),
        vision: projector.is_some_and(MtmdContext::support_vision),
        hearing: projector.is_some_and(MtmdContext::support_audio),
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

fn check_memory(model: &Header, mmproj: Option<&Header>, context: u64) -> Result<(), Failure> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    // In a container, its own limit counts.
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    let free = system.available_memory().min(limit);
    let (weights, kv) = (model.tensor_bytes, model.kv_bytes(context));
    let encoder = mmproj.map_or(0, |mmproj| mmproj.tensor_bytes);
    let needed = [weights, kv, encoder, BUFFER_BYTES].into_iter().fold(0, u64::saturating_add);
    // Where the system says nothing of its memory, nothing can be checked.
    if free == 0 || needed <= free {
        return Ok(());
    }
    let said = format!(
        "There is not enough memory: weights {}, KV cache for {context} tokens {}, image encoder {}, buffers about {}; {} are free.",
        size(weights),
        size(kv),
        size(encoder),
        size(BUFFER_BYTES),
        size(free)
    );
    Err(Failure::new(FailureKind::Memory, said).hint(
        "Close something, take a smaller context ([model] context) or a smaller model. \
             [model] memory_check = false in config.toml loads it all the same.",
    ))
}

fn physical_cores() -> u32 {
    let cores = sysinfo::System::physical_core_count();
    let cores = cores.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    // No more than what this process may use.
    let most = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    u32::try_from(cores.unwrap_or(1).min(most)).unwrap_or(1).max(1)
}

/// Reads the weights, with progress; `None` if it was cancelled.
fn read_weights(
    backend: &LlamaBackend,
    path: &Path,
    options: &LoadOptions,
    output: &Output<'_>,
) -> Result<Option<LlamaModel>, Failure> {
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
    let mut params = LlamaModelParams::default().with_progress_callback(callback);
    params = params.with_n_gpu_layers(options.gpu_layers.unwrap_or(0));
    output.event(Event::Progress { stage: Stage::Loading, done: 0, total: 1000 });
    let model = std::thread::scope(|scope| {
        // The callback can't borrow the output; this thread stands between them.
        scope.spawn(|| {
            let mut said = 0;
            while !finished.load(Ordering::Relaxed) {
                let now = done.load(Ordering::Relaxed);
                if now != said {
                    output.event(Event::Progress {
                        stage: Stage::Loading,
                        done: u64::from(now),
                        total: 1000,
                    });
                    said = now;
                }
                stop.store(output.cancelled(), Ordering::Relaxed);
                std::thread::park_timeout(POLL);
            }
        });
        let model = LlamaModel::load_from_file(backend, path, &params);
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

fn open_projector(
    path: &Path,
    model: &LlamaModel,
    options: &LoadOptions,
    threads: u32,
) -> Result<MtmdContext, Failure> {
    let budget = |tokens: Option<u32>| tokens.and_then(|tokens| i32::try_from(tokens).ok()).unwrap_or(-1);
    let params = MtmdContextParams {
        use_gpu: options.gpu_layers.is_some_and(|layers| layers > 0),
        print_timings: false,
        n_threads: threads as i32,
        image_min_tokens: budget(options.image_min_tokens),
        image_max_tokens: budget(options.image_max_tokens),
        ..MtmdContextParams::default()
    };
    let name = path.to_str().ok_or_else(|| {
        Failure::new(FailureKind::ModelFile, format!("{}: its path is not UTF-8.", path.display()))
    })?;
    MtmdContext::init_from_file(name, model, &params).map_err(|error| {
        let said = format!("The projector {} does not work with this model ({error}).", path.display());
        Failure::new(FailureKind::ModelMismatch, said)
            .hint("Use the projector from the same repository as the model.")
    })
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
    ];
    blake3::hash(parts.join("\n").as_bytes()).to_hex().to_string()
}
