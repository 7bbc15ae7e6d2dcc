//! `percept models`: what can be run, and files of one's own.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line};
use super::open::Setup;
use crate::catalogue::{Catalogue, ModelSpec, Task};
use crate::text;

/// The models that percept knows, and your own
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// List the models, those on this machine first marked
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of a model
    Show {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Register a GGUF, or a ggml file of speech, that is on this machine already
    ///
    /// The name may be one of `percept models list` (what is known of that model is kept)
    /// or a new one. The files stay where they are.
    Add {
        /// The name to use it by
        name: String,
        /// The GGUF of a model that answers or finds vectors, or the ggml-*.bin of one that hears
        #[arg(value_hint = clap::ValueHint::FilePath)]
        model: PathBuf,
        /// The projector's GGUF; the only mmproj*.gguf in the same folder is found by itself
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        mmproj: Option<PathBuf>,
    },
    /// Check that a model's files are there, whole, and of the right kind
    Verify {
        /// Its name, or a GGUF file
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What `--json` prints of a model.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    on_this_machine: bool,
    #[serde(flatten)]
    spec: &'a ModelSpec,
}

impl<'a> Listed<'a> {
    fn new(catalogue: &Catalogue, spec: &'a ModelSpec) -> Self {
        Self { on_this_machine: catalogue.is_here(spec), spec }
    }
}

pub(super) fn run(command: ModelsCommand) -> Result<(), Trouble> {
    let (setup, _) = Setup::tolerant()?;
    let catalogue = &setup.catalogue;
    match command {
        ModelsCommand::List { json: true } => {
            print_json(&catalogue.list().iter().map(|spec| Listed::new(catalogue, spec)).collect::<Vec<_>>())
        }
        ModelsCommand::List { json: false } => list(catalogue),
        ModelsCommand::Show { name, json } => show(catalogue, &name, json),
        ModelsCommand::Add { name, model, mmproj } => {
            let (spec, path) = catalogue
                .add(&setup.paths.models(), &name, &model, mmproj.as_deref())
                .map_err(Trouble::user)?;
            if let Some(used) = used_for(&spec) {
                return print_line(format!("{name} is registered.\nEntry: {}\n{used}", path.display()));
            }
            let eyes = match &spec.files.mmproj {
                Some(mmproj) => format!("with its projector {}", mmproj.display()),
                None => "without a projector: it sees no pictures".to_owned(),
            };
            print_line(format!(
                "{name} is registered {eyes}.\nEntry: {}\nUse it: percept -m {name}",
                path.display()
            ))
        }
        ModelsCommand::Verify { name, json } => {
            let files = catalogue.verify(&name, &setup.paths.cache).map_err(Trouble::user)?;
            if json {
                return print_json(&files);
            }
            for file in files {
                print_line(format!(
                    "ok  {}  {}, {} parameters, {}",
                    file.path.display(),
                    file.architecture,
                    text::thousands(file.parameters),
                    text::size(file.bytes)
                ))?;
            }
            Ok(())
        }
    }
}

/// What a model is used for that doesn't answer.
fn used_for(spec: &ModelSpec) -> Option<&'static str> {
    Some(match spec.task {
        Task::Chat => return None,
        Task::Speech => "It is used for dictation and recordings unless [speech] model names another.",
        Task::Vad => "It is used for dictation and recordings unless [speech] vad names another.",
        Task::Embed if spec.files.mmproj.is_some() => {
            "It finds documents and pictures by their meaning, in the index."
        }
        Task::Embed => "It finds documents by their meaning, in the index.",
        Task::Rerank => "It can put what the index found in a better order.",
    })
}

fn list(catalogue: &Catalogue) -> Result<(), Trouble> {
    let widest = catalogue.list().iter().map(|spec| spec.name.len()).max().unwrap_or(0);
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
        for spec in catalogue.list().iter().filter(|spec| spec.task == task) {
            let mark = if catalogue.is_here(spec) { "●" } else { "○" };
            print_line(format!("{mark} {:widest$}  {}", spec.name, spec.about))?;
        }
    }
    print_line("\n● on this machine   ○ known; `percept models show NAME` says where to get it")
}

fn show(catalogue: &Catalogue, name: &str, json: bool) -> Result<(), Trouble> {
    let Some(spec) = catalogue.find(name) else {
        return Err(Trouble::User(anyhow::anyhow!(
            "there is no model `{name}`; `percept models list` shows those that there are"
        )));
    };
    if json {
        return print_json(&Listed::new(catalogue, spec));
    }
    print_line(format!("{} ({})\n{}", spec.title, spec.name, spec.about))?;
    for (field, value) in fields(spec, catalogue.is_here(spec)) {
        print_line(format!("  {field:17}{value}"))?;
    }
    Ok(())
}

fn fields(spec: &ModelSpec, here: bool) -> Vec<(&'static str, String)> {
    let list = |items: &[String]| (!items.is_empty()).then(|| items.join("; "));
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let source = spec.source.as_ref();
    let does = match spec.task {
        Task::Chat => "answers",
        Task::Speech => "hears",
        Task::Vad => "tells speech from noise",
        Task::Embed => "finds vectors",
        Task::Rerank => "scores passages",
    };
    let prefix = |text: &String| (!text.is_empty()).then(|| format!("{text:?}"));
    let all = [
        ("task", Some(does.to_owned())),
        ("on this machine", Some(if here { "yes".to_owned() } else { "no".to_owned() })),
        ("good for", list(&spec.good_for)),
        ("weak at", list(&spec.weak_at)),
        ("parameters", spec.parameters.clone()),
        ("context", spec.context.map(|tokens| format!("{} tokens", text::thousands(tokens)))),
        ("picture", spec.image_tokens.as_ref().map(|tokens| format!("{tokens} tokens"))),
        ("before a query", prefix(&spec.query_prefix)),
        ("before a passage", prefix(&spec.passage_prefix)),
        ("behind both", prefix(&spec.suffix)),
        ("memory", spec.memory_mib.map(|mib| format!("{} MiB", text::thousands(mib)))),
        ("licence", spec.licence.clone()),
        ("repository", source.map(|source| format!("https://huggingface.co/{}", source.repository))),
        ("model", path(&spec.files.model).or_else(|| source?.model.clone())),
        ("mmproj", path(&spec.files.mmproj).or_else(|| source?.mmproj.clone())),
        ("unconfirmed", list(&spec.unconfirmed)),
    ];
    all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}
