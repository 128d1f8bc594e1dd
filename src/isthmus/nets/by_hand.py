"""The gradient of a fully connected network, written out: a handful of matrix products in place of a recorded graph.

Why this is worth a file of its own: a step of a small network spends most of its time not on arithmetic but on calling
operations and on recording them. For layers ``h' = act(h W^T + b)`` the chain rule is three lines (Rumelhart, Hinton, Williams
1986), with ``g`` the gradient of the loss with respect to ``h'``:

    g = g * act'(...)        db = sum of the rows of g
    dW = g^T h               gradient for the layer before: g W

Here they are called on tensors that lie ready, and nothing is recorded. The same numbers come out of autograd to rounding
(`tests/nets/test_by_hand.py` holds the two against each other); networks with anything else in them go the usual way.

Stacked members (`isthmus.nets.members`) have one more axis in front, of weights and of rows; products become batched ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.nets.linear import Linear
from isthmus.nets.members import Members
from isthmus.nets.network import Bounds, Network

_aten = torch.ops.aten
Slope = Callable[[Tensor, Tensor, Tensor], Tensor]
SLOPES: dict[type[nn.Module], Slope] = {
    nn.GELU: lambda g, before, after: _aten.gelu_backward(g, before),
    nn.SiLU: lambda g, before, after: _aten.silu_backward(g, before),
    nn.ReLU: lambda g, before, after: _aten.threshold_backward(g, after, 0),
    nn.ELU: lambda g, before, after: _aten.elu_backward(g, 1.0, 1.0, 1.0, False, before),
    nn.Tanh: lambda g, before, after: _aten.tanh_backward(g, after),
    nn.Sigmoid: lambda g, before, after: _aten.sigmoid_backward(g, after),
}
"""Of each activation: (gradient behind it, values before it, values behind it) to the gradient before it."""


def can_take(network: nn.Module) -> bool:
    """Whether the gradient of ``network`` can be written out: dense layers and known activations, nothing else."""
    one = network.stacked if isinstance(network, Members) else network
    if type(one) is not Network or one.refiner is not None or not isinstance(one.bounds, Bounds):
        return False
    return all(isinstance(part, nn.Sequential) and _layers_of(part) is not None for part in (one.encoder, one.decoder))


@dataclass(frozen=True)
class _Layer:
    """A fully connected layer and the activation behind it, if there is one."""

    linear: nn.Linear
    activation: nn.Module | None


def _layers_of(part: nn.Module) -> list[_Layer] | None:
    """The layers of ``part``; None where something else is in it, or activations that do not follow a layer."""
    layers: list[_Layer] = []
    for module in part.children():
        if type(module) in (nn.Linear, Linear) and module.bias is not None:
            layers.append(_Layer(module, None))  # type: ignore[arg-type]  # its type was just asked
        elif type(module) in SLOPES and layers and layers[-1].activation is None:
            layers[-1] = _Layer(layers[-1].linear, module)
        elif not isinstance(module, (nn.Flatten, nn.Unflatten)):
            return None
    return layers or None


class ByHand:
    """Forward and backward pass of a network that `can_take` takes.

    Parameters
    ----------
    network : its weights are read in each `forward`; each `backward` writes their ``grad``, which must be there.
    """

    def __init__(self, network: Network) -> None:
        self._members = network.count if isinstance(network, Members) else 0
        one = network.stacked if isinstance(network, Members) else network
        self._encoder, self._decoder = _Chain(one.encoder), _Chain(one.decoder)
        self._anchor = None if one.linear is None else (one.linear.encoder, one.linear.decoder)
        scale = one.latent_scale
        self._scale = scale[:, None] if self._members else scale

    def forward(self, x: Tensor, *, gaps: bool = True) -> Tensor:
        """Rows (n, ...), missing cells NaN, to reconstructions (n, n_targets) that are not bounded yet.

        Members see equal blocks of the rows, as in `Members.each`. ``gaps=False`` spares the search for missing cells.
        """
        x = (x.nan_to_num() if gaps else x).flatten(1)
        x = x.unflatten(0, (self._members, -1)) if self._members else x
        z = self._encoder.forward(x)
        if self._anchor is None:
            whitened = z / self._scale
            y = self._decoder.forward(whitened)
        else:
            encoder, decoder = self._anchor
            whitened = z.add_(_times(x, encoder)).div_(self._scale)
            y = self._decoder.forward(whitened).add_(_times(whitened, decoder))
        self._x, self._whitened = x, whitened
        return y.flatten(0, 1) if self._members else y

    def backward(self, gradient: Tensor) -> None:
        """Write the weights' gradients, from that with respect to what `forward` gave."""
        g = gradient.unflatten(0, (self._members, -1)) if self._members else gradient
        last = self._decoder.backward(g, inwards=True)
        if self._anchor is None:
            self._encoder.backward(last / self._scale, inwards=False)
            return
        encoder, decoder = self._anchor
        _write(decoder, g, self._whitened)
        last = last.add_(torch.matmul(g, decoder.weight)).div_(self._scale)
        _write(encoder, last, self._x)
        self._encoder.backward(last, inwards=False)


class _Chain:
    """Layers one behind the other, and what each saw in the last forward pass."""

    def __init__(self, part: nn.Module) -> None:
        self._layers = _layers_of(part) or []
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        self._seen.clear()
        for layer in self._layers:
            before = _times(x, layer.linear)
            after = before if layer.activation is None else layer.activation(before)
            self._seen.append((x, before, after))
            x = after
        return x

    def backward(self, g: Tensor, *, inwards: bool) -> Tensor:
        """Write the gradients of the weights; the gradient with respect to the rows, where ``inwards`` asks for it."""
        for place in reversed(range(len(self._layers))):
            layer, (x, before, after) = self._layers[place], self._seen[place]
            if layer.activation is not None:
                g = SLOPES[type(layer.activation)](g, before, after)
            _write(layer.linear, g, x)
            if place or inwards:
                g = torch.matmul(g, layer.linear.weight)
        return g


def _times(x: Tensor, layer: nn.Linear) -> Tensor:
    """The layer's product, as in training."""
    if x.ndim == 3:
        return torch.baddbmm(layer.bias[:, None], x, layer.weight.mT)
    return torch.addmm(layer.bias, x, layer.weight.mT)


def _write(layer: nn.Linear, g: Tensor, x: Tensor) -> None:
    """Write the gradients of a layer that saw ``x``, from that with respect to what it gave."""
    torch.matmul(g.mT, x, out=layer.weight.grad)
    torch.sum(g, dim=-2, out=layer.bias.grad)
