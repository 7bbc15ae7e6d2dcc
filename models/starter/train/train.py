"""Trains the starter on pictures that are drawn as it goes.

    python train.py runs/first --mixture mixtures/1-crops.json

The run's folder keeps `checkpoint.npz` and `log.txt`; the same command goes on from them.
Ctrl+C, or --minutes, saves and ends. Nothing here decides when a stage is over: look at the
log, and name the next mixture.
"""

import argparse
import os
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np

import checkpoint
import model
from canvas import FONTS, MissingFont
from checkpoint import BadCheckpoint, Checkpoint
from drawers import Sources, drawers
from examples import Batch, batch
from kinds import KINDS, Studio
from mixture import BadMixture, Mixture, MixtureFile
from steps import as_arrays, encoder_step, fresh_optimizer, full_step, measure_encoder, measure_full

LOG_SECONDS = 30
# The seed of the pictures that progress is measured on; drawers start from 60 random bits.
HELD_OUT_SEED = 987_654_321
HELD_OUT_BATCHES = 4


@dataclass
class Tally:
    """What happened to a kind since the last line of the log."""

    pictures: int = 0
    seconds: float = 0.0
    metrics: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, pictures: int, seconds: float, metrics: dict[str, float]) -> None:
        self.pictures += pictures
        self.seconds += seconds
        for name, value in metrics.items():
            self.metrics[name].append(float(value))

    def __str__(self) -> str:
        means = " ".join(f"{name} {np.mean(values):.3f}" for name, values in self.metrics.items())
        speed = f"{self.pictures / self.seconds:.0f}/s " if self.seconds else ""
        return speed + means


class Run:
    """A run in its folder: the state of training, and its log."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "checkpoint.npz"
        self.log = (folder / "log.txt").open("a", buffering=1)
        parameters = model.initial()
        optimizer = fresh_optimizer(parameters)
        found = self.file.exists()
        self.state = checkpoint.load(self.file, parameters, optimizer) if found else Checkpoint(parameters)
        self.state.parameters = as_arrays(self.state.parameters)
        self.state.optimizer = as_arrays(self.state.optimizer or optimizer)
        self.first_step = self.state.step
        self.say(f"starts at step {self.state.step}, {self.state.pictures} pictures")

    def say(self, line: str) -> None:
        line = f"{time.strftime('%H:%M:%S')} {line}"
        print(line, flush=True)
        self.log.write(line + "\n")

    def save(self) -> None:
        checkpoint.save(self.state, self.file)

    def learn(self, name: str, batch: Batch, mixture: Mixture) -> tuple[float, dict[str, float]]:
        """Makes a step; returns the seconds it took and the metrics."""
        state = self.state
        warmth = min(1.0, (state.step - self.first_step + 1) / max(1, mixture.warm_up))
        rate = mixture.learning_rate * warmth
        begun = time.monotonic()
        if KINDS[name].tokens:
            stepped = full_step(
                state.parameters, state.optimizer, batch, rate, mixture.encoder_rate, mixture.loss_weights
            )
        else:
            stepped = encoder_step(state.parameters, state.optimizer, batch, rate)
        state.parameters, state.optimizer, metrics = jax.block_until_ready(stepped)
        seconds = time.monotonic() - begun
        state.step += 1
        state.pictures += len(batch.images)
        state.seconds += seconds
        return seconds, metrics

    def measure(self, name: str, batches: list[Batch]) -> Tally:
        """Measures on held-out pictures, the right tokens of the answer given before each."""
        tally = Tally()
        measure = measure_full if KINDS[name].tokens else measure_encoder
        for held_out in batches:
            tally.add(len(held_out.images), 0, measure(self.state.parameters, held_out))
        return tally


class HeldOut:
    """Held-out batches of each kind, drawn when first asked for."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.drawn: dict[tuple[str, int], list[Batch]] = {}

    def batches(self, name: str, size: int) -> list[Batch]:
        if (name, size) not in self.drawn:
            artist = self.studio.artist(HELD_OUT_SEED)
            self.drawn[name, size] = [batch(KINDS[name], size, artist) for _ in range(HELD_OUT_BATCHES)]
        return self.drawn[name, size]


class Every:
    """Comes due when so many seconds have passed since it was last."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.last = time.monotonic()

    def due(self) -> bool:
        if time.monotonic() - self.last < self.seconds:
            return False
        self.last = time.monotonic()
        return True


class Stop:
    """Whether to end: the first Ctrl+C asks, the second ends at once."""

    def __init__(self, minutes: float):
        self.at = time.monotonic() + 60 * minutes
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __bool__(self) -> bool:
        return self.asked or time.monotonic() >= self.at


def train(run: Run, follow: MixtureFile, sources: Sources, arguments: argparse.Namespace) -> None:
    """Learns batch by batch until it is stopped, and saves."""
    held_out = HeldOut(sources.studio())
    stop = Stop(arguments.minutes)
    log, measure, save = Every(LOG_SECONDS), Every(arguments.measure_every), Every(arguments.save_every)
    tallies: dict[str, Tally] = defaultdict(Tally)
    with drawers(sources, arguments.drawers) as batches:
        while not stop:
            name, drawn = next(batches)
            mixture = follow.current()
            seconds, metrics = run.learn(name, drawn, mixture)
            tallies[name].add(len(drawn.images), seconds, metrics)
            if log.due():
                run.say(f"step {run.state.step}, {run.state.pictures} pictures")
                for kind, tally in sorted(tallies.items()):
                    run.say(f"  {kind}: {tally}")
                tallies.clear()
            if measure.due():
                for kind in sorted(mixture.shares):
                    measured = run.measure(kind, held_out.batches(kind, mixture.batch[kind]))
                    run.say(f"  held out {kind}: {measured}")
            if save.due():
                run.save()
        run.save()
    state = run.state
    run.say(f"saved at step {state.step}, {state.pictures} pictures, {state.seconds:.0f} s of steps")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains the starter, or goes on where it ended.")
    parser.add_argument("folder", type=Path, help="keeps checkpoint.npz and log.txt")
    parser.add_argument("--mixture", type=Path, required=True, help="what is drawn; followed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="save and end after so long")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw (default: 1)")
    parser.add_argument("--measure-every", type=float, default=240, metavar="SECONDS", help="default: 240")
    parser.add_argument("--save-every", type=float, default=120, metavar="SECONDS", help="default: 120")
    parser.add_argument("--fonts", type=Path, default=FONTS, help=f"folder of fonts (default: {FONTS})")
    parser.add_argument("--corpus", default="", metavar="GLOB", help="more files to take text from")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    sources = Sources(arguments.mixture, arguments.fonts, arguments.corpus)
    # Compiling a kind takes longer than its first hundred steps: once is enough.
    jax.config.update("jax_compilation_cache_dir", os.fspath(arguments.folder / "compiled"))
    try:
        follow = MixtureFile(arguments.mixture)
        train(Run(arguments.folder), follow, sources, arguments)
    except (BadCheckpoint, BadMixture, MissingFont) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
