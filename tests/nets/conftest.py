"""What the tests of networks share: layouts of every shape, and networks anchored to PCA."""

from __future__ import annotations

import pytest
import torch

from isthmus.baselines import fit_linear
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.build import outline, start

LAYOUTS = {
    "rows": ("dense", ColumnLayout(10)),
    "one column": ("dense", ColumnLayout(1)),
    "rows with extras": ("dense", ColumnLayout(6, n_flags=1, levels=(3,), n_extras=2, entropies=(0.5, 0.9))),
    "dense pictures": ("dense", PixelLayout((2, 3, 5))),
    "1 x 7": ("conv", PixelLayout((1, 1, 7))),
    "9 x 12 x 3": ("conv", PixelLayout((3, 9, 12))),
    "28 x 28": ("conv", PixelLayout((1, 28, 28))),
    "signal": ("conv1d", ColumnLayout(33)),
    "signal with gap marks": ("conv1d", ColumnLayout(140, n_extras=3)),
    "110 x 101 x 3": ("conv", PixelLayout((3, 110, 101))),
}


@pytest.fixture(params=LAYOUTS)
def form(request):
    """A kind of network and a layout for it."""
    return LAYOUTS[request.param]


@pytest.fixture
def make():
    """A function that makes a started network and leaves PCA out."""

    def made(kind, layout, latent_dim=2, hidden=(8,), *, activation="gelu", anchored=True, squash=False, seed=0):
        network = outline(kind, layout, latent_dim, hidden, activation, anchored=anchored, squash=squash)
        return start(network, torch.Generator().manual_seed(seed))

    return made


@pytest.fixture
def anchor():
    """A function that sets a network's linear path to the PCA of rows, and gives the fit."""

    def set_to_pca(network, layout, x):
        fit = fit_linear(x, layout, len(network.latent_scale), seed=0)
        scale = fit.variances.sqrt().clamp_min(1e-3)
        network.linear.set(fit, scale)
        network.latent_scale.copy_(scale)
        return fit

    return set_to_pca
