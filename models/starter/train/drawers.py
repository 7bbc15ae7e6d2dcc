"""Draws batches in processes of their own, ahead of training.

Each starts from a random seed, so no two runs see the same pictures and a run that goes on
does not repeat itself.
"""

import multiprocessing
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full

import texts
from canvas import FONTS, Fonts
from examples import Batch, batch
from kinds import KINDS, Studio
from mixture import MixtureFile

# Batches that wait for training at most.
AHEAD = 8


class DrawersEnded(Exception):
    """All drawers ended by themselves, which none should."""


@dataclass(frozen=True)
class Sources:
    """What a drawer needs, as what can be sent to a process."""

    mixture: Path
    fonts: Path = FONTS
    corpus: str = ""

    def studio(self) -> Studio:
        return Studio(texts.collect(self.corpus), Fonts(self.fonts))


@contextmanager
def drawers(sources: Sources, count: int) -> Iterator[Iterator[tuple[str, Batch]]]:
    """Starts `count` drawers; gives an endless row of batches, each with the name of its kind."""
    # Not forked: JAX has threads, which a forked process would lack.
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(AHEAD)
    processes = [context.Process(target=_draw, args=(sources, queue), daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield _drawn(queue, processes)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _drawn(queue: multiprocessing.Queue, processes: list) -> Iterator[tuple[str, Batch]]:
    while True:
        try:
            yield queue.get(timeout=1)
        except Empty:
            if not any(process.is_alive() for process in processes):
                raise DrawersEnded("no drawer is left; what ended them is said above") from None


def _draw(sources: Sources, queue: multiprocessing.Queue) -> None:
    # Ctrl+C is for training, which ends us after saving.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trainer = os.getppid()
    artist = sources.studio().artist(secrets.randbits(60))
    follow = MixtureFile(sources.mixture)
    while True:
        mixture = follow.current()
        names = list(mixture.shares)
        [name] = artist.rng.choices(names, [mixture.shares[name] for name in names])
        drawn: tuple[str, Batch] = (name, batch(KINDS[name], mixture.batch[name], artist))
        while True:
            try:
                queue.put(drawn, timeout=1)
                break
            except Full:
                # A trainer that was killed can't end us.
                if os.getppid() != trainer:
                    queue.cancel_join_thread()
                    return
