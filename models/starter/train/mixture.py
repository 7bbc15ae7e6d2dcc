"""The mixture: which shapes are drawn, how many at a time, and how fast is learned.

It is a JSON file that is read again whenever it changes, so that a run can be steered
without stopping it. A file with an unknown key or shape is refused.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kinds import SHAPES

# What is left of the learning rate when the time is over.
COOLEST = 0.1


class BadMixture(Exception):
    """The file does not say a mixture."""


@dataclass(frozen=True)
class Mixture:
    """What the file says."""

    learning_rate: float
    shares: dict[str, float]
    """How often a batch of each shape is drawn, in proportion."""
    batch: dict[str, int]
    """Examples in a batch of each shape."""
    warm_up: int = 100
    """Steps after a start in which the learning rate rises to its full height."""
    cool_down: float = 0.0
    """The last share of train.py's --minutes, in which the rate falls to COOLEST."""
    encoder_rate: float = 0.5
    """What the encoder's learning rate is multiplied by when it learns with the rest."""
    loss_weights: dict[str, float] = field(default_factory=lambda: {"readout": 0.5, "pointer": 0.5})
    """By loss: answer, characters, readout, pointer. Those not named count 1."""

    def rate(self, step: int, passed: float) -> float:
        """Returns the learning rate so many steps after a start, when so large a share of
        the time has passed, 0 to 1."""
        warmth = min(1.0, (step + 1) / max(1, self.warm_up))
        cooled = max(0.0, 1 - (1 - passed) / self.cool_down) if self.cool_down else 0.0
        return self.learning_rate * warmth * (1 - (1 - COOLEST) * cooled)


def read(file: Path) -> Mixture:
    try:
        mixture = Mixture(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BadMixture(f"{file}: {error}") from error
    if unknown := mixture.shares.keys() - SHAPES.keys():
        raise BadMixture(f"{file}: there is no shape {', '.join(unknown)}; shapes: {', '.join(SHAPES)}")
    if missing := mixture.shares.keys() - mixture.batch.keys():
        raise BadMixture(f"{file}: `batch` lacks {', '.join(missing)}")
    return mixture


class MixtureFile:
    """A mixture that follows its file."""

    def __init__(self, file: Path):
        self.file = file
        self.changed = file.stat().st_mtime if file.exists() else 0.0
        self.mixture = read(file)

    def current(self) -> Mixture:
        """Returns the newest mixture; while the file is half written, the one before."""
        try:
            changed = self.file.stat().st_mtime
            if changed != self.changed:
                self.changed = changed
                self.mixture = read(self.file)
        except (BadMixture, OSError) as error:
            print(f"the mixture stays as it was: {error}", file=sys.stderr)
        return self.mixture
