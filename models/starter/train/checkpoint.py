"""Keeps what training knows in one .npz file: parameters, optimizer, how far it came.

A file of another shape of network is refused, not patched up; no pickles are read.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np

from model import Tree


class BadCheckpoint(Exception):
    """The file is not a checkpoint of this network."""


@dataclass
class Checkpoint:
    """Where training stands."""

    parameters: Tree
    optimizer: Tree = field(default_factory=dict)
    """The optimizer's state; empty if there is none, as after an import from GGUF."""
    step: int = 0
    pictures: int = 0
    seconds: float = 0.0
    """Time spent in training steps."""


def save(checkpoint: Checkpoint, file: Path) -> None:
    """Writes the file whole or not at all."""
    arrays = flatten({"parameters": checkpoint.parameters, "optimizer": checkpoint.optimizer})
    progress = {name: getattr(checkpoint, name) for name in ("step", "pictures", "seconds")}
    partial = file.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.savez(stream, **arrays, **progress)
    os.replace(partial, file)


def load(file: Path, parameters: Tree, optimizer: Tree) -> Checkpoint:
    """Reads a checkpoint; the trees given say which arrays it must hold, and of which shape."""
    with np.load(file) as stored:
        arrays = dict(stored)
    has_optimizer = any(name.startswith("optimizer/") for name in arrays)
    return Checkpoint(
        unflatten(arrays, "parameters", parameters),
        unflatten(arrays, "optimizer", optimizer) if has_optimizer else {},
        int(arrays["step"]),
        int(arrays["pictures"]),
        float(arrays["seconds"]),
    )


def flatten(tree: Tree) -> dict[str, np.ndarray]:
    """Returns the arrays of a tree by their paths, such as `parameters/encoder/patch`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(path): np.asarray(leaf) for path, leaf in leaves}


def unflatten(arrays: dict[str, np.ndarray], root: str, like: Tree) -> Tree:
    """Puts arrays into a tree of the same form as `like`."""

    def pick(path: tuple, leaf: np.ndarray) -> np.ndarray:
        name = f"{root}/{_name(path)}"
        if name not in arrays:
            raise BadCheckpoint(f"{name} is missing")
        if arrays[name].shape != np.shape(leaf):
            raise BadCheckpoint(f"{name} has the shape {arrays[name].shape}, not {np.shape(leaf)}")
        return arrays[name]

    return jax.tree_util.tree_map_with_path(pick, like)


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
