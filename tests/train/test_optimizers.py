"""Tests of `isthmus.train.optimizers`: the schedule, and which weights learn at which rate."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from isthmus.parameters import OPTIMIZERS as NAMES
from isthmus.train.optimizers import OPTIMIZERS, learning_rate_at, make_optimizer


@pytest.fixture
def plan(job_of, curve):
    """A plan with warm-up."""
    return dataclasses.replace(job_of(curve).plan, learning_rate=0.4, warmup=0.1)


@pytest.mark.parametrize("total", [1, 2, 10, 250, 7_200])
def test_the_rate_rises_and_falls(plan, total):
    """It warms up, peaks at no more than the learning rate, and ends near 0 without ever reaching it."""
    rates = [learning_rate_at(step, total, plan) for step in range(total)]
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert all(0 < rate <= 0.4 for rate in rates)
    assert peak <= 0.1 * total + 1


def test_the_ends_of_a_long_schedule(plan):
    """The peak is the learning rate itself, the first and the last step are far below."""
    rates = [learning_rate_at(step, 1000, plan) for step in range(1000)]
    assert max(rates) == pytest.approx(0.4, rel=0.01)
    assert rates[0] < 0.01 * 0.4
    assert rates[-1] < 0.01 * 0.4


def test_a_constant_rate(plan):
    """Without a schedule the rate is that of the plan for as long as training goes."""
    rates = {learning_rate_at(step, 10, dataclasses.replace(plan, schedule="constant")) for step in range(30)}
    assert rates == {plan.learning_rate}


def test_every_named_optimizer_exists():
    """What the parameter offers is what can be made."""
    assert set(OPTIMIZERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_linear_path_is_a_group_of_its_own(job_of, curve, plan, name):
    """Every weight is in one group; that of the linear path learns at its share and does not decay."""
    network = job_of(curve).network
    optimizer = make_optimizer(network, dataclasses.replace(plan, optimizer=name))
    groups = {group["share"]: group for group in optimizer.param_groups}
    linear = {id(p) for p in network.linear.parameters()}
    assert {id(p) for p in groups[plan.linear_share]["params"]} == linear
    assert groups[plan.linear_share]["weight_decay"] == 0
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(network.parameters()))


def test_a_network_without_linear_path_has_one_group(plan):
    """A user's own network learns at the whole rate."""
    (group,) = make_optimizer(torch.nn.Linear(2, 2), plan).param_groups
    assert group["share"] == 1.0
