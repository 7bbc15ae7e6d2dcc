"""The network: a vision encoder, a projector and a small language model, in JAX.

It computes what llama.cpp computes for the architectures `llama` and `pixtral`, as plain
functions of a tree of arrays: matrices are [in, out], and the shapes in the docstrings use
B pictures, P patches, T tokens. There is no dropout, no cache and no generation: reading
out answers is llama.cpp's job.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from examples import MERGE, TOKEN_SIDE
from picture import PATCH, SLOTS
from tokenizer import AFTER_VECTOR, BEFORE_VECTOR, IMAGE_END, VOCABULARY

VISION_WIDTH, VISION_LAYERS, VISION_HEADS, VISION_HIDDEN = 128, 5, 4, 320
WIDTH, LAYERS, HEADS, HIDDEN = 256, 6, 4, 640
EPSILON = 1e-5
ROPE_BASE = 10_000.0
# No character, and the 95 of printable ASCII but the space.
CHARACTERS = 96
# The layer whose first heads learn to point at the place that is read next.
POINTING_LAYER, POINTING_HEADS = 3, 2
# What matrices are multiplied in; sums are always float32. train.py --bfloat16 changes it
# before anything is compiled.
PRECISION = jnp.float32

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


def read_text(language: Tree, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Runs the language model on int32 [B, T] without a picture: `Output.attention` and
    `Output.logits`."""
    return _predict(language, language["embedding"][tokens])


def vectors_of_texts(language: Tree, tokens: jax.Array, end: jax.Array) -> jax.Array:
    """Returns a vector of length 1 for each text, [B, WIDTH]: int32 [B, T], and float32 [B, T]
    that is 1 at the text's end."""
    _, hidden = _read(language, language["embedding"][tokens])
    return _unit((hidden * end[..., None]).sum(1))


def vectors_of_pictures(parameters: Tree, images: jax.Array) -> jax.Array:
    """Returns a vector of length 1 for each picture, [B, WIDTH]."""
    rows, columns = images.shape[1] // TOKEN_SIDE, images.shape[2] // TOKEN_SIDE
    image = project(parameters["projector"], encode(parameters["encoder"], images), rows, columns)
    seen = _with_breaks(parameters["projector"], image, rows, columns)
    before, after = (
        jnp.broadcast_to(parameters["language"]["embedding"][np.array(ids)], (len(images), len(ids), WIDTH))
        for ids in (BEFORE_VECTOR, [IMAGE_END, *AFTER_VECTOR])
    )
    _, hidden = _read(parameters["language"], jnp.concatenate([before, seen, after], 1))
    return _unit(hidden[:, -1])


def _unit(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt((x * x).sum(-1, keepdims=True) + EPSILON)


def encode(encoder: Tree, images: jax.Array) -> jax.Array:
    """Returns the features of each patch: [B, P, VISION_WIDTH]."""
    batch, height, width, _ = images.shape
    rows, columns = height // PATCH, width // PATCH
    x = (images.astype(jnp.float32) / 255 - 0.5) / 0.5
    # Colour, row, column: the order in which llama.cpp stores the weights of a convolution.
    x = x.reshape(batch, rows, PATCH, columns, PATCH, 3).transpose(0, 1, 3, 5, 2, 4)
    x = product(x.reshape(batch, rows * columns, 3 * PATCH**2), encoder["patch"])
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
    x = product(x.reshape(batch, rows * columns, VISION_WIDTH * MERGE**2), projector["merge"])
    x = jax.nn.gelu(product(x, projector["input"]) + projector["input_bias"], approximate=True)
    return product(x, projector["output"]) + projector["output_bias"]


def _with_breaks(projector: Tree, image: jax.Array, rows: int, columns: int) -> jax.Array:
    """Puts a row break behind each row but the last: [B, rows * (columns + 1) - 1, WIDTH]."""
    batch = image.shape[0]
    grid = image.reshape(batch, rows, columns, WIDTH)
    breaks = jnp.broadcast_to(projector["row_break"], (batch, rows, 1, WIDTH))
    return jnp.concatenate([grid, breaks], 2).reshape(batch, rows * (columns + 1), WIDTH)[:, :-1]


def _predict(language: Tree, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns where the pointing heads look, and the logits of the next token."""
    looked, hidden = _read(language, x)
    return looked, product(hidden, language["output"])


def _read(language: Tree, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns where the pointing heads look, and what is known at each place: [B, T, WIDTH]."""
    length = x.shape[1]
    rotation = _rotation(np.arange(length)[:, None] * _frequencies(WIDTH // HEADS))
    looked = None
    for index, block in enumerate(language["blocks"]):
        points = POINTING_HEADS if index == POINTING_LAYER else 0
        x, attention = _block(x, block, HEADS, rotation, True, points)
        looked = attention if points else looked
    return looked, rms_norm(x, language["norm"])


def _block(
    x: jax.Array,
    block: Tree,
    heads: int,
    rotation: tuple,
    causal: bool = False,
    points: int = 0,
) -> tuple[jax.Array, jax.Array]:
    """One transformer block: returns [B, T, width], and where its first `points` heads look:
    [B, points, T, T]."""
    batch, length, width = x.shape
    split = (batch, length, heads, width // heads)
    mixed = product(rms_norm(x, block["attention_norm"]), _pairs_apart(block["qkv"], heads))
    queries, keys, values = (part.reshape(split) for part in jnp.split(mixed, 3, -1))
    queries = _rotate(queries, rotation).transpose(0, 2, 1, 3) * (width // heads) ** -0.5
    keys = _rotate(keys, rotation).transpose(0, 2, 1, 3)
    mixed = _attend(queries, keys, values.transpose(0, 2, 1, 3), causal)
    x = x + product(mixed.transpose(0, 2, 1, 3).reshape(batch, length, width), block["attention_out"])
    gate, up = jnp.split(product(rms_norm(x, block["feed_forward_norm"]), block["gate_up"]), 2, -1)
    x = x + product(jax.nn.silu(gate) * up, block["down"])
    return x, _weights(queries[:, :points], keys[:, :points], causal)


def _pairs_apart(qkv: jax.Array, heads: int) -> jax.Array:
    """Reorders the columns of queries and keys: the first of each rotated pair in the first
    half of a head, the second in the second half.

    The scores stay what they are, and `_rotate` need not pick every second number, which
    costs more than the multiplications.
    """
    inputs, outputs = qkv.shape
    turned, values = jnp.split(qkv, [outputs // 3 * 2], 1)
    pairs = turned.reshape(inputs, 2 * heads, -1, 2).swapaxes(2, 3)
    return jnp.concatenate([pairs.reshape(inputs, -1), values], 1)


def _weights(queries: jax.Array, keys: jax.Array, causal: bool) -> jax.Array:
    """Attention of scaled queries to keys [B, heads, T, head]: [B, heads, T, T], rows sum to 1."""
    scores = jnp.einsum("bhtd,bhsd->bhts", queries, keys)
    if causal:
        scores += np.where(np.tril(np.ones(scores.shape[-2:], bool)), 0, -1e9).astype(np.float32)
    powers = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-1, keepdims=True)))
    return powers / powers.sum(-1, keepdims=True)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _attend(queries: jax.Array, keys: jax.Array, values: jax.Array, causal: bool) -> jax.Array:
    """Returns the values mixed by attention, all [B, heads, T, head].

    Its gradient is written out: it passes over the [T, T] squares less often than the
    derived one, which is most of the time of a step otherwise.
    """
    return _attend_forward(queries, keys, values, causal)[0]


def _attend_forward(queries: jax.Array, keys: jax.Array, values: jax.Array, causal: bool) -> tuple:
    attention = _weights(queries, keys, causal)
    mixed = jnp.einsum("bhts,bhsd->bhtd", attention, values)
    return mixed, (queries, keys, values, attention, mixed)


def _attend_backward(causal: bool, kept: tuple, slope: jax.Array) -> tuple:
    queries, keys, values, attention, mixed = kept
    to_attention = jnp.einsum("bhtd,bhsd->bhts", slope, values)
    to_scores = attention * (to_attention - (slope * mixed).sum(-1, keepdims=True))
    return (
        jnp.einsum("bhts,bhsd->bhtd", to_scores, keys),
        jnp.einsum("bhts,bhtd->bhsd", to_scores, queries),
        jnp.einsum("bhts,bhtd->bhsd", attention, slope),
    )


_attend.defvjp(_attend_forward, _attend_backward)


@jax.custom_vjp
def product(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """Multiplies [..., in] by [in, out], float32; as `PRECISION` says inside."""
    return _multiply(x, matrix)


def _product_forward(x: jax.Array, matrix: jax.Array) -> tuple:
    return _multiply(x, matrix), (x, matrix)


def _product_backward(kept: tuple, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, matrix = kept
    rows, slopes = x.reshape(-1, x.shape[-1]), slope.reshape(-1, slope.shape[-1])
    return _multiply(slope, matrix.T), _multiply(rows.T, slopes)


product.defvjp(_product_forward, _product_backward)


def _multiply(x: jax.Array, matrix: jax.Array) -> jax.Array:
    x, matrix = x.astype(PRECISION), matrix.astype(PRECISION)
    return jnp.matmul(x, matrix, preferred_element_type=jnp.float32)


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
    """Turns pairs of [B, T, heads, width] by the angles of each place; a pair's second
    number is half a head behind its first, as `_pairs_apart` puts them."""
    cosine, sine = (table[None, :, None] for table in rotation)
    first, second = jnp.split(x, 2, -1)
    return jnp.concatenate([first * cosine - second * sine, first * sine + second * cosine], -1)
