"""The only place that chooses a network: from a plan and a layout to a `Network`.

`outline` makes it without memory (on the meta device), which is how a model file's tensors are checked before any is
read; `start` fills it from a generator, so that torch's own random state is neither used nor moved.
"""

from __future__ import annotations

import copy
import math
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from isthmus.errors import ParameterError
from isthmus.layout import ColumnLayout, Layout, PixelLayout
from isthmus.nets.conv import Refiner, conv_decoder, conv_encoder
from isthmus.nets.conv1d import SampleRefiner
from isthmus.nets.dense import dense_decoder, dense_encoder
from isthmus.nets.layers import Layers, build_pair, draw
from isthmus.nets.linear import LinearPath
from isthmus.nets.network import Network
from isthmus.nets.restorer import Restorer
from isthmus.nets.seeding import seeded

_Module = TypeVar("_Module", bound=nn.Module)


def outline(
    kind: str,
    layout: Layout,
    latent_dim: int,
    hidden_dims: tuple[int, ...],
    activation: str,
    *,
    anchored: bool,
    squash: bool,
) -> Network:
    """An empty network on the meta device; ``kind`` is dense, conv or conv1d."""
    shapes = layout.input_shape, layout.output_shape
    with torch.device("meta"):
        refiner: nn.Module | None = None
        if kind == "conv" and isinstance(layout, PixelLayout):
            refiner = Refiner(layout.shape, latent_dim)
            encoder: nn.Module = conv_encoder(layout.shape, hidden_dims, latent_dim, activation)
            decoder: nn.Module = conv_decoder(layout.shape, hidden_dims, latent_dim, activation)
        else:
            encoder = dense_encoder(shapes[0], hidden_dims, latent_dim, activation)
            decoder = dense_decoder(shapes[1], hidden_dims, latent_dim, activation)
            if kind == "conv1d" and isinstance(layout, ColumnLayout):
                refiner = SampleRefiner(layout.n_targets, latent_dim)
        linear = LinearPath(*shapes, latent_dim) if anchored else None
        network = Network(encoder, decoder, linear, layout.output_shape, latent_dim, refiner=refiner, squash=squash)
        return _channels_last(network)


def outline_layers(layers: Layers, layout: Layout, latent_dim: int, *, squash: bool) -> Network:
    """The same from layers that a user listed."""
    with torch.device("meta"):
        encoder, decoder = build_pair(layers, layout.input_shape, layout.output_shape)
        network = Network(encoder, decoder, None, layout.output_shape, latent_dim, squash=squash)
        return _channels_last(network)


def outline_unet(layout: Layout, widths: tuple[int, ...], *, halved: bool) -> Network:
    """The same for a U-shaped network with ``widths`` channels in its levels."""
    if not isinstance(layout, PixelLayout):
        raise ValueError("a U-shaped network is for pictures")
    with torch.device("meta"):
        return _channels_last(Restorer(layout.shape[0], widths, halved=halved))


def _channels_last(network: Network) -> Network:
    """Channels last saves a third to a half of the time of small convolutions; weights in it pull their inputs along."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stubs
    return network.float()


def start(network: Network, generator: torch.Generator, initializer: str | None = None) -> Network:
    """Give an outlined network its first weights; the last layers are zero where it starts at PCA or at the identity.

    Parameters
    ----------
    initializer : one of those of `isthmus.nets.layers`, for layers that a user listed. None: weights are drawn from
        N(0, 1 / (3 inputs)), torch's own default spread: a little less than what keeps the variance through a layer (LeCun
        et al. 1998), and the best of four spreads tried on MNIST.
    """
    network = with_memory(network)
    if initializer is None:
        _draw(network, generator)
    else:
        draw(network, initializer, generator)
    if isinstance(network, Restorer):
        _zero_last(network.encoder)
    if network.linear is not None:
        for part in (network.encoder, network.decoder, network.refiner):
            if part is not None:
                _zero_last(part)
    network.latent_scale.fill_(1.0)
    network.bounds.open()
    return network


def with_memory(network: _Module) -> _Module:
    """The outlined network on the CPU, its tensors not yet filled.

    As torch's `to_empty` does; that one loads a symbolic algebra package on the way, which takes most of a second.
    """
    for module in network.modules():
        for name, weight in module._parameters.items():
            if weight is not None and weight.is_meta:
                module._parameters[name] = nn.Parameter(_with_memory(weight))
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_meta:  # what follows from a shape alone is there already
                module._buffers[name] = _with_memory(buffer)
    return network


def _with_memory(outlined: Tensor) -> Tensor:
    return torch.empty_strided(outlined.shape, outlined.stride(), dtype=outlined.dtype)


def _draw(network: Network, generator: torch.Generator) -> None:
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            inputs = module.weight[0].numel()
            with torch.no_grad():
                module.weight.normal_(0.0, 1 / math.sqrt(3 * inputs), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()


def _zero_last(part: nn.Module) -> None:
    last = [m for m in part.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)


def wrap(network: Any, layout: Layout, latent_dim: int, *, squash: bool, seed: int = 0) -> Network:
    """A user's own (encoder, decoder), or what their callable returns, as a `Network`; theirs is copied, not trained.

    Parameters
    ----------
    seed : what a callable draws its first weights from.

    Raises
    ------
    ParameterError
        If it is not a pair of modules, or their shapes do not fit the data.
    """
    with seeded(seed):
        pair = network(layout.input_shape, latent_dim) if _makes_pair(network) else network
    if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(m, nn.Module) for m in pair)):
        raise ParameterError(
            "network must be a pair (encoder, decoder) of torch.nn.Module, or a callable(input_shape, latent_dim) that "
            f"returns one; got {type(pair).__name__}."
        )
    encoder, decoder = copy.deepcopy(pair[0]), copy.deepcopy(pair[1])
    made = Network(encoder, decoder, None, layout.output_shape, latent_dim, squash=squash).float()
    if not any(weight.requires_grad for weight in made.parameters()):
        raise ParameterError("network has no weights that could be trained; give it layers such as torch.nn.Linear.")
    _check_shapes(made, layout, latent_dim)
    return made


def _makes_pair(network: Any) -> bool:
    return callable(network) and not isinstance(network, nn.Module)


def _check_shapes(network: Network, layout: Layout, latent_dim: int) -> None:
    x = torch.zeros(2, *layout.input_shape, dtype=torch.float32)
    network.eval()
    for part, given, want in (
        ("encoder", x, (latent_dim,)),
        ("decoder", torch.zeros(2, latent_dim, dtype=torch.float32), layout.output_shape),
    ):
        try:
            with torch.no_grad():
                result = getattr(network, part)(given)
        except Exception as error:  # a user's forward may raise anything
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ParameterError(
                f"the {part} of network does not take rows of shape {tuple(given.shape[1:])}: {reason}"
            ) from error
        if not isinstance(result, Tensor):
            raise ParameterError(f"the {part} of network must give one tensor; it gives {type(result).__name__}.")
        got = tuple(result.shape)
        if got != (2, *want):
            raise ParameterError(
                f"the {part} of network gives rows of shape {got[1:]}; the data and latent_dim ask for {want}."
            )


def multiply_adds(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-adds of one row through the linear and convolutional layers of ``network``; of members: of one of them."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight: Tensor = module.weight  # type: ignore[assignment]  # only layers that have one are hooked
        places = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        if isinstance(module, nn.Linear) and weight.ndim == 3:  # of members, stacked
            places, weight = places[0], weight[0]
        total += places[0].numel() // len(weight) * weight.numel()

    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            network(torch.zeros(1, *input_shape, device=device, dtype=torch.float32))
    finally:
        for hook in hooks:
            hook.remove()
    return total
