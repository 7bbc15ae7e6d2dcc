"""Trains the starter on pictures that percept draws as it goes.

    python train.py runs/first --mixture mixtures/1-crops.json

The run's folder keeps `checkpoint.npz` and `log.txt`; the same command goes on from them.
Ctrl+C, or --minutes, saves and ends. Nothing here decides when a stage is over: look at the
log, and name the next mixture.
"""

import argparse
import os
import random
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import checkpoint
import model
from checkpoint import BadCheckpoint, Checkpoint
from drawers import DrawersEnded, drawers
from examples import Batch, batch
from kinds import HELD_OUT_SEED, SHAPES, Source
from mixture import BadMixture, Mixture, MixtureFile
from steps import (
    as_arrays,
    aside_step,
    encoder_step,
    fresh_optimizer,
    full_step,
    match_step,
    measure_aside,
    measure_encoder,
    measure_full,
    measure_match,
)
from stream import StreamError

LOG_SECONDS = 30
HELD_OUT_BATCHES = 4
PERCEPT = Path(__file__).parent / "../../../target/release/percept"


@dataclass
class Tally:
    """What happened to a shape since the last line of the log."""

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

    def learn(self, name: str, batch: Batch, mixture: Mixture, passed: float) -> tuple[float, dict[str, float]]:
        """Makes a step, when so large a share of the time has passed; returns the seconds it
        took and the metrics."""
        state = self.state
        rate = mixture.rate(state.step - self.first_step, passed)
        begun = time.monotonic()
        known = state.parameters, state.optimizer, batch, rate
        if not SHAPES[name].tokens:
            stepped = encoder_step(*known)
        elif SHAPES[name].matched:
            stepped = match_step(*known)
        elif SHAPES[name].aside:
            stepped = aside_step(*known, mixture.loss_weights)
        else:
            stepped = full_step(*known, mixture.encoder_rate, mixture.loss_weights)
        state.parameters, state.optimizer, metrics = jax.block_until_ready(stepped)
        seconds = time.monotonic() - begun
        state.step += 1
        state.pictures += len(batch.images)
        state.seconds += seconds
        return seconds, metrics

    def measure(self, name: str, batches: list[Batch]) -> Tally:
        """Measures on held-out pictures, the right tokens of the answer given before each."""
        tally = Tally()
        measure = measure_aside if SHAPES[name].aside else measure_full
        if not SHAPES[name].tokens:
            measure = measure_encoder
        if SHAPES[name].matched:
            measure = measure_match
        for held_out in batches:
            tally.add(len(held_out.images), 0, measure(self.state.parameters, held_out))
        return tally


class HeldOut:
    """Held-out batches of each shape, drawn when first asked for."""

    def __init__(self, percept: Path):
        self.percept = percept
        self.drawn: dict[tuple[str, int], list[Batch]] = {}

    def batches(self, name: str, size: int) -> list[Batch]:
        if (name, size) not in self.drawn:
            with Source(self.percept, random.Random(HELD_OUT_SEED), [HELD_OUT_SEED]) as source:
                self.drawn[name, size] = [batch(SHAPES[name], size, source) for _ in range(HELD_OUT_BATCHES)]
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
        self.begun = time.monotonic()
        self.seconds = 60 * minutes
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def passed(self) -> float:
        """Returns how much of the time has passed, 0 to 1; 0 if there is no end."""
        return min(1.0, (time.monotonic() - self.begun) / self.seconds) if self.seconds else 1.0

    def __bool__(self) -> bool:
        return self.asked or self.passed() >= 1


def train(run: Run, follow: MixtureFile, arguments: argparse.Namespace) -> None:
    """Learns batch by batch until it is stopped, and saves."""
    held_out = HeldOut(arguments.percept)
    stop = Stop(arguments.minutes)
    log, measure, save = Every(LOG_SECONDS), Every(arguments.measure_every), Every(arguments.save_every)
    tallies: dict[str, Tally] = defaultdict(Tally)
    with drawers(arguments.percept, arguments.mixture, arguments.drawers) as batches:
        try:
            while not stop:
                name, drawn = next(batches)
                mixture = follow.current()
                seconds, metrics = run.learn(name, drawn, mixture, stop.passed())
                tallies[name].add(len(drawn.images), seconds, metrics)
                if log.due():
                    run.say(f"step {run.state.step}, {run.state.pictures} pictures")
                    for shape, tally in sorted(tallies.items()):
                        run.say(f"  {shape}: {tally}")
                    tallies.clear()
                if measure.due():
                    for shape in sorted(mixture.shares):
                        measured = run.measure(shape, held_out.batches(shape, mixture.batch[shape]))
                        run.say(f"  held out {shape}: {measured}")
                if save.due():
                    run.save()
        finally:
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
    parser.add_argument("--percept", type=Path, default=PERCEPT, help="what draws (default: the release build)")
    faster = "multiply matrices in bfloat16, sums in float32: for CPUs that have AMX, and GPUs"
    parser.add_argument("--bfloat16", action="store_true", help=faster)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    if arguments.bfloat16:
        model.PRECISION = jnp.bfloat16
    # Compiling a shape takes longer than its first hundred steps: once is enough.
    jax.config.update("jax_compilation_cache_dir", os.fspath(arguments.folder / "compiled"))
    try:
        follow = MixtureFile(arguments.mixture)
        train(Run(arguments.folder), follow, arguments)
    except (BadCheckpoint, BadMixture, DrawersEnded, StreamError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
