"""Several networks of one shape that are trained and run as one.

In: networks. Out: one `Network` whose weights have the members along their first axis. Each product of a layer becomes one
batched product for all members, so eight of them cost far less than eight times one: what a small network's step waits for
is the call of each operation, not its arithmetic. Fully connected layers take the further axis as they are; for all others
`torch.func.vmap` does it, at the price of more calls.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.linear import Linear, LinearPath
from isthmus.nets.network import Bounds, Network, Output


class Members(Network):
    """Networks of one shape, side by side.

    A row's latents are those of all members one after the other, (n, members * latent_dim); its reconstruction is the mean
    of theirs. In training each member sees rows of its own, see `each`.

    Parameters
    ----------
    networks : at least one, all of one shape; each is copied.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        nn.Module.__init__(self)
        self.count = len(networks)
        self.stacked = _stacked(networks)
        self._dense = all(_takes_members(module) for module in self.stacked.modules())

    @property
    def linear(self) -> Any:  # type: ignore[override]  # the members' paths, stacked
        """The linear paths; what is copied to their weights is copied to each member's."""
        return self.stacked.linear

    @property
    def bounds(self) -> Any:  # type: ignore[override]  # nn.Module has no such types
        """The bounds of the reconstruction, which all members share."""
        return self.stacked.bounds

    @property
    def latent_scale(self) -> Tensor:  # type: ignore[override]  # the members' scales, stacked
        """The scale of each latent coordinate of each member, (members, latent_dim)."""
        return self.stacked.latent_scale

    def encode(self, x: Tensor) -> Tensor:
        """Encoded rows (n, *input_shape) to latents (n, members * latent_dim)."""
        latents: Tensor = self._mapped(_encode, x, None)
        return latents.transpose(0, 1).flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """Latents (n, members * latent_dim) to the mean of the members' reconstructions, (n, *output_shape)."""
        parts = z.unflatten(1, (self.count, z.shape[1] // self.count)).transpose(0, 1)
        made: Tensor = self._mapped(_decode, parts, 0)
        return made.mean(dim=0)

    def forward(self, x: Tensor) -> Output:
        """Encode and decode; ``stats["members"]`` holds each member's reconstruction, (n, members, *output_shape)."""
        latent, made = self._mapped(_encode_and_decode, x, None)
        return Output(made.mean(dim=0), latent.transpose(0, 1).flatten(1), {"members": made.transpose(0, 1)})

    def each(self, x: Tensor) -> Output:
        """Equal blocks of rows, one for each member: (members * n, *input_shape) to reconstructions in the same order."""
        latent, made = self._mapped(_encode_and_decode, x.unflatten(0, (self.count, -1)), 0)
        return Output(made.flatten(0, 1), latent.flatten(0, 1), {})

    def _mapped(self, function: Callable[[Network, Tensor], Any], x: Tensor, axis: int | None) -> Any:
        """``function`` of each member and its part of ``x`` along ``axis``, or of all of ``x`` where that is None."""
        if self._dense:
            return function(self.stacked, x.expand(self.count, *x.shape) if axis is None else x)
        state = {**dict(self.stacked.named_parameters()), **dict(self.stacked.named_buffers())}
        axes = {name: None if name.startswith("bounds.") else 0 for name in state}
        caller = _Caller(self.stacked, function)

        def one(weights: dict[str, Tensor], rows: Tensor) -> Any:
            return functional_call(caller, {f"network.{name}": value for name, value in weights.items()}, (rows,))

        return vmap(one, in_dims=(axes, axis), randomness="different")(state, x)


class _Caller(nn.Module):
    """Lets `functional_call` run another function of a network than its ``forward``."""

    def __init__(self, network: Network, function: Callable[[Network, Tensor], Any]) -> None:
        super().__init__()
        self.network = network
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.network, x)


def _takes_members(module: nn.Module) -> bool:
    """Whether rows may stand behind an axis of members: fully connected layers, what stands between them, and their parents."""
    if isinstance(module, nn.Flatten):
        return module.start_dim < 0
    if isinstance(module, nn.Unflatten):
        return str(module.dim).startswith("-")
    whole = type(module) in (Network, LinearPath, Linear, Bounds, nn.Sequential)
    return whole or type(module) in ACTIVATIONS.values()


def _encode(network: Network, x: Tensor) -> Tensor:
    return network.encode(x)


def _decode(network: Network, z: Tensor) -> Tensor:
    return network.decode(z)


def _encode_and_decode(network: Network, x: Tensor) -> tuple[Tensor, Tensor]:
    made: Output = network(x)
    return made.latent, made.reconstruction


def _stacked(networks: Sequence[Network]) -> Network:
    """The first network with the weights of all, stacked; not to be run itself. Its bounds are those of all."""
    tree = copy.deepcopy(networks[0])
    for name, module in tree.named_modules():
        if name == "bounds":
            continue
        others = [network.get_submodule(name) for network in networks]
        for key in list(module._parameters):
            values = [other._parameters[key] for other in others]
            if values[0] is not None:
                module._parameters[key] = nn.Parameter(_stack([v.detach() for v in values if v is not None]))
        for key in list(module._buffers):
            kept = [other._buffers[key] for other in others]
            if kept[0] is not None:
                module._buffers[key] = _stack([v for v in kept if v is not None])
    return tree


def _stack(tensors: list[Tensor]) -> Tensor:
    """The tensors along a new first axis, each laid out in memory as it was: convolutions choose their kernel by that.

    Not `torch.stack`: on outlines it would lay them out otherwise than on tensors with memory, and take a second to load.
    """
    first = tensors[0]
    stacked = torch.empty_strided(
        (len(tensors), *first.shape), (first.numel(), *first.stride()), dtype=first.dtype, device=first.device
    )
    if not first.is_meta:
        for place, tensor in zip(stacked, tensors, strict=True):
            place.copy_(tensor)
    return stacked
