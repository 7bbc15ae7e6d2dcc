//! `percept models pull`, `verify` and `rm`: getting a model, checking it, and taking it away again.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::Trouble;
use super::exit::{print_json, print_line, warn};
use super::models::{registered, used_for};
use super::open::{Setup, runtime};
use super::places;
use super::watch::{Shown, stop_on_interrupt};
use crate::catalogue::Verified;
use crate::catalogue::hub::{Hub, HubError, Plan, Pulled, Wanted, checksum_in_name};
use crate::fetch::{self, FetchError};
use crate::text::{counted, size, thousands};

/// What to get.
#[derive(Debug, Args)]
pub(super) struct PullArgs {
    /// A name of `percept models list`, hf:OWNER/REPO, hf:OWNER/REPO:FILE, or an address
    #[arg(value_name = "NAME|hf:OWNER/REPO[:FILE]|URL")]
    model: String,
    /// The name to use it by
    #[arg(long)]
    name: Option<String>,
}

pub(super) const HELP: &str = "Examples:
  percept models pull qwen3-vl-4b                       a model of the catalogue, with its projector
  percept models pull hf:ggml-org/gemma-3-4b-it-GGUF    the one GGUF of a repository, or its Q4_K_M
  percept models pull hf:ggml-org/gemma-3-4b-it-GGUF:Q8_0
  percept models pull https://example.org/model.gguf    no checksum is known of it

It can be stopped at any time (Ctrl+C); the same command goes on from there. HF_TOKEN, HF_ENDPOINT,
HF_HOME and HTTPS_PROXY are used as other programs do (docs/models.md).";

/// What to take away.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Its name
    name: String,
    /// Delete its files without asking
    #[arg(short, long)]
    yes: bool,
}

fn trouble(error: HubError) -> Trouble {
    match error {
        HubError::Fetch(error @ FetchError::Stopped { .. }) => {
            warn(error);
            Trouble::Stopped
        }
        error => Trouble::user(error),
    }
}

pub(super) fn pull(args: &PullArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let hub = places::hub(&setup);
    let runtime = runtime()?;
    let stop = stop_on_interrupt(&runtime);
    let mut shown = Shown::new();
    let wanted = Wanted::parse(&args.model, &hub.endpoint, &setup.catalogue).map_err(trouble)?;
    let plan = hub.plan(&wanted, args.name.as_deref(), &setup.catalogue, &stop, &mut |progress| {
        shown.tell(format!("{}: {progress}", args.model));
    });
    shown.clear();
    let plan = plan.map_err(trouble)?;
    announce(&plan)?;
    let pulled = hub.pull(&plan, &stop, &mut |planned, progress| {
        shown.tell(format!("{}: {progress}", planned.file));
    });
    shown.clear();
    runtime.shutdown_background();
    register(&setup, &hub, &plan, &pulled.map_err(trouble)?)
}

/// Says what will be downloaded, and where it goes.
fn announce(plan: &Plan) -> Result<(), Trouble> {
    let licence = plan.licence.as_deref().unwrap_or("not stated");
    print_line(format!("{} from {}\n  licence  {licence}", plan.name, plan.from))?;
    for planned in &plan.files {
        let bytes = planned.bytes.map_or_else(|| "size not known".to_owned(), size);
        let here = if planned.here { ", here already" } else { "" };
        print_line(format!("  file     {} ({bytes}{here})", planned.file))?;
    }
    print_line(format!("  to       {}", plan.folder.display()))?;
    for note in &plan.notes {
        print_line(format!("  note     {note}"))?;
    }
    Ok(())
}

/// Gives the model its entry. A file of which no checksum was known is deleted if it is no model.
fn register(setup: &Setup, hub: &Hub, plan: &Plan, pulled: &Pulled) -> Result<(), Trouble> {
    let added = setup.catalogue.add_pulled(&setup.paths.models(), &plan.name, pulled);
    let (spec, entry) = match added {
        Ok(added) => added,
        Err(error) => {
            if plan.files.iter().any(|planned| !planned.checksum && !planned.here) {
                hub.delete(std::slice::from_ref(&pulled.model)).map_err(trouble)?;
                let said = format!("{error} It was deleted: it is not the model that was expected");
                return Err(Trouble::User(anyhow::anyhow!(said)));
            }
            return Err(Trouble::user(error));
        }
    };
    let checked = match plan.files.iter().all(|planned| planned.checksum) {
        true => "Checked: length, SHA-256, form.",
        false => "Checked: length and form.",
    };
    print_line(checked)?;
    match used_for(&spec) {
        Some(used) => print_line(format!("{} is ready. {used}", plan.name)),
        None => print_line(registered(&spec, &entry)),
    }
}

/// A file that was checked, and its SHA-256 where its name has it.
#[derive(Debug, serde::Serialize)]
struct Checked {
    #[serde(flatten)]
    file: Verified,
    sha256: Option<String>,
}

pub(super) fn verify(setup: &Setup, name: &str, json: bool) -> Result<(), Trouble> {
    let files = setup.catalogue.verify(name, &setup.paths.cache).map_err(Trouble::user)?;
    let runtime = runtime()?;
    let stop = stop_on_interrupt(&runtime);
    let mut checked = Vec::new();
    for file in files {
        let sha256 = checksum_in_name(&file.path);
        if let Some(wanted) = &sha256 {
            let mut shown = Shown::new();
            let named = file.path.display();
            let found = fetch::sha256(&file.path, &stop, &mut |progress| {
                shown.tell(format!("{named}: {progress}"));
            });
            shown.clear();
            if found.map_err(|error| trouble(error.into()))? != *wanted {
                return Err(Trouble::User(anyhow::anyhow!(
                    "{named} is not what was downloaded: its SHA-256 is another one. \
                     Delete it (percept models rm) and pull it again"
                )));
            }
        }
        checked.push(Checked { file, sha256 });
    }
    runtime.shutdown_background();
    if json {
        return print_json(&checked);
    }
    for Checked { file, sha256 } in checked {
        let Verified { path, bytes, architecture, parameters, .. } = file;
        let sum = if sha256.is_some() { ", SHA-256" } else { "" };
        let (parameters, bytes) = (thousands(parameters), size(bytes));
        print_line(format!("ok  {}  {architecture}, {parameters} parameters, {bytes}{sum}", path.display()))?;
    }
    Ok(())
}

pub(super) fn remove(args: &RemoveArgs) -> Result<(), Trouble> {
    let (setup, _) = Setup::tolerant()?;
    let hub = places::hub(&setup);
    let name = &args.name;
    let files = |spec: &crate::catalogue::ModelSpec| -> Vec<PathBuf> {
        [&spec.files.model, &spec.files.mmproj].into_iter().flatten().cloned().collect()
    };
    let all = setup.catalogue.find(name).map(files).unwrap_or_default();
    let others: Vec<PathBuf> =
        setup.catalogue.list().iter().filter(|spec| spec.name != *name).flat_map(files).collect();
    let mut own = hub.own_files(&all);
    own.retain(|(path, _)| !others.contains(path));
    let bytes: u64 = own.iter().map(|(_, bytes)| bytes).sum();
    let delete = !own.is_empty() && (args.yes || confirmed(&own, bytes)?);
    let entry = setup.catalogue.remove(&setup.paths.models(), name).map_err(Trouble::user)?;
    print_line(format!("{name} is no longer registered ({} is deleted).", entry.display()))?;
    if !delete {
        return match all.is_empty() {
            true => Ok(()),
            false => print_line("Its files stay where they are."),
        };
    }
    let paths: Vec<PathBuf> = own.into_iter().map(|(path, _)| path).collect();
    hub.delete(&paths).map_err(trouble)?;
    print_line(format!(
        "{} deleted, {} free again.",
        counted(paths.len() as u64, "file", "files"),
        size(bytes)
    ))
}

/// Asks whether what percept downloaded is deleted; without a terminal it isn't.
fn confirmed(own: &[(PathBuf, u64)], bytes: u64) -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() {
        warn("its files are kept; --yes deletes those that percept downloaded");
        return Ok(false);
    }
    for (path, bytes) in own {
        print_line(format!("{} ({})", path.display(), size(*bytes)))?;
    }
    let mut err = io::stderr().lock();
    write!(err, "Delete what percept downloaded, {}? [y/N] ", size(bytes))?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
