"""Tests of `isthmus.train.steps`: both ways of a step give the same weights, and which one is taken."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from isthmus.errors import ParameterError
from isthmus.layout import ColumnLayout
from isthmus.losses import ELEMENT_LOSSES, cross_entropy_in, error_map
from isthmus.nets.members import Members
from isthmus.nets.network import Bounds
from isthmus.train.job import rows_of_steps
from isthmus.train.loop import train
from isthmus.train.steps import RecordedStep, WrittenStep, make_step
from isthmus.train.written_losses import AbsoluteError, CrossEntropy, SquaredError, written_loss

PLANS = {
    "default": {},
    "adam": {"optimizer": "adam", "weight_decay": 0.0},
    "other settings": {"optimizer_options": {"betas": (0.8, 0.95), "eps": 1e-4}},
    "trimmed": {"trim": 0.25},
    "sgd": {"optimizer": "sgd", "optimizer_options": {"momentum": 0.9}, "weight_decay": 0.0},
    "rmsprop": {"optimizer": "rmsprop", "weight_decay": 0.0},
    "rmsprop-tf": {"optimizer": "rmsprop-tf", "weight_decay": 0.0},
    "adadelta": {"optimizer": "adadelta", "weight_decay": 0.0},
}


def weights_after(step, job, steps=5):
    """The losses of a few steps and the weights after them."""
    before = [weight.detach().clone() for weight in job.network.parameters()]
    batches = list(torch.arange(16 * steps).split(16))
    losses = [float(step.take(x, seen, 5e-3)) for x, seen in rows_of_steps(job, batches, 0)]
    step.close()
    after = [weight.detach().clone() for weight in job.network.parameters()]
    assert not all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    return losses, after


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("element", ["mse", None])
@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("members", [1, 3])
def test_both_ways_agree(job_of, curve, name, element, gaps, members):
    """Written out or recorded, five steps end at the same weights, for every loss, with gaps and for members."""
    if gaps:
        curve[::7, 2] = torch.nan
        curve[5] = torch.nan
    found = []
    for make in (RecordedStep, WrittenStep):
        job = job_of(curve, members=members, **PLANS[name])
        network = job.network if members == 1 else Members([job.network] * members)
        job = dataclasses.replace(job, network=network, gaps=gaps, element=element)
        found.append(weights_after(make(job), job))
    (losses, weights), (same_losses, same_weights) = found
    assert losses == pytest.approx(same_losses, rel=1e-5)
    for one, other in zip(weights, same_weights, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("members", [1, 3])
def test_both_ways_agree_in_bfloat16(job_of, curve, members):
    """To the rounding of bfloat16; the weights proper keep the digits that it has not."""
    found = []
    for make in (RecordedStep, WrittenStep):
        job = job_of(curve, members=members, precision="bfloat16")
        network = job.network if members == 1 else Members([job.network] * members)
        job = dataclasses.replace(job, network=network, gaps=False, element="mse")
        found.append(weights_after(make(job), job))
    (losses, weights), (same_losses, same_weights) = found
    assert losses == pytest.approx(same_losses, rel=0.02)
    for one, other in zip(weights, same_weights, strict=True):
        # A gradient near 0 may change its sign, which Adam makes a step of 5e-3.
        assert float((one - other).abs().median()) < 1e-3
        assert float((one - other).abs().max()) < 5e-2
    assert any(not torch.equal(weight, weight.bfloat16().float()) for weight in same_weights)


@pytest.mark.parametrize("name", ["mse", "mae", "bce"])
def test_written_losses_are_those_of_autograd(name):
    """Value and gradient, of rows within and beyond the bounds, at them, and in a column that never changes."""
    generator = torch.Generator().manual_seed(0)
    bounds = Bounds((5,), squash=False)
    bounds.low.copy_(torch.tensor([0.0, -1.0, 0.5, 0.0, 0.25]))
    bounds.high.copy_(torch.tensor([1.0, 2.0, 0.5, 1e-3, 0.75]))
    target = bounds.low + (bounds.high - bounds.low) * torch.rand(50, 5, generator=generator)
    target[7:9] = 3 * target[7:9] - 1
    made = (target + 0.5 * torch.randn(50, 5, generator=generator)).requires_grad_()
    elements = ELEMENT_LOSSES | {"bce": cross_entropy_in(bounds.low, bounds.high)}
    wanted = error_map(bounds(made), target, ColumnLayout(5), elements[name], gaps=False).mean()
    (slope,) = torch.autograd.grad(3 * wanted, made)
    written = {"mse": lambda *a: SquaredError(*a, gaps=False), "mae": AbsoluteError, "bce": CrossEntropy}[name](
        bounds, 3
    )
    with torch.no_grad():
        for _ in range(2):  # the second time over what the first left
            loss, gradient = written.of(made.detach(), target)
            torch.testing.assert_close(loss, wanted.detach())
            torch.testing.assert_close(gradient, slope, rtol=1e-4, atol=1e-6)


def test_which_losses_are_written(job_of, curve):
    """Those of single numbers; trimmed rows, and gaps where more than squares would be needed, are recorded."""
    bounds = job_of(curve).network.bounds
    kinds = {"mse": SquaredError, "mae": AbsoluteError, "bce": CrossEntropy, "huber": type(None), None: type(None)}
    for name, kind in kinds.items():
        job = dataclasses.replace(job_of(curve), element=name, gaps=False)
        assert type(written_loss(job, bounds)) is kind
        gappy = written_loss(dataclasses.replace(job, gaps=True), bounds)
        assert (gappy is not None) == (name == "mse")
        assert written_loss(dataclasses.replace(job, plan=dataclasses.replace(job.plan, trim=0.1)), bounds) is None


def test_which_way_is_taken(job_of, curve):
    """Dense networks are written out; what needs a graph is recorded."""
    assert isinstance(make_step(job_of(curve)), WrittenStep)
    assert isinstance(make_step(job_of(curve, clip_norm=1.0)), RecordedStep)
    assert isinstance(make_step(job_of(curve, precision="bfloat16")), WrittenStep)
    assert isinstance(make_step(job_of(curve, penalty=lambda output: None)), RecordedStep)


def test_weights_have_memory_of_their_own_afterwards(job_of, curve):
    """No weight is a view into that of all, nor keeps a gradient."""
    job = job_of(curve)
    train(job)
    for weight in job.network.parameters():
        assert weight.untyped_storage().nbytes() == weight.nbytes
        assert weight.grad is None


@pytest.mark.parametrize("options", [{"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0}])
def test_settings_beyond_reason_are_refused(job_of, curve, options):
    """Both ways refuse the same settings."""
    for make in (RecordedStep, WrittenStep):
        with pytest.raises(ParameterError, match="optimizer_options"):
            make(job_of(curve, optimizer_options=options))


def test_what_was_opened_is_closed_when_settings_are_refused(job_of, curve):
    """After an error no weight is a view into that of all, nor has it a gradient."""
    job = job_of(curve, optimizer_options={"betas": (1.5, 0.9)})
    with pytest.raises(ParameterError, match="betas"):
        make_step(job)
    for weight in job.network.parameters():
        assert weight.untyped_storage().nbytes() == weight.nbytes
        assert weight.grad is None


def test_a_users_own_modules_are_recorded(job_of, curve):
    """They may hold frozen or shared weights, hooks, or a forward pass of their own."""
    assert isinstance(make_step(job_of(curve, network="custom")), RecordedStep)
