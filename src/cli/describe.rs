//! `percept describe`: a caption, and what is uncertain in it.

use std::path::PathBuf;

use clap::Args;

use super::open::{Overrides, Setup};
use super::{ModelArgs, Trouble, ask};
use crate::intake::Given;
use crate::print::Format;
use crate::prompts::Prompt;

/// Print a caption of a picture
///
/// A word with (?) behind it holds a token that the model gave a low probability
/// ([chat] unsure_below).
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The picture
    #[arg(value_hint = clap::ValueHint::FilePath)]
    image: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// Print one JSON object (docs/json.md)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: DescribeArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let question = setup.prompts()?.render(Prompt::Describe, ()).map_err(Trouble::user)?;
    let overrides = Overrides { no_tools: true, ..Overrides::default() };
    let format = if args.json { Format::Json } else { Format::Marked };
    ask::answer(&setup, &args.model, &overrides, vec![Given::Path(args.image)], question, format)
}
