//! `percept models`: what can be run, and files of one's own.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::Trouble;
use super::exit::{print_json, print_line};
use super::fitting::Fitting;
use super::open::Setup;
use crate::catalogue::{Found, ModelSpec, Task};
use crate::eval::Scores;
use crate::{gguf, text};

/// The models that percept knows, and your own
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// List the models: which are on this machine, which fit on it, and which one to take
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
    /// Download a model, check it, and register it
    ///
    /// It goes where other programs look for it too (the cache of the Hugging Face hub), is checked
    /// by length and SHA-256 before it gets its name, and can then be used with `percept -m NAME`.
    #[command(after_help = super::pull::HELP)]
    Pull(super::pull::PullArgs),
    /// Take a registered model away, with the files that percept downloaded for it
    Rm(super::pull::RemoveArgs),
    /// Check that a model's files are there, whole, and of the right kind
    ///
    /// Of files that lie in a cache under their SHA-256 that is computed again, too.
    Verify {
        /// Its name, or a GGUF file
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: ModelsCommand) -> Result<(), Trouble> {
    match &command {
        ModelsCommand::Pull(args) => return super::pull::pull(args),
        ModelsCommand::Rm(args) => return super::pull::remove(args),
        _ => {}
    }
    let (setup, _) = Setup::tolerant()?;
    let catalogue = &setup.catalogue;
    match command {
        // Done above.
        ModelsCommand::Pull(_) | ModelsCommand::Rm(_) => Ok(()),
        ModelsCommand::List { json } => Fitting::new(&setup).list(json),
        ModelsCommand::Show { name, json } => show(&setup, &name, json),
        ModelsCommand::Add { name, model, mmproj } => {
            let (spec, path) = catalogue
                .add(&setup.paths.models(), &name, &model, mmproj.as_deref())
                .map_err(Trouble::user)?;
            if let Some(used) = used_for(&spec) {
                return print_line(format!("{name} is registered.\nEntry: {}\n{used}", path.display()));
            }
            print_line(registered(&spec, &path))
        }
        ModelsCommand::Verify { name, json } => super::pull::verify(&setup, &name, json),
    }
}

/// That a model that answers is registered.
pub(super) fn registered(spec: &ModelSpec, entry: &Path) -> String {
    let eyes = match &spec.files.mmproj {
        Some(mmproj) => format!("with its projector {}", mmproj.display()),
        None => "without a projector: it sees no pictures".to_owned(),
    };
    let name = &spec.name;
    format!("{name} is registered {eyes}.\nEntry: {}\nUse it: percept -m {name}", entry.display())
}

/// What a model is used for that doesn't answer.
pub(super) fn used_for(spec: &ModelSpec) -> Option<&'static str> {
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

fn show(setup: &Setup, name: &str, json: bool) -> Result<(), Trouble> {
    let catalogue = &setup.catalogue;
    let Some(spec) = catalogue.find(name) else {
        if let Some(found) = catalogue.find_found(name) {
            return show_found(&found, json);
        }
        return Err(Trouble::User(anyhow::anyhow!(
            "there is no model `{name}`; `percept models list` shows those that there are"
        )));
    };
    let fitting = Fitting::new(setup);
    let scores = known_scores(setup, spec);
    if json {
        return print_json(&Shown { listed: fitting.listed(spec), scores });
    }
    print_line(format!("{} ({})\n{}", spec.title, spec.name, spec.about))?;
    for (field, value) in fields(spec, catalogue.is_here(spec), fitting.in_words(spec)) {
        print_line(format!("  {field:17}{value}"))?;
    }
    if let Some(model) = &spec.files.model {
        own_words(model)?;
    }
    match scores {
        Some(scores) => print_scores(&scores),
        None => Ok(()),
    }
}

/// What is printed of a model with `--json`.
#[derive(Serialize)]
struct Shown<T> {
    #[serde(flatten)]
    listed: T,
    /// What `percept eval` found of it on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Scores>,
}

/// The scores of a model that is here and was measured.
fn known_scores(setup: &Setup, spec: &ModelSpec) -> Option<Scores> {
    let here = spec.task == Task::Chat && setup.catalogue.is_here(spec);
    let model = here.then(|| setup.catalogue.ready(&spec.name, &setup.paths.cache).ok())??;
    super::eval::scores(&setup.paths.evals(), &model)
}

fn print_scores(scores: &Scores) -> Result<(), Trouble> {
    let day = jiff::Timestamp::from_millisecond(scores.at_ms).map(|at| at.strftime("%Y-%m-%d").to_string());
    print_line(format!(
        "measured on this machine by percept eval ({}, {})",
        scores.suite,
        day.unwrap_or_default()
    ))?;
    for of in &scores.kinds {
        let share = format!(
            "{} of {} ({:.0}% to {:.0}%)",
            of.tally.right,
            of.tally.count,
            100.0 * of.tally.from,
            100.0 * of.tally.to
        );
        print_line(format!("  {:17}{share}", of.kind.name()))?;
    }
    if let Some(below) = scores.unsure_below {
        print_line(format!("  {:17}below a probability of {below:.2}", "marked as unsure"))?;
    }
    Ok(())
}

/// What there is of a model in another program's store.
fn show_found(found: &Found, json: bool) -> Result<(), Trouble> {
    if json {
        return print_json(found);
    }
    print_line(&found.name)?;
    print_line(format!("  {:17}{} ({})", "model", found.model.display(), text::size(found.bytes)))?;
    if let Some(mmproj) = &found.mmproj {
        print_line(format!("  {:17}{}", "mmproj", mmproj.display()))?;
    }
    own_words(&found.model)
}

/// What a GGUF says of itself; nothing of a file of another form.
fn own_words(model: &Path) -> Result<(), Trouble> {
    let Ok(header) = gguf::read(model) else { return Ok(()) };
    let tokens = |tokens| format!("{} tokens", text::thousands(tokens));
    let template =
        header.text("tokenizer.chat_template").map_or("none: it was not made to chat", |_| "present");
    let said = [
        ("name", header.text("general.name").map(str::to_owned)),
        ("architecture", Some(header.architecture().to_owned())),
        ("parameters", Some(text::thousands(header.parameters))),
        ("quantisation", header.quantisation().map(str::to_owned)),
        ("context", header.own("context_length").map(tokens)),
        ("chat template", Some(template.to_owned())),
        ("licence", header.text("general.license").map(str::to_owned)),
        ("weights", Some(text::size(header.tensor_bytes))),
    ];
    print_line("its file says")?;
    for (field, value) in said.into_iter().filter_map(|(field, value)| Some((field, value?))) {
        print_line(format!("  {field:17}{}", text::one_line(&value)))?;
    }
    Ok(())
}

fn fields(spec: &ModelSpec, here: bool, memory: Option<String>) -> Vec<(&'static str, String)> {
    let list = |items: &[String]| (!items.is_empty()).then(|| items.join("; "));
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let source = spec.source.as_ref();
    let does = match spec.task {
        Task::Chat => "answers",
        Task::Speech => "hears",
        Task::Vad => "tells speech from noise",
        Task::Embed if spec.pictures_only => "finds vectors of pictures",
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
        ("memory", memory),
        ("licence", spec.licence.clone()),
        ("repository", source.map(|source| format!("https://huggingface.co/{}", source.repository))),
        ("model", path(&spec.files.model).or_else(|| source?.model.clone())),
        ("mmproj", path(&spec.files.mmproj).or_else(|| source?.mmproj.clone())),
        ("unconfirmed", list(&spec.unconfirmed)),
    ];
    all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}
