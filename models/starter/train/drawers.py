"""Reads batches in processes of their own, ahead of training, from percept, which draws.

Each starts from random seeds, so no two runs see the same pictures and a run that goes on
does not repeat itself.
"""

import multiprocessing
import os
import random
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Full

from examples import Batch, batch
from kinds import SHAPES, Source
from mixture import MixtureFile
from stream import StreamError

# Batches that wait for training at most.
AHEAD = 8


class DrawersEnded(Exception):
    """All drawers ended by themselves, which none should."""


@contextmanager
def drawers(percept: Path, mixture: Path, count: int) -> Iterator[Iterator[tuple[str, Batch]]]:
    """Starts `count` drawers; gives an endless row of batches, each with the name of its
    shape."""
    # Not forked: JAX has threads, which a forked process would lack.
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(AHEAD)
    drawing = (percept, mixture, queue)
    processes = [context.Process(target=_draw, args=drawing, daemon=True) for _ in range(count)]
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


def _draw(percept: Path, mixture: Path, queue: multiprocessing.Queue) -> None:
    # Ctrl+C is for training, which ends us after saving; our programs end with their outputs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Source(percept, random.Random(secrets.randbits(60))) as source:
            _draw_from(source, MixtureFile(mixture), queue)
    except StreamError as error:
        print(error, file=sys.stderr, flush=True)


def _draw_from(source: Source, follow: MixtureFile, queue: multiprocessing.Queue) -> None:
    trainer = os.getppid()
    while True:
        mixture = follow.current()
        names = list(mixture.shares)
        [name] = source.rng.choices(names, [mixture.shares[name] for name in names])
        drawn: tuple[str, Batch] = (name, batch(SHAPES[name], mixture.batch[name], source))
        while True:
            try:
                queue.put(drawn, timeout=1)
                break
            except Full:
                # A trainer that was killed can't end us.
                if os.getppid() != trainer:
                    queue.cancel_join_thread()
                    return
