"""The gradient of a fully connected network, written out: a handful of matrix products in place of a recorded graph.

Why this is worth a file of its own: a step of a small network spends most of its time not on arithmetic but on calling
operations and on recording them. For layers ``h' = act(h W^T + b)`` the chain rule is three lines (Rumelhart, Hinton, Williams
1986), with ``g`` the gradient of the loss with respect to ``h'``:

    g = g * act'(...)        db = sum of the rows of g
    dW = g^T h               gradient for the layer before: g W

Here they are called on tensors that lie ready, and nothing is recorded. What a step makes goes to the memory that the step
before made its own in: memory that is asked for anew costs as much as the arithmetic of a small layer. The same numbers come
out of autograd to rounding (`tests/nets/test_by_hand.py` holds the two against each other); networks with anything else in
them go the usual way.

Stacked members (`isthmus.nets.members`) have one more axis in front, of weights and of rows; products become batched ones.
Rows come in and go out in float32; a network whose weights are bfloat16 computes in that in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.nets.linear import Linear
from isthmus.nets.members import Members
from isthmus.nets.memory import Memory
from isthmus.nets.network import Bounds, Network

_aten = torch.ops.aten
Apply = Callable[[Tensor, Tensor], object]
Slope = Callable[[Tensor, Tensor, Tensor], object]
IN_PLACE = (nn.ReLU, nn.Tanh, nn.Sigmoid)
"""Activations whose slope follows from their value, so that it may take the place of what it was made of."""
APPLIED: dict[type[nn.Module], Apply] = {
    nn.GELU: lambda x, out: _aten.gelu.out(x, out=out),
    nn.SiLU: lambda x, out: _aten.silu.out(x, out=out),
    nn.ReLU: lambda x, out: torch.clamp(x, 0, out=out),
    nn.ELU: lambda x, out: _aten.elu.out(x, out=out),
    nn.Tanh: lambda x, out: torch.tanh(x, out=out),
    nn.Sigmoid: lambda x, out: torch.sigmoid(x, out=out),
}
"""Of each activation: (values before it, where to write those behind it)."""
SLOPES: dict[type[nn.Module], Slope] = {
    nn.GELU: lambda g, before, after: _aten.gelu_backward.grad_input(g, before, grad_input=g),
    nn.SiLU: lambda g, before, after: _aten.silu_backward.grad_input(g, before, grad_input=g),
    nn.ReLU: lambda g, before, after: _aten.threshold_backward.grad_input(g, after, 0, grad_input=g),
    nn.ELU: lambda g, before, after: _aten.elu_backward.grad_input(g, 1.0, 1.0, 1.0, False, before, grad_input=g),
    nn.Tanh: lambda g, before, after: _aten.tanh_backward.grad_input(g, after, grad_input=g),
    nn.Sigmoid: lambda g, before, after: _aten.sigmoid_backward.grad_input(g, after, grad_input=g),
}
"""Of each activation: (gradient behind it, values before it, values behind it); that before it takes the first's place."""


def can_take(network: nn.Module) -> bool:
    """Whether the gradient of ``network`` can be written out: dense layers and known activations, nothing else."""
    one = network.stacked if isinstance(network, Members) else network
    if type(one) is not Network or one.refiner is not None or not isinstance(one.bounds, Bounds):
        return False
    parts = [dense_layers(part) for part in (one.encoder, one.decoder)]
    # A linear path adds to what comes last in each part, which an activation there would need as it was.
    return all(layers and (one.linear is None or layers[-1][1] is None) for layers in parts)


def dense_layers(part: nn.Module) -> list[tuple[nn.Linear, type[nn.Module] | None]]:
    """The layers of ``part``, each with the activation behind it; none where anything else is in it."""
    layers: list[tuple[nn.Linear, type[nn.Module] | None]] = []
    for module in part if isinstance(part, nn.Sequential) else ():
        if type(module) in (nn.Linear, Linear) and module.bias is not None:
            layers.append((module, None))  # type: ignore[arg-type]  # its type was just asked
        elif type(module) in SLOPES and layers and layers[-1][1] is None:
            layers[-1] = (layers[-1][0], type(module))
        elif not isinstance(module, (nn.Flatten, nn.Unflatten)):
            return []
    return layers


class ByHand:
    """Forward and backward pass of a network that `can_take` takes.

    Parameters
    ----------
    network : its weights are read in each `forward`; each `backward` writes their ``grad``, which must be there.
    """

    def __init__(self, network: Network) -> None:
        self._members = network.count if isinstance(network, Members) else 0
        one = network.stacked if isinstance(network, Members) else network
        self._encoder, self._decoder = (
            [_Layer(*layer) for layer in dense_layers(part)] for part in (one.encoder, one.decoder)
        )
        self._anchor = None if one.linear is None else (_Layer(one.linear.encoder), _Layer(one.linear.decoder))
        scale = one.latent_scale
        self._weight, self._memory = next(one.parameters()), Memory()
        self._scale = scale[:, None] if self._members else scale

    def forward(self, x: Tensor, *, gaps: bool = True) -> Tensor:
        """Rows (n, ...), missing cells NaN, to reconstructions (n, n_targets) that are not bounded yet.

        Members see equal blocks of the rows, as in `Members.each`. ``gaps=False`` spares the search for missing cells. What
        is given lies in memory that the next call writes over.
        """
        rows = (x.nan_to_num() if gaps else x).flatten(1)
        x = self._as(self._weight, rows, "rows")
        x = x.unflatten(0, (self._members, -1)) if self._members else x
        z = _through(self._encoder, x)
        if self._anchor is None:
            y = _through(self._decoder, (z / self._scale).to(z.dtype))  # the scale keeps all its digits
        else:
            encoder, decoder = self._anchor
            whitened = encoder.add(x, z).div_(self._scale)
            y = decoder.add(whitened, _through(self._decoder, whitened))
        return self._as(rows, y.flatten(0, 1) if self._members else y, "made")

    def backward(self, gradient: Tensor) -> None:
        """Write the weights' gradients, from that with respect to what `forward` gave, which is written over."""
        g = self._as(self._weight, gradient, "gradient")
        g = g.unflatten(0, (self._members, -1)) if self._members else g
        if self._anchor is None:
            _back(self._encoder, _back(self._decoder, g).div_(self._scale), inwards=False)
            return
        encoder, decoder = self._anchor
        direct = decoder.backward(g)
        last = _back(self._decoder, g).add_(direct).div_(self._scale)
        encoder.backward(last, inwards=False)
        _back(self._encoder, last, inwards=False)

    def _as(self, other: Tensor, tensor: Tensor, name: str) -> Tensor:
        """``tensor`` in the number format of ``other``."""
        if tensor.dtype == other.dtype:
            return tensor
        return self._memory.of(tensor.shape, other, name).copy_(tensor)


class _Layer:
    """A fully connected layer and the activation behind it, if there is one."""

    def __init__(self, linear: nn.Linear, activation: type[nn.Module] | None = None) -> None:
        self._linear, self._activation = linear, activation
        self._rooms: dict[torch.Size, _Room] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Rows (n, inputs), or (members, n, inputs), to (..., outputs)."""
        room, layer = self._room_for(x), self._linear
        if x.ndim == 3:
            torch.baddbmm(layer.bias[:, None], x, layer.weight.mT, out=room.before)
        else:
            torch.addmm(layer.bias, x, layer.weight.mT, out=room.before)
        if self._activation is not None:
            APPLIED[self._activation](room.before, room.after)
        return room.after

    def add(self, x: Tensor, to: Tensor) -> Tensor:
        """What the layer gives for ``x``, added to ``to`` in place."""
        self._room_for(x)
        if x.ndim == 3:
            return to.baddbmm_(x, self._linear.weight.mT).add_(self._linear.bias[:, None])
        return to.addmm_(x, self._linear.weight.mT).add_(self._linear.bias)

    def backward(self, g: Tensor, *, inwards: bool = True) -> Tensor:
        """Write the gradients of the weights; that with respect to the rows, where ``inwards`` asks for it.

        ``g`` is the gradient with respect to what the layer gave last, and is written over.
        """
        room, layer = self._room, self._linear
        if self._activation is not None:
            SLOPES[self._activation](g, room.before, room.after)
        torch.matmul(g.mT, room.x, out=layer.weight.grad)
        torch.sum(g, dim=-2, out=layer.bias.grad)
        return torch.matmul(g, layer.weight, out=room.inwards) if inwards else g

    def _room_for(self, x: Tensor) -> _Room:
        """The memory for as many rows as ``x`` has; `backward` finds it again."""
        size = x.shape[:-1]
        if size not in self._rooms:
            before = x.new_empty((*size, self._linear.weight.shape[-2]))
            after = before if self._activation in (None, *IN_PLACE) else torch.empty_like(before)
            self._rooms[size] = _Room(x, before, after, x.new_empty(x.shape))
        self._room = self._rooms[size]
        self._room.x = x
        return self._room


@dataclass
class _Room:
    """Of one number of rows: what a layer sees, makes, gives, and hands back."""

    x: Tensor
    before: Tensor
    after: Tensor
    inwards: Tensor


def _through(layers: list[_Layer], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer.forward(x)
    return x


def _back(layers: list[_Layer], g: Tensor, *, inwards: bool = True) -> Tensor:
    for layer in reversed(layers):
        g = layer.backward(g, inwards=inwards or layer is not layers[0])
    return g
