"""Tests of `isthmus.train.steps`: both ways of a step give the same weights, and which one is taken."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from isthmus.errors import ParameterError
from isthmus.nets.members import Members
from isthmus.train.job import rows_of_step
from isthmus.train.loop import train
from isthmus.train.steps import RecordedStep, WrittenStep, make_step

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
    losses = [float(step.take(*rows_of_step(job, torch.arange(16) + 16 * n, n), 5e-3)) for n in range(steps)]
    step.close()
    after = [weight.detach().clone() for weight in job.network.parameters()]
    assert not all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    return losses, after


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("members", [1, 3])
def test_both_ways_agree(job_of, curve, name, squared, gaps, members):
    """Written out or recorded, five steps end at the same weights, for every loss, with gaps and for members."""
    if gaps:
        curve[::7, 2] = torch.nan
        curve[5] = torch.nan
    found = []
    for make in (RecordedStep, WrittenStep):
        job = job_of(curve, members=members, **PLANS[name])
        network = job.network if members == 1 else Members([job.network] * members)
        job = dataclasses.replace(job, network=network, gaps=gaps, squared=squared)
        found.append(weights_after(make(job), job))
    (losses, weights), (same_losses, same_weights) = found
    assert losses == pytest.approx(same_losses, rel=1e-5)
    for one, other in zip(weights, same_weights, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_which_way_is_taken(job_of, curve):
    """Dense networks are written out; what needs a graph is recorded."""
    assert isinstance(make_step(job_of(curve)), WrittenStep)
    assert isinstance(make_step(job_of(curve, clip_norm=1.0)), RecordedStep)
    assert isinstance(make_step(job_of(curve, precision="bfloat16")), RecordedStep)
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
