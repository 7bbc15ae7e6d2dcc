"""The network: a vision encoder, a projector and a small language model, in JAX.

It computes what llama.cpp computes for the architectures `llama` and `pixtral`, as plain
functions of a tree of arrays: matrices are [in, out], and the shapes in the docstrings use
B pictures, P patches, T tokens. There is no dropout, no cache and no generation: reading
out answers is llama.cpp's job.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from canvas import PATCH, SLOTS
from examples import MERGE, TOKEN_SIDE
from tokenizer import VOCABULARY

VISION_WIDTH, VISION_LAYERS, VISION_HEADS, VISION_HIDDEN = 128, 5, 4, 320
WIDTH, LAYERS, HEADS, HIDDEN = 256, 6, 4, 640
EPSILON = 1e-5
ROPE_BASE = 10_000.0
# No character, and the 95 of printable ASCII but the space.
CHARACTERS = 96
# The layer whose first heads learn to point at the place that is read next.
POINTING_LAYER, POINTING_HEADS = 3, 2

Tree = dict


class Output(NamedTuple):
    """What a pass through the whole network gives."""

    patches: jax.Array
    """[B, P, VISION_WIDTH]: the encoder's output"""
    image: jax.Array
    """[B, P / 4, WIDTH]: the image tokens, row breaks not among them"""
    attention: jax.Array
    """[B, POINTING_HEADS, T, T]: where the pointing heads look"""
    logits: jax.Array
    """[B, T, VOCABULARY]"""


def initial(seed: int = 0) -> Tree:
    """Returns random parameters, float32.

    `encoder` learns by itself from crops, the rest only from questions; so they have
    optimizers of their own. The heads of characters serve training alone and are not
    exported.
    """
    rng = np.random.RandomState(seed)

    def matrix(inputs: int, outputs: int, scale: float = 1.0) -> np.ndarray:
        return (rng.randn(inputs, outputs) * scale / math.sqrt(inputs)).astype(np.float32)

    def block(width: int, hidden: int, layers: int) -> Tree:
        residual = 1 / math.sqrt(2 * layers)
        return {
            "attention_norm": ones(width),
            "qkv": matrix(width, 3 * width),
            "attention_out": matrix(width, width, residual),
            "feed_forward_norm": ones(width),
            "gate_up": matrix(width, 2 * hidden),
            "down": matrix(hidden, width, residual),
        }

    def ones(width: int) -> np.ndarray:
        return np.ones(width, np.float32)

    def zeros(width: int) -> np.ndarray:
        return np.zeros(width, np.float32)

    return {
        "encoder": {
            "patch": matrix(3 * PATCH**2, VISION_WIDTH),
            "input_norm": ones(VISION_WIDTH),
            "blocks": [block(VISION_WIDTH, VISION_HIDDEN, VISION_LAYERS) for _ in range(VISION_LAYERS)],
            "output_norm": ones(VISION_WIDTH),
            **character_head(VISION_WIDTH, SLOTS),
        },
        "projector": {
            "norm": ones(VISION_WIDTH),
            "merge": matrix(VISION_WIDTH * MERGE**2, WIDTH),
            "input": matrix(WIDTH, WIDTH),
            "input_bias": zeros(WIDTH),
            "output": matrix(WIDTH, WIDTH, 0.3),
            "output_bias": zeros(WIDTH),
            "row_break": (rng.randn(WIDTH) * 0.2).astype(np.float32),
            **character_head(WIDTH, SLOTS * MERGE**2),
        },
        "language": {
            "embedding": (rng.randn(VOCABULARY, WIDTH) * 0.2).astype(np.float32),
            "blocks": [block(WIDTH, HIDDEN, LAYERS) for _ in range(LAYERS)],
            "norm": ones(WIDTH),
            "output": matrix(WIDTH, VOCABULARY, 0.5),
        },
    }


def character_head(width: int, slots: int) -> Tree:
    """Returns a fresh head that tells which character is in each slot.

    Zeros: a head without knowledge sends no gradient back.
    """
    outputs = slots * CHARACTERS
    return {"head": np.zeros((width, outputs), np.float32), "head_bias": np.zeros(outputs, np.float32)}


def forward(parameters: Tree, images: jax.Array, tokens: jax.Array, image_index: jax.Array) -> Output:
    """Runs the whole network on a batch: uint8 [B, height, width, 3], int32 [B, T] twice.

    Where `image_index` is not negative, that embedding of the image takes the token's place.
    """
    patches = encode(parameters["encoder"], images)
    rows, columns = images.shape[1] // TOKEN_SIDE, images.shape[2] // TOKEN_SIDE
    image = project(parameters["projector"], patches, rows, columns)
    with_breaks = _with_breaks(parameters["projector"], image, rows, columns)
    placed = jnp.take_along_axis(with_breaks, jnp.maximum(image_index, 0)[..., None], 1)
    embedded = parameters["language"]["embedding"][tokens]
    x = jnp.where((image_index >= 0)[..., None], placed, embedded)
    attention, logits = _predict(parameters["language"], x)
    return Output(patches, image, attention, logits)


def encode(encoder: Tree, images: jax.Array) -> jax.Array:
    """Returns the features of each patch: [B, P, VISION_WIDTH]."""
    batch, height, width, _ = images.shape
    rows, columns = height // PATCH, width // PATCH
    x = (images.astype(jnp.float32) / 255 - 0.5) / 0.5
    # Colour, row, column: the order in which llama.cpp stores the weights of a convolution.
    x = x.reshape(batch, rows, PATCH, columns, PATCH, 3).transpose(0, 1, 3, 5, 2, 4)
    x = x.reshape(batch, rows * columns, 3 * PATCH**2) @ encoder["patch"]
    x = rms_norm(x, encoder["input_norm"])
    rotation = _rotation_2d(rows, columns, VISION_WIDTH // VISION_HEADS)
    for block in encoder["blocks"]:
        x, _ = _block(x, block, VISION_HEADS, rotation)
    return rms_norm(x, encoder["output_norm"])


def project(projector: Tree, patches: jax.Array, rows: int, columns: int) -> jax.Array:
    """Merges 2 x 2 patches into each of rows x columns image tokens: [B, P / 4, WIDTH]."""
    batch = patches.shape[0]
    x = rms_norm(patches, projector["norm"])
    # llama.cpp unfolds with the channel outermost: [channel, row, column] of the square.
    x = x.reshape(batch, rows, MERGE, columns, MERGE, VISION_WIDTH).transpose(0, 1, 3, 5, 2, 4)
    x = x.reshape(batch, rows * columns, VISION_WIDTH * MERGE**2) @ projector["merge"]
    x = jax.nn.gelu(x @ projector["input"] + projector["input_bias"], approximate=True)
    return x @ projector["output"] + projector["output_bias"]


def _with_breaks(projector: Tree, image: jax.Array, rows: int, columns: int) -> jax.Array:
    """Puts a row break behind each row but the last: [B, rows * (columns + 1) - 1, WIDTH]."""
    batch = image.shape[0]
    grid = image.reshape(batch, rows, columns, WIDTH)
    breaks = jnp.broadcast_to(projector["row_break"], (batch, rows, 1, WIDTH))
    return jnp.concatenate([grid, breaks], 2).reshape(batch, rows * (columns + 1), WIDTH)[:, :-1]


def _predict(language: Tree, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns where the pointing heads look, and the logits of the next token."""
    length = x.shape[1]
    rotation = _rotation(np.arange(length)[:, None] * _frequencies(WIDTH // HEADS))
    causal = np.where(np.tril(np.ones((length, length), bool)), 0, -1e9).astype(np.float32)
    pointing = None
    for index, block in enumerate(language["blocks"]):
        x, attention = _block(x, block, HEADS, rotation, causal)
        if index == POINTING_LAYER:
            pointing = attention[:, :POINTING_HEADS]
    return pointing, rms_norm(x, language["norm"]) @ language["output"]


def _block(x: jax.Array, block: Tree, heads: int, rotation: tuple, mask: np.ndarray | None = None):
    """One transformer block: returns [B, T, width] and its attention [B, heads, T, T]."""
    batch, length, width = x.shape
    split = (batch, length, heads, width // heads)
    queries, keys, values = jnp.split(rms_norm(x, block["attention_norm"]) @ block["qkv"], 3, -1)
    queries = _rotate(queries.reshape(split), rotation).transpose(0, 2, 1, 3)
    keys = _rotate(keys.reshape(split), rotation).transpose(0, 2, 3, 1)
    values = values.reshape(split).transpose(0, 2, 1, 3)
    scores = queries @ keys * (width // heads) ** -0.5
    attention = jax.nn.softmax(scores if mask is None else scores + mask, -1)
    mixed = (attention @ values).transpose(0, 2, 1, 3).reshape(batch, length, width)
    x = x + mixed @ block["attention_out"]
    gate, up = jnp.split(rms_norm(x, block["feed_forward_norm"]) @ block["gate_up"], 2, -1)
    return x + (jax.nn.silu(gate) * up) @ block["down"], attention


def rms_norm(x: jax.Array, gain: jax.Array | float = 1.0) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPSILON) * gain


def _frequencies(width: int) -> np.ndarray:
    """Returns the rotary frequencies of a head of that width: [width / 2]."""
    return ROPE_BASE ** (-np.arange(0, width, 2) / width)


def _rotation(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotation_2d(rows: int, columns: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Half of a head turns with the row, half with the column, as in Pixtral: the columns
    have the frequencies that lie between those of the rows."""
    frequencies = _frequencies(width // 2)
    place = np.arange(rows * columns)
    down = (place // columns)[:, None] * frequencies
    across = (place % columns)[:, None] * frequencies * ROPE_BASE ** (-2 / width)
    return _rotation(np.concatenate([down, across], 1))


def _rotate(x: jax.Array, rotation: tuple[np.ndarray, np.ndarray]) -> jax.Array:
    """Turns neighbouring pairs of [B, T, heads, width] by the angles of each place."""
    cosine, sine = (table[None, :, None] for table in rotation)
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).reshape(x.shape)
