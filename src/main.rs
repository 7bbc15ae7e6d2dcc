//! The program: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser;
use percept::cli::Cli;

fn main() -> ExitCode {
    // Between a tool's command and percept stand other processes of the same program.
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = percept::tools::sandbox::be_another(&arguments) {
        return code;
    }
    percept::cli::on_panic();
    let cli = Cli::parse();
    std::process::Termination::report(cli.run())
}
