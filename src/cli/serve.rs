//! `percept serve`: the model for editors and scripts on this machine.

use std::sync::Arc;

use clap::Args;

use super::exit::{print_line, warn};
use super::open::{Setup, runtime, shut_down};
use super::{ModelArgs, Trouble};
use crate::catalogue::Task;
use crate::retrieval::Embedder;
use crate::serve::{self, Log, Models, Options, ServeError, Times, Token};

/// Answer editors and scripts on this machine, with OpenAI's API
///
/// The model is loaded and answers POST /v1/chat/completions, with pictures and streaming,
/// GET /v1/models and, where there is a model for it, POST /v1/embeddings, until Ctrl+C. It listens on 127.0.0.1 and ::1 alone, fetches nothing, reads no
/// files for a client, and runs no tools: calls go back to who asked. Each request must show the
/// key, which the first start makes and keeps where only you can read it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// The port; 0 takes any that is free ([serve] port)
    #[arg(short, long, value_name = "N")]
    port: Option<u16>,
    /// Print the key and do nothing else
    #[arg(long)]
    show_token: bool,
    /// Say nothing of each request
    #[arg(short, long)]
    quiet: bool,
}

const HELP: &str = r#"Examples:
  percept serve -m qwen3-vl-4b

  curl http://127.0.0.1:8573/v1/chat/completions \
    -H "Authorization: Bearer $(percept serve --show-token)" \
    -d '{"messages": [{"role": "user", "content": "Why is the sky blue?"}]}'

  from openai import OpenAI
  client = OpenAI(base_url="http://127.0.0.1:8573/v1", api_key="…")  # percept serve --show-token
  client.chat.completions.create(
      model="default", messages=[{"role": "user", "content": "Why is the sky blue?"}])

From another machine, through a tunnel: ssh -L 8573:127.0.0.1:8573 THIS-MACHINE
There is no option to listen on other addresses. docs/serve.md has editors, and what is left out."#;

pub(super) fn run(args: &ServeArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let place = setup.paths.serve_token();
    let token = Token::at(&place).map_err(Trouble::user)?;
    if args.show_token {
        return print_line(token.reveal());
    }
    if setup.config.engine.server().is_some() {
        let why = "a server answers here ([engine] kind = \"openai\"): point the editor at that server, or set \
                   PERCEPT_ENGINE_KIND=local";
        return Err(Trouble::User(anyhow::anyhow!(why)));
    }
    let models = models(&setup, &args.model)?;
    let model = models.first.name.clone();
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let bound = serve::bind(args.port.unwrap_or(setup.config.serve.port)).await?;
        let port = bound.port;
        let options = Options {
            worker: setup.llama(),
            models,
            embedder: embedder(&setup),
            token,
            pictures: setup.paths.served_pictures(port),
            intake: setup.config.intake(),
            waiting: setup.config.serve.waiting,
            times: Times::default(),
            log: log(args.quiet),
        };
        let ready = || {
            warn(format!("{model} answers at http://127.0.0.1:{port}/v1 until Ctrl+C"));
            warn(format!("the key is in {} (percept serve --show-token prints it)", place.display()));
        };
        until_signalled(bound, options, ready).await
    });
    shut_down(runtime);
    served.map_err(|error| match error {
        ServeError::Model(_) => Trouble::Engine(error.into()),
        _ => Trouble::user(error),
    })
}

/// What finds vectors for who asks, on this machine alone: nothing is passed on to a server.
fn embedder(setup: &Setup) -> Result<Arc<dyn Embedder>, String> {
    match setup.config.embedding.server() {
        Some(_) => {
            Err("Vectors are found by a server here ([embedding] kind = \"openai\"): ask that server \
                        itself, or set PERCEPT_EMBEDDING_KIND=local."
                .to_owned())
        }
        None => setup.embedder(),
    }
}

fn log(quiet: bool) -> Log {
    match quiet {
        true => Arc::new(|_| {}),
        false => Arc::new(|line| warn(line)),
    }
}

/// The models that can be asked: the one of the command line, and those on this machine.
fn models(setup: &Setup, args: &ModelArgs) -> Result<Models, Trouble> {
    let catalogue = Arc::new(setup.catalogue.clone());
    let (cache, config) = (setup.paths.cache.clone(), setup.config.clone());
    let mut first = catalogue.ready(&setup.model(args), &cache).map_err(Trouble::user)?;
    config.tune(&mut first);
    let mut names = vec![first.name.clone()];
    let here = catalogue.list().iter().filter(|spec| spec.task == Task::Chat && catalogue.is_here(spec));
    let all = here.map(|spec| spec.name.clone()).chain(catalogue.found().into_iter().map(|found| found.name));
    names.extend(all.filter(|name| *name != first.name));
    let find = move |name: &str| {
        let mut model = catalogue.ready(name, &cache).map_err(|error| super::library::sentence_of(&error))?;
        config.tune(&mut model);
        Ok(model)
    };
    Ok(Models { first: Arc::new(first), names, find: Arc::new(find) })
}

/// Serves until a signal; at a second one what is being answered is broken off.
async fn until_signalled(
    bound: serve::Bound,
    options: Options,
    ready: impl FnOnce(),
) -> Result<(), ServeError> {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let served = serve::run(bound, options, ready, async {
        let _ = ended.await;
    });
    let mut served = std::pin::pin!(served);
    let mut signals = Signals::new();
    tokio::select! {
        served = &mut served => return served,
        () = signals.next() => {}
    }
    let _ = end.send(());
    tokio::select! {
        served = &mut served => served,
        () = signals.next() => Ok(()),
    }
}

/// Ctrl+C, and what a system or a terminal that is closed sends.
struct Signals {
    #[cfg(unix)]
    streams: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // One that can't be heard ends percept as the system has it.
        Self { streams: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.streams.iter_mut().any(|stream| stream.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
