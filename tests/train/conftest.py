"""What the tests of training share: rows with a curve in them, and a job to train on them."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from isthmus.baselines import fit_linear
from isthmus.layout import ColumnLayout
from isthmus.losses import error_map
from isthmus.nets.build import outline, start
from isthmus.parameters import AutoencoderParameters
from isthmus.plan import DataShape, Machine, make_plan
from isthmus.train.callbacks import Callback
from isthmus.train.job import Job, generator_for

LAYOUT = ColumnLayout(6)
GOOD = {"latent_dim": 2, "hidden_dims": (24,), "max_epochs": 4, "batch_size": 16, "learning_rate": 5e-3}


class Rows:
    """Rows in memory."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def take(self, index):
        return self.x[index]


class Recorder(Callback):
    """Notes which hook was called, and where training stood."""

    def __init__(self):
        self.calls = []

    def on_fit_start(self, state):
        self.calls.append(("start", state.epoch, state.step))

    def on_step_end(self, state):
        self.calls.append(("step", state.epoch, state.step))

    def on_epoch_end(self, state):
        self.calls.append(("epoch", state.epoch, state.step))

    def on_fit_end(self, state):
        self.calls.append(("end", state.epoch, state.step))


@pytest.fixture
def curve():
    """Rows along a closed curve, which no plane holds, (200, 6)."""
    t = torch.linspace(0, 6.28, 200)
    x = torch.stack([f(k * t) for k in (1, 2, 3) for f in (torch.sin, torch.cos)], dim=1)
    return x / x.std(dim=0)


@pytest.fixture
def noise():
    """Rows of pure chance, (200, 6), which nothing compresses better than PCA."""
    return torch.randn(200, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def job_of():
    """A function that makes a job of rows; keywords of the plan and of the job change it."""

    def make(x, *, seed=0, corrupt=None, penalty=None, callbacks=(), inputs=None, **changes):
        plan = make_plan(DataShape(len(x), LAYOUT, "column"), AutoencoderParameters(**GOOD), Machine())
        plan = dataclasses.replace(plan, **changes)
        network = outline("dense", LAYOUT, 2, plan.hidden_dims, "gelu", anchored=True, squash=False)
        network = start(network, generator_for(seed, 3))
        fit = fit_linear(x, LAYOUT, 2, seed)
        network.linear.set(fit, fit.variances.sqrt())
        network.latent_scale.copy_(fit.variances.sqrt())
        errors = lambda y, x: error_map(y, x, LAYOUT)  # noqa: E731  (one line of the job below)
        return Job(network, Rows(x), plan, errors, seed, corrupt, penalty, callbacks, inputs=inputs)

    return make


@pytest.fixture
def recorder():
    """A callback that notes its calls."""
    return Recorder()
