"""What is learned: the answer, four auxiliary losses without which reading isn't, and vectors.

The answer's loss alone does not teach a network of this size to read in reasonable time.
So the encoder is told which characters each patch holds, the projector which eight slots
each image token holds, the language model to name the character at each image token, and
two attention heads to look where the next character stands, in the picture or, for the
arguments of a call, in the question. Vectors of pictures and of texts have a loss of their own.
"""

import jax
import jax.numpy as jnp

from examples import TOKEN_SIDE, Batch, merged
from model import (
    CHARACTERS,
    Output,
    Tree,
    encode,
    forward,
    product,
    read_text,
    rms_norm,
    vectors_of_pictures,
    vectors_of_texts,
)

# Most slots are empty and most squares blank: these count less.
BLANK = 0.15
# What the cosines of vectors are multiplied by before the softmax over a batch.
SHARPNESS = 20.0

Metrics = dict[str, jax.Array]


def encoder_loss(parameters: Tree, batch: Batch) -> tuple[jax.Array, Metrics]:
    """The loss of a batch without questions: which characters each patch holds."""
    patches = encode(parameters["encoder"], batch.images)
    loss, accuracy = _characters(parameters["encoder"], patches, batch.labels)
    return loss, {"patch": loss, "patch-accuracy": accuracy}


def full_loss(parameters: Tree, batch: Batch, weights: dict[str, float]) -> tuple[jax.Array, Metrics]:
    """The weighted sum of all losses. `exact` is the share of answers right token for
    token, given the right tokens before each; `accuracy` that of tokens."""
    output = forward(parameters, batch.images, batch.tokens, batch.image_index)
    rows, columns = batch.images.shape[1] // TOKEN_SIDE, batch.images.shape[2] // TOKEN_SIDE
    patch, _ = _characters(parameters["encoder"], output.patches, batch.labels)
    image = rms_norm(output.image)
    token, _ = _characters(parameters["projector"], image, merged(batch.labels, rows, columns))
    answer, accuracy, exact = _answer(output.logits, batch)
    losses = {
        "answer": answer,
        "characters": patch + token,
        "readout": _readout(output, batch),
        "pointer": _pointer(output.attention, batch.pointer),
    }
    return _total(losses, weights), {**losses, "accuracy": accuracy, "exact": exact}


def aside_loss(
    language: Tree, parameters: Tree, batch: Batch, weights: dict[str, float]
) -> tuple[jax.Array, Metrics]:
    """The weighted sum of the losses of a batch whose answers aren't in the pictures, if there are
    any: of the language model."""
    if batch.images.size:
        output = forward({**parameters, "language": language}, batch.images, batch.tokens, batch.image_index)
        attention, logits = output.attention, output.logits
    else:
        attention, logits = read_text(language, batch.tokens)
    answer, accuracy, exact = _answer(logits, batch)
    losses = {"answer": answer, "pointer": _pointer(attention, batch.pointer)}
    return _total(losses, weights), {**losses, "accuracy": accuracy, "exact": exact}


def match_loss(rest: Tree, encoder: Tree, batch: Batch) -> tuple[jax.Array, Metrics]:
    """InfoNCE (van den Oord et al., 2018) in both directions, as CLIP has it: each picture's
    vector is nearest to that of its own text among those of the batch, and the text's to it.

    `matched` is the share of texts whose picture is nearest.
    """
    pictures = vectors_of_pictures({**rest, "encoder": encoder}, batch.images)
    texts = vectors_of_texts(rest["language"], batch.tokens, batch.answer)
    scores = SHARPNESS * texts @ pictures.T
    own, ones = jnp.arange(len(scores)), jnp.ones(len(scores))
    loss = (_cross_entropy(scores, own, ones) + _cross_entropy(scores.T, own, ones)) / 2
    return loss, {"match": loss, "matched": (scores.argmax(-1) == own).mean()}


def _total(losses: Metrics, weights: dict[str, float]) -> jax.Array:
    return sum(weights.get(name, 1.0) * loss for name, loss in losses.items())


def _characters(part: Tree, features: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cross-entropy of the character in each slot, and the share of characters that are right.

    features [B, N, width], labels uint8 [B, N, slots]
    """
    logits = (product(features, part["head"]) + part["head_bias"]).reshape(*labels.shape, CHARACTERS)
    filled = (labels > 0).astype(jnp.float32)
    weights = filled + BLANK * (1 - filled)
    right = (logits.argmax(-1) == labels) * filled
    return _cross_entropy(logits, labels, weights), right.sum() / jnp.maximum(filled.sum(), 1)


def _answer(logits: jax.Array, batch: Batch) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Cross-entropy, accuracy and exactness of the answer's tokens."""
    logits, targets, weights = logits[:, :-1], batch.tokens[:, 1:], batch.answer[:, :-1]
    right = logits.argmax(-1) == targets
    accuracy = (right * weights).sum() / weights.sum()
    exact = (right | (weights == 0)).all(1).mean()
    return _cross_entropy(logits, targets, weights), accuracy, exact


def _readout(output: Output, batch: Batch) -> jax.Array:
    """Cross-entropy of the character at each image token, said at its own place."""
    is_image = (batch.image_index >= 0) & (batch.tokens > 0)
    weights = is_image * jnp.where(batch.tokens == ord(" "), BLANK, 1.0)
    return _cross_entropy(output.logits, batch.tokens, weights)


def _pointer(looked: jax.Array, pointer: jax.Array) -> jax.Array:
    """The negative logarithm of the attention [B, heads, T, T] that lies on the place [B, T]
    that is read next."""
    pointed = pointer >= 0
    target = jnp.maximum(pointer, 0)[:, None, :, None]
    attention = jnp.take_along_axis(looked, target, -1)[..., 0]
    return -(jnp.log(attention + 1e-6) * pointed[:, None]).sum() / (looked.shape[1] * jnp.maximum(pointed.sum(), 1))


def _cross_entropy(logits: jax.Array, targets: jax.Array, weights: jax.Array) -> jax.Array:
    """The weighted mean over all places; logits have the classes last."""
    logarithms = jax.nn.log_softmax(logits, -1)
    chosen = jnp.take_along_axis(logarithms, targets[..., None].astype(jnp.int32), -1)[..., 0]
    return -(chosen * weights).sum() / jnp.maximum(weights.sum(), 1)
