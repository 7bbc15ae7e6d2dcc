//! Programs that change the folder or run its code. They always ask; what is known of
//! their flags lets a person allow them for good, as `cargo test` under a folder.

use super::{Program, Takes, program};

/// Flags of cargo's subcommands. `--config` is not among them: it names programs to run.
const CARGO: &str = "p= F= j= r q v workspace all package= exclude= lib bin= bins example= examples test= tests \
    bench= benches all-targets features= all-features no-default-features release profile= jobs= keep-going \
    no-run no-fail-fast doc no-deps open message-format= locked offline frozen quiet verbose color= fix \
    allow-dirty";

const RUNS_CODE: &str = "runs code of the project";

pub(super) const TABLE: &[Program] = &[
    program("cargo", "q v quiet verbose color= locked offline frozen", Takes::Checked).subcommands(&[
        program("build check clippy test bench doc b c t d", CARGO, Takes::Paths).acts(RUNS_CODE),
        program("fmt", "p= q v all check package= quiet verbose", Takes::Paths).acts("changes files"),
        program(
            "tree metadata",
            "p= F= e= i? d q v workspace package= features= all-features no-default-features locked offline \
             frozen edges= invert? depth= duplicates format-version= no-deps",
            Takes::Nothing,
        )
        .acts("runs programs that the project's settings name"),
    ]),
    program("go", "", Takes::Checked).subcommands(&[
        program("build vet fmt list", "v x n race -v -race -tags= -json -m", Takes::Paths).acts(RUNS_CODE),
        program("test", "v -v -run= -count= -race -short -bench= -cover -timeout= -json", Takes::Paths)
            .acts(RUNS_CODE),
    ]),
    program(
        "pytest",
        "v q x s k= m= l -vv verbose quiet exitfirst lf last-failed ff maxfail= tb= durations=",
        Takes::Paths,
    )
    .acts(RUNS_CODE),
    program("yarn pnpm", "", Takes::Checked)
        .subcommands(&[program("test", "", Takes::Nothing).acts(RUNS_CODE)]),
    program("tsc", "-noEmit noEmit w watch -p= project= pretty", Takes::Nothing).acts(RUNS_CODE),
    program("ruff", "", Takes::Checked).subcommands(&[program(
        "check format",
        "fix diff q check",
        Takes::Paths,
    )
    .acts("changes files")]),
    program("rustfmt gofmt black", "check l d w q edition= -check diff", Takes::Paths).acts("changes files"),
    program("mkdir", "p v m= parents verbose mode=", Takes::Paths).acts("makes folders"),
    program("touch", "a c m no-create", Takes::Paths).acts("changes files"),
    // The socket of docker is as good as root, what it tells holds the environments of
    // containers, and it may be on another machine: even looking asks.
    program("docker podman", "", Takes::Checked).subcommands(&[
        program(
            "ps images version info",
            "a q s l n= f= no-trunc all quiet size format= filter= latest digests",
            Takes::Text,
        )
        .acts(DOCKER),
        program("logs", "f n= t tail= timestamps since= until= follow details", Takes::Text).acts(DOCKER),
    ]),
];

const DOCKER: &str = "talks to the container service, which may do anything on this machine";
