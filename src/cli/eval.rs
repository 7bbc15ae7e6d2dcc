//! `percept eval`: how well a model sees, hears, finds and acts.

use std::io::{self, BufWriter};

use clap::{Args, Subcommand};

use super::Trouble;
use crate::eval::{Lesson, stream};

/// Measure how well a model sees, hears, finds and acts
#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    #[command(subcommand)]
    command: Option<EvalCommand>,
}

#[derive(Debug, Subcommand)]
enum EvalCommand {
    /// Draw a suite
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
struct GenerateArgs {
    /// Write examples for training to standard output (docs/perception.md)
    #[arg(long)]
    stream: bool,
    #[arg(long, value_name = "KIND")]
    kind: Lesson,
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "320x140")]
    size: (u16, u16),
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides
        .filter(|(width, height)| (20..=4000).contains(width) && (20..=4000).contains(height))
        .ok_or_else(|| "a width and a height in pixels from 20 to 4000, such as 320x140".to_owned())
}

pub(super) fn run(args: EvalArgs) -> Result<(), Trouble> {
    match args.command {
        Some(EvalCommand::Generate(args)) => {
            let mut to = BufWriter::new(io::stdout().lock());
            stream(args.kind, args.size, args.seed, args.count, &mut to)?;
            Ok(())
        }
        None => Ok(()),
    }
}
