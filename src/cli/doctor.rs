//! `percept doctor`: what works on this machine, and what is missing.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line};
use super::open::Setup;
use crate::config::{ConfigError, Engine};
use crate::engines::{WorkerOptions, probe};
use crate::hardware;
use crate::microphone::{self, Check, Device, MicrophoneError};
use crate::text;
use crate::tools::ocr::tesseract;
use crate::tools::sandbox::{self, Support};
use crate::wire::{Gpu, Ready};

/// What is missing without Tesseract, and how to get it.
const NO_TESSERACT: &str = "not installed, so the assistant can't have the text of a picture read (it looks at it all the same); to install it: apt install tesseract-ocr, dnf install tesseract, pacman -S tesseract tesseract-data-eng, or brew install tesseract";

/// So long it is listened to the microphone.
const LISTENED: Duration = Duration::from_secs(1);

/// Show what works on this machine and what is missing
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    configuration: ConfigurationReport,
    workers: Vec<WorkerReport>,
    /// The server that answers, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerReport>,
    /// The server that finds vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_server: Option<ServerReport>,
    /// The server that hears recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcription_server: Option<ServerReport>,
    sandbox: SandboxReport,
    /// Where it is installed.
    tesseract: Option<String>,
    tools: ToolsReport,
    speech: SpeechReport,
    microphone: MicrophoneReport,
    models: Vec<ModelReport>,
    folders: Vec<FolderReport>,
    log: String,
    memory_bytes: u64,
    free_memory_bytes: u64,
    cores: usize,
    terminal: TerminalReport,
}

#[derive(Debug, Serialize)]
struct ConfigurationReport {
    path: String,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct WorkerReport {
    name: &'static str,
    program: String,
    #[serde(flatten)]
    ready: Option<Ready>,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct ServerReport {
    url: String,
    /// The model that would answer.
    model: Option<String>,
    context: Option<u32>,
    /// Whether what is sent there leaves this machine.
    elsewhere: bool,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct ToolsReport {
    /// How many tools models are told of, those of servers not counted.
    offered: usize,
    /// The MCP servers that are configured.
    servers: Vec<String>,
    /// What is wrong with declarations, permissions and servers.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SandboxReport {
    enforced: bool,
    how: String,
}

#[derive(Debug, Serialize)]
struct SpeechReport {
    /// The model that hears.
    model: Option<String>,
    /// Whether a model tells speech from noise.
    vad: bool,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct MicrophoneReport {
    devices: Vec<Device>,
    /// What the configured one heard.
    heard: Option<Check>,
    problem: Option<String>,
    /// There is none, as on a server: that is no problem.
    is_missing: bool,
}

#[derive(Debug, Serialize)]
struct ModelReport {
    name: String,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct FolderReport {
    what: &'static str,
    path: String,
    writable: bool,
}

#[derive(Debug, Serialize)]
struct TerminalReport {
    is_terminal: bool,
    term: String,
    display: bool,
    no_color: bool,
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), Trouble> {
    let (setup, problem) = Setup::tolerant()?;
    let report = examine(&setup, problem.as_ref());
    match args.json {
        true => print_json(&report)?,
        false => print(&report)?,
    }
    // The chat needs the first worker; without speech the rest works.
    if let Some(WorkerReport { name, problem: Some(problem), .. }) = report.workers.first() {
        return Err(Trouble::Engine(anyhow::anyhow!("{name} doesn't work: {problem}")));
    }
    if let Some(ServerReport { problem: Some(problem), .. }) = &report.server {
        return Err(Trouble::Engine(anyhow::anyhow!("{problem}")));
    }
    match problem {
        Some(problem) => Err(Trouble::user(problem)),
        None => Ok(()),
    }
}

fn examine(setup: &Setup, problem: Option<&ConfigError>) -> Report {
    let memory = hardware::memory();
    let models =
        setup.catalogue.list().iter().filter(|spec| setup.catalogue.is_here(spec)).map(|spec| ModelReport {
            name: spec.name.clone(),
            problem: setup
                .catalogue
                .verify(&spec.name, &setup.paths.cache)
                .err()
                .map(|error| error.to_string()),
        });
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    Report {
        version: env!("CARGO_PKG_VERSION"),
        configuration: ConfigurationReport {
            path: setup.paths.config_file().display().to_string(),
            problem: problem.map(ToString::to_string),
        },
        workers: examine_workers(setup),
        server: examine_server(setup, &setup.config.engine, false),
        embedding_server: examine_server(setup, &setup.config.embedding, true),
        transcription_server: examine_server(setup, &setup.config.transcription, false),
        sandbox: match sandbox::support() {
            Support::By(means) => SandboxReport { enforced: true, how: means.to_string() },
            Support::None(how) => SandboxReport { enforced: false, how },
        },
        tesseract: tesseract().map(|program| program.display().to_string()),
        tools: examine_tools(setup),
        speech: examine_speech(setup),
        microphone: examine_microphone(&setup.microphone()),
        models: models.collect(),
        folders: vec![
            folder("configuration", &setup.paths.config),
            folder("sessions", &setup.paths.data),
            folder("cache", &setup.paths.cache),
        ],
        log: setup.paths.log().display().to_string(),
        memory_bytes: memory.total,
        free_memory_bytes: memory.free,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        terminal: TerminalReport {
            is_terminal: std::io::stdout().is_terminal(),
            term: std::env::var("TERM").unwrap_or_default(),
            display: set("DISPLAY") || set("WAYLAND_DISPLAY") || cfg!(any(windows, target_os = "macos")),
            no_color: set("NO_COLOR"),
        },
    }
}

/// What is wrong with the tools, the permissions and the servers; no server is started.
fn examine_tools(setup: &Setup) -> ToolsReport {
    let empty = crate::session::BlobStore::temporary().map_err(Trouble::user);
    let tools = empty.and_then(|blobs| setup.tools(setup.config.tools.approval, std::sync::Arc::new(blobs)));
    let servers = &setup.config.mcp.servers;
    let broken = servers.iter().filter_map(|server| server.check().err());
    let (offered, mut problems) = match tools {
        Ok(tools) => {
            let report = tools.report();
            (report.tools.iter().filter(|tool| tool.off.is_none()).count(), report.problems)
        }
        Err(trouble) => (0, vec![format!("{trouble:?}")]),
    };
    problems.extend(broken);
    ToolsReport { offered, servers: servers.iter().map(|server| server.name.clone()).collect(), problems }
}

/// What would hear.
fn examine_speech(setup: &Setup) -> SpeechReport {
    match setup.speech_model() {
        Ok(ready) => SpeechReport { model: Some(ready.name), vad: ready.vad.is_some(), problem: None },
        Err(problem) => SpeechReport { model: None, vad: false, problem: Some(problem) },
    }
}

/// Listens to the microphone for a second. Nothing of it is kept.
fn examine_microphone(options: &microphone::Options) -> MicrophoneReport {
    let report = |devices, heard, problem: Option<MicrophoneError>| MicrophoneReport {
        devices,
        heard,
        is_missing: matches!(problem, Some(MicrophoneError::None(_))),
        problem: problem.map(|problem| problem.to_string()),
    };
    // Where the list hangs, listening would, too.
    let devices = match microphone::devices() {
        Ok(devices) => devices,
        Err(problem) => return report(Vec::new(), None, Some(problem)),
    };
    match microphone::check(options, LISTENED) {
        Ok(heard) => report(devices, Some(heard), None),
        Err(problem) => report(devices, None, Some(problem)),
    }
}

/// The one that the chat needs comes first.
fn examine_workers(setup: &Setup) -> Vec<WorkerReport> {
    let llama = || examine_worker("percept-llama", &setup.llama());
    let openai = || examine_worker("percept-openai", &setup.openai());
    let first = match setup.config.engine.server() {
        Some(_) => vec![openai(), llama()],
        None => vec![llama()],
    };
    first.into_iter().chain([examine_worker("percept-whisper", &setup.whisper())]).collect()
}

/// Asks a server for its models, and one that finds vectors for that of a word; no text of the
/// person's is sent.
fn examine_server(setup: &Setup, section: &Engine, embed: bool) -> Option<ServerReport> {
    let server = section.server()?;
    let url = server.url.clone();
    let server = ServerReport { url, model: None, context: None, elsewhere: false, problem: None };
    Some(match setup.try_server(section, embed) {
        Ok(info) => ServerReport {
            model: Some(info.name),
            context: Some(info.context),
            elsewhere: info.server.is_some_and(|server| server.elsewhere),
            ..server
        },
        Err(failure) => ServerReport { problem: Some(failure.in_words()), ..server },
    })
}

fn print_server(what: &str, server: &ServerReport) -> Result<(), Trouble> {
    let line = match (&server.model, &server.problem) {
        (Some(model), None) => {
            let leaves = if server.elsewhere { "; what you send leaves this machine" } else { "" };
            let context = text::thousands(server.context.unwrap_or(0).into());
            format!("{model} at {}, {context} tokens of context{leaves}", server.url)
        }
        (_, problem) => problem.clone().unwrap_or_default(),
    };
    let mark = if server.problem.is_none() { "ok" } else { "!!" };
    print_line(format!("{mark}    {what}: {}", text::printable(&line)))
}

fn examine_worker(name: &'static str, options: &WorkerOptions) -> WorkerReport {
    let program = options.program.display().to_string();
    match probe(options) {
        Ok(ready) => WorkerReport { name, program, ready: Some(ready), problem: None },
        Err(problem) => WorkerReport { name, program, ready: None, problem: Some(problem) },
    }
}

fn folder(what: &'static str, path: &Path) -> FolderReport {
    let writable = std::fs::create_dir_all(path).is_ok() && tempfile::NamedTempFile::new_in(path).is_ok();
    FolderReport { what, path: path.display().to_string(), writable }
}

/// What a worker says of itself.
fn in_words(ready: &Ready) -> String {
    let gpu = |gpu: &Gpu| format!("; {}, {} free", gpu.name, text::size(gpu.free_bytes));
    let gpus: String = ready.gpus.iter().map(gpu).collect();
    format!("{}; CPU features: {}{gpus}", ready.build, ready.cpu_features.join(" "))
}

fn print(report: &Report) -> Result<(), Trouble> {
    let mark = |fine: bool| if fine { "ok" } else { "!!" };
    print_line(format!("percept {}", report.version))?;
    print_line(format!(
        "      {} cores, {} of memory, {} free",
        report.cores,
        text::size(report.memory_bytes),
        text::size(report.free_memory_bytes)
    ))?;
    let configuration = &report.configuration;
    let line = configuration.problem.as_ref().map_or_else(
        || configuration.path.clone(),
        |problem| format!("{problem} (what follows is without it)"),
    );
    print_line(format!("{}    configuration: {line}", mark(configuration.problem.is_none())))?;
    for worker in &report.workers {
        let line = match (&worker.ready, &worker.problem) {
            (Some(ready), _) => in_words(ready),
            (None, problem) => problem.clone().unwrap_or_default(),
        };
        print_line(format!("{}    {}: {line}", mark(worker.problem.is_none()), worker.name))?;
    }
    let servers = [
        ("server", &report.server),
        ("server for vectors", &report.embedding_server),
        ("server for recordings", &report.transcription_server),
    ];
    for (what, server) in servers {
        server.as_ref().map_or(Ok(()), |server| print_server(what, server))?;
    }
    let sandbox = &report.sandbox;
    let line = match sandbox.enforced {
        true => format!("by {}", sandbox.how),
        false => format!("none, {}; every command would be asked for", sandbox.how),
    };
    print_line(format!("{}    sandbox: {line}", mark(sandbox.enforced)))?;
    match &report.tesseract {
        Some(program) => print_line(format!("ok    tesseract: {program}"))?,
        // It is optional.
        None => print_line(format!("      tesseract: {NO_TESSERACT}"))?,
    }
    let tools = &report.tools;
    let servers = match tools.servers.is_empty() {
        true => String::new(),
        false => format!("; MCP servers: {} (percept tools list starts them)", tools.servers.join(", ")),
    };
    print_line(format!("{}    tools: {} offered{servers}", mark(tools.problems.is_empty()), tools.offered))?;
    for problem in &tools.problems {
        print_line(format!("!!    tools: {}", text::printable(problem)))?;
    }
    match &report.speech {
        SpeechReport { model: Some(model), vad: true, .. } => {
            print_line(format!("ok    speech: {model}, with a voice activity model"))?;
        }
        SpeechReport { model: Some(model), .. } => {
            let without = "without a voice activity model (percept models show silero-vad)";
            print_line(format!("ok    speech: {model}, {without}"))?;
        }
        // It is optional.
        SpeechReport { problem, .. } => {
            print_line(format!("      speech: {}", problem.as_deref().unwrap_or_default()))?;
        }
    }
    print_microphone(&report.microphone)?;
    for model in &report.models {
        let line = model.problem.as_deref().unwrap_or("its files are whole");
        print_line(format!("{}    model {}: {line}", mark(model.problem.is_none()), model.name))?;
    }
    for folder in &report.folders {
        let line = if folder.writable { "" } else { " can't be written to" };
        print_line(format!("{}    {} in {}{line}", mark(folder.writable), folder.what, folder.path))?;
    }
    print_line(format!("      log: {}", report.log))?;
    let terminal = &report.terminal;
    let display = match terminal.display {
        true => "clipboard and screenshots are possible",
        false => "no display: no clipboard and no screenshots; attach files instead",
    };
    let terminal = if terminal.is_terminal { terminal.term.as_str() } else { "not a terminal" };
    print_line(format!("      terminal: {terminal}; {display}"))
}

fn print_microphone(microphone: &MicrophoneReport) -> Result<(), Trouble> {
    match (&microphone.heard, &microphone.problem) {
        (Some(heard), _) => {
            let level = match heard.dbfs.is_finite() {
                true => format!("{:.0} dBFS, {}", heard.dbfs, heard.sounds),
                false => heard.sounds.to_owned(),
            };
            print_line(format!("ok    microphone {}: {level}", text::printable(&heard.device)))?;
        }
        (None, problem) => {
            let mark = if microphone.is_missing { "  " } else { "!!" };
            let problem = problem.as_deref().unwrap_or_default();
            print_line(format!("{mark}    microphone: {}", text::printable(problem)))?;
        }
    }
    for device in &microphone.devices {
        let default = if device.default { " (the default)" } else { "" };
        print_line(format!("      records: {}{default}", text::printable(&device.name)))?;
    }
    Ok(())
}
