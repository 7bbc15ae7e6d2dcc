"""One step of training: gradients, clipping, Adam with weight decay.

The encoder and the rest have optimizers of their own: the encoder also learns from crops,
and its gradient must not be scaled down because the language model's is large.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from examples import Batch
from losses import Metrics, aside_loss, encoder_loss, full_loss, match_loss
from model import Tree

WEIGHT_DECAY = 0.02
LARGEST_GRADIENT = 1.0
ADAM = optax.chain(
    optax.clip_by_global_norm(LARGEST_GRADIENT), optax.scale_by_adam(b1=0.9, b2=0.98, eps=1e-8)
)

Stepped = tuple[Tree, Tree, Metrics]


def fresh_optimizer(parameters: Tree) -> Tree:
    """Returns the optimizer's state before the first step."""
    return {part: ADAM.init(tree) for part, tree in _parts(parameters).items()}


@partial(jax.jit, donate_argnums=(0, 1))
def encoder_step(parameters: Tree, optimizer: Tree, batch: Batch, rate: float) -> Stepped:
    """Trains the encoder alone; returns the new parameters and optimizer, and the metrics."""
    gradients, metrics = jax.grad(encoder_loss, has_aux=True)(parameters, batch)
    encoder, state = _descend(parameters["encoder"], gradients["encoder"], optimizer["encoder"], rate)
    return {**parameters, "encoder": encoder}, {**optimizer, "encoder": state}, metrics


@partial(jax.jit, donate_argnums=(0, 1))
def full_step(
    parameters: Tree,
    optimizer: Tree,
    batch: Batch,
    rate: float,
    encoder_rate: float,
    loss_weights: dict[str, float],
) -> Stepped:
    """Trains everything, the encoder at `rate` x `encoder_rate`."""
    gradients, metrics = jax.grad(full_loss, has_aux=True)(parameters, batch, loss_weights)
    parts, slopes = _parts(parameters), _parts(gradients)
    encoder, encoder_state = _descend(
        parts["encoder"], slopes["encoder"], optimizer["encoder"], rate * encoder_rate
    )
    rest, rest_state = _descend(parts["rest"], slopes["rest"], optimizer["rest"], rate)
    return {"encoder": encoder, **rest}, {"encoder": encoder_state, "rest": rest_state}, metrics


@partial(jax.jit, donate_argnums=(0, 1))
def aside_step(
    parameters: Tree, optimizer: Tree, batch: Batch, rate: float, loss_weights: dict[str, float]
) -> Stepped:
    """Trains the language model alone, on a batch whose answers aren't in its pictures.

    The projector stays as it is, and so do its moments, which lie among those of the rest.
    """
    language = parameters["language"]
    gradients, metrics = jax.grad(aside_loss, has_aux=True)(language, parameters, batch, loss_weights)
    clipping, adam = optimizer["rest"]
    own = adam._replace(mu=adam.mu["language"], nu=adam.nu["language"])
    language, (_, own) = _descend(language, gradients, (clipping, own), rate)
    mu, nu = {**adam.mu, "language": own.mu}, {**adam.nu, "language": own.nu}
    state = (clipping, own._replace(mu=mu, nu=nu))
    return {**parameters, "language": language}, {**optimizer, "rest": state}, metrics


@partial(jax.jit, donate_argnums=(0, 1))
def match_step(parameters: Tree, optimizer: Tree, batch: Batch, rate: float) -> Stepped:
    """Trains all but the encoder to find vectors: what it sees is known well enough."""
    encoder, rest = parameters["encoder"], _parts(parameters)["rest"]
    gradients, metrics = jax.grad(match_loss, has_aux=True)(rest, encoder, batch)
    rest, state = _descend(rest, gradients, optimizer["rest"], rate)
    return {"encoder": encoder, **rest}, {**optimizer, "rest": state}, metrics


@jax.jit
def measure_match(parameters: Tree, batch: Batch) -> Metrics:
    """Returns the metrics of a batch of pictures and their texts."""
    return match_loss(_parts(parameters)["rest"], parameters["encoder"], batch)[1]


@jax.jit
def measure_encoder(parameters: Tree, batch: Batch) -> Metrics:
    """Returns the metrics of a batch without questions."""
    return encoder_loss(parameters, batch)[1]


@jax.jit
def measure_full(parameters: Tree, batch: Batch) -> Metrics:
    """Returns the metrics of a batch with questions."""
    return full_loss(parameters, batch, {})[1]


@jax.jit
def measure_aside(parameters: Tree, batch: Batch) -> Metrics:
    """Returns the metrics of a batch whose answers aren't in its pictures."""
    return aside_loss(parameters["language"], parameters, batch, {})[1]


def _parts(parameters: Tree) -> dict[str, Tree]:
    rest = {name: tree for name, tree in parameters.items() if name != "encoder"}
    return {"encoder": parameters["encoder"], "rest": rest}


def _descend(parameters: Tree, gradients: Tree, state: Tree, rate: float) -> tuple[Tree, Tree]:
    """Returns the parameters a step further, and the optimizer's state. Vectors don't decay."""
    directions, state = ADAM.update(gradients, state)

    def move(array: jax.Array, direction: jax.Array) -> jax.Array:
        return array - rate * (direction + (WEIGHT_DECAY * array if array.ndim == 2 else 0))

    return jax.tree.map(move, parameters, directions), state


def as_arrays(tree: Tree) -> Tree:
    """Puts a tree where it is computed on."""
    return jax.tree.map(jnp.asarray, tree)
