"""A fully connected network out of training: what its modules give, without their calls, in memory that is used again.

Why this is worth a file of its own: rows are scored in blocks of a few thousand, where each layer of a table's network makes half
a megabyte. To ask for that anew in each block, and to call modules, takes up to half as long as the arithmetic; and values that lie
side by side get the library's quick GELU, which those that modules hand on do not.

As in `isthmus.nets.linear.Linear`, rows stand along the last axis, so that a row's result does not depend on its place. Stacked
members (`isthmus.nets.members`) have one more axis in front. Each operation is that of the modules, in their order, to the byte but
for that GELU, whose last bit may differ; `tests/nets/test_inference.py` holds both against each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.nets.blocks import in_blocks, in_blocks_at_once
from isthmus.nets.by_hand import APPLIED, can_take, dense_layers
from isthmus.nets.linear import Linear
from isthmus.nets.members import Members
from isthmus.nets.memory import Memory
from isthmus.nets.network import Network, Output


def run_in_blocks(
    network: nn.Module,
    what: Callable[[Any, Tensor], Tensor],
    rows: Callable[[int, int], Tensor],
    n_rows: int,
    block: int,
    dtype: torch.dtype = torch.float32,
) -> NDArray[Any]:
    """``what(network, part)`` of all rows, (n_rows, ...), as ``dtype``, in blocks of ``block``; see `isthmus.nets.blocks`."""
    if not can_infer(network):
        device = next(network.parameters()).device
        return in_blocks(functools.partial(what, network), rows, n_rows, block, device, dtype)
    threads = max(1, min(torch.get_num_threads(), -(-n_rows // block)))
    each = [functools.partial(what, Inference(network)) for _ in range(threads)]  # type: ignore[arg-type]  # just asked
    return in_blocks_at_once(each, rows, n_rows, block, dtype)


def can_infer(network: nn.Module) -> bool:
    """Whether `Inference` gives what ``network`` does: dense layers of isthmus, out of training, on the processor."""
    plain = not network.training and next(network.parameters()).device.type == "cpu" and can_take(network)
    # A user's hooks are called by modules alone.
    return plain and not any(
        m._forward_hooks or m._forward_pre_hooks or type(m) is nn.Linear for m in network.modules()
    )


class Inference:
    """Encoder and decoder of a network that `can_infer` takes.

    What is given lies in memory that the next call writes over: not for two threads at once.
    """

    def __init__(self, network: Network) -> None:
        self._members = network.count if isinstance(network, Members) else 0
        self._one: Network = network.stacked if isinstance(network, Members) else network
        self._encoder, self._decoder = dense_layers(self._one.encoder), dense_layers(self._one.decoder)
        self._memory = Memory()

    def encode(self, x: Tensor) -> Tensor:
        """As `Network.encode`."""
        latent = self._encoded(x)
        return latent.permute(2, 0, 1).flatten(1) if self._members else latent.mT

    def decode(self, z: Tensor) -> Tensor:
        """As `Network.decode`."""
        parts = z.unflatten(1, (self._members, -1)).permute(1, 2, 0) if self._members else z.mT
        made = self._decoded(parts)
        return made.mean(dim=0) if self._members else made

    def __call__(self, x: Tensor) -> Output:
        """As `Network.forward`."""
        latent = self._encoded(x)
        made = self._decoded(latent)
        if not self._members:
            return Output(made, latent.mT, {})
        return Output(made.mean(dim=0), latent.permute(2, 0, 1).flatten(1), {"members": made.transpose(0, 1)})

    def _encoded(self, x: Tensor) -> Tensor:
        """Rows (n, ...) to latents ([members,] latent_dim, n)."""
        linear = self._one.linear
        x = torch.nan_to_num(x, out=self._memory.like(x, "x")).flatten(1).mT
        x = x.expand(self._members, *x.shape) if self._members else x
        z = self._through(self._encoder, x, "encoder")
        return z if linear is None else z.add_(self._product(linear.encoder, x, "linear encoder"))

    def _decoded(self, z: Tensor) -> Tensor:
        """Latents ([members,] latent_dim, n) to reconstructions ([members,] n, *output_shape)."""
        linear, bounds = self._one.linear, self._one.bounds
        whitened = torch.div(z, self._one.latent_scale[..., None], out=self._memory.like(z, "whitened"))
        y = self._through(self._decoder, whitened, "decoder")
        y = y if linear is None else y.add_(self._product(linear.decoder, whitened, "linear decoder"))
        y = y.mT.unflatten(-1, bounds.low.shape)
        return bounds(y) if bounds.squash else torch.clamp(y, bounds.low, bounds.high, out=y)

    def _through(self, layers: list[tuple[nn.Linear, type[nn.Module] | None]], x: Tensor, name: str) -> Tensor:
        for number, (linear, activation) in enumerate(layers):
            x = self._product(linear, x, f"{name} {number}")
            if activation is not None:
                APPLIED[activation](x, x)
        return x

    def _product(self, linear: nn.Linear | Linear, x: Tensor, name: str) -> Tensor:
        """Rows ([members,] inputs, n) to ([members,] outputs, n)."""
        weight, bias = linear.weight, linear.bias[..., None]
        out = self._memory.of((*weight.shape[:-1], x.shape[-1]), x, name)
        if weight.ndim == 3:
            return torch.baddbmm(bias, weight, x, out=out)
        return torch.addmm(bias, weight, x, out=out)
