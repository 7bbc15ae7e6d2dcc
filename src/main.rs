//! The program: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser;
use percept::cli::Cli;

fn main() -> ExitCode {
    percept::cli::on_panic();
    let cli = Cli::parse();
    std::process::Termination::report(cli.run())
}
