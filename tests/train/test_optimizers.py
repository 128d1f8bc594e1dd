"""Tests of `isthmus.train.optimizers`: the schedule, and which weights learn at which rate."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from isthmus import Autoencoder
from isthmus.errors import ParameterError
from isthmus.nets.members import Members
from isthmus.parameters import OPTIMIZERS as NAMES
from isthmus.train.optimizers import OPTIMIZERS, OPTIONS, check_options, groups_of, learning_rate_at, make_optimizer


def made(network, plan):
    """The optimizer of a network's weights."""
    return make_optimizer(groups_of(network, plan), plan)


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
    optimizer = made(network, dataclasses.replace(plan, optimizer=name))
    groups = {group["share"]: group for group in optimizer.param_groups}
    linear = {id(p) for p in network.linear.parameters()}
    assert {id(p) for p in groups[plan.linear_share]["params"]} == linear
    assert groups[plan.linear_share]["weight_decay"] == 0
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(network.parameters()))


def test_the_linear_paths_of_members_are_that_group(job_of, curve, plan):
    """Members' linear paths, stacked, learn at the share of one."""
    members = Members([job_of(curve, seed=seed).network for seed in range(3)])
    groups = {group["share"]: group["params"] for group in made(members, plan).param_groups}
    assert {id(p) for p in groups[plan.linear_share]} == {id(p) for p in members.linear.parameters()}
    assert sum(len(group) for group in groups.values()) == len(list(members.parameters()))


def test_a_network_without_linear_path_has_one_group(plan):
    """A user's own network learns at the whole rate."""
    (group,) = made(torch.nn.Linear(2, 2), plan).param_groups
    assert group["share"] == 1.0


RIGHT = [
    ("adam", {"betas": (0.8, 0.95), "eps": 1e-7}), ("adamw", {"betas": (0.8, 0.95)}), ("rmsprop", {"alpha": 0.9, "momentum": 0.5}),
    ("rmsprop-tf", {"alpha": 0.8, "eps": 1e-7, "start": 0.0}), ("adadelta", {"rho": 0.9, "eps": 1}),
    ("sgd", {"momentum": 0.9, "nesterov": True}), ("sgd", {"momentum": 0.9, "dampening": 0.1}), ("adam", {}), ("sgd", None),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "options"), RIGHT)
def test_settings_reach_the_optimizer(optimizer, options, plan):
    """What is checked is made, and every group of weights has the settings that were given."""
    check_options(optimizer, options)
    chosen = dataclasses.replace(plan, optimizer=optimizer, optimizer_options=dict(options or {}))
    (group,) = made(torch.nn.Linear(2, 2), chosen).param_groups
    assert {name: group[name] for name in options or {}} == (options or {})


def test_settings_change_the_fit():
    """The fits of one seed with other settings differ, and those with the usual settings named do not."""
    X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)).numpy()

    def fitted(**options):
        model = Autoencoder(
            2, optimizer="rmsprop-tf", optimizer_options=options, max_epochs=2, keep="last", random_state=0
        )
        return model.fit(X).transform(X).tolist()

    assert fitted() == fitted(alpha=0.9, eps=1e-10, start=1.0)
    assert fitted() != fitted(start=0.0)


@pytest.mark.parametrize("optimizer", NAMES)
def test_every_setting_is_one_or_is_named(optimizer):
    """Each optimizer takes the settings it has, and for any other offers the nearest or lists them."""
    for name in OPTIONS:
        value = (0.9, 0.99) if name == "betas" else 0.5
        try:
            check_options(optimizer, {name: value})
        except ParameterError as error:
            assert f"optimizer_options names {name!r}, which {optimizer} does not have. It has: " in str(error)  # noqa: PT017  # some are right


@pytest.mark.parametrize(
    ("optimizer", "options", "words"),
    [
        ("adam", {"beta": (0.9, 0.99)}, "names 'beta', which adam does not have. Did you mean 'betas'"),
        ("adam", {"lr": 0.1}, r"names 'lr', which adam does not have\. It has: betas, eps"),
        ("sgd", {3: 0.1}, "names 3, which sgd does not have"),
        ("adam", {"eps": "small"}, r"optimizer_options\['eps'\] must be a number; got 'small'"),
        ("adam", {"eps": float("nan")}, "must be a number; got nan"),
        ("adam", {"eps": (0.1, 0.2)}, r"must be a number; got \(0\.1, 0\.2\)"),
        ("sgd", {"momentum": [0.9]}, r"must be a number; got \[0\.9\]"),
        ("adam", {"betas": 0.9}, r"must be a pair of numbers such as \(0\.9, 0\.999\); got 0\.9"),
        ("adam", {"betas": (0.9,)}, "must be a pair of numbers"),
        ("adam", {"betas": (0.9, 0.99, 0.999)}, "must be a pair of numbers"),
        ("adam", {"betas": (0.9, None)}, "must be a pair of numbers"),
        ("adam", [("eps", 1)], "optimizer_options must be a dict of settings of adam"),
        ("adam", "eps=1", r"optimizer_options (of Autoencoder )?must be .*dict"),
    ],
)
def test_settings_that_are_refused(optimizer, options, words):
    """Unknown names and values of the wrong form are errors of the plan, before any work."""
    with pytest.raises(ParameterError, match=words):
        check_options(optimizer, options)
    with pytest.raises(ParameterError, match=words):
        Autoencoder(1, optimizer=optimizer, optimizer_options=options).plan([[1.0, 2.0], [3.0, 5.0]])


@pytest.mark.parametrize(
    ("optimizer", "options", "words"),
    [
        ("adam", {"eps": -1}, "Invalid epsilon value: -1"),
        ("adam", {"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1"),
        ("rmsprop-tf", {"alpha": 2}, "Invalid alpha value: 2"),
        ("rmsprop-tf", {"start": -1}, "Invalid start value: -1"),
        ("sgd", {"nesterov": True}, "Nesterov momentum requires a momentum"),
    ],
)
def test_values_out_of_range(optimizer, options, words, plan):
    """What only torch knows to be out of range is told in its words, with the name of the parameter."""
    chosen = dataclasses.replace(plan, optimizer=optimizer, optimizer_options=options)
    with pytest.raises(ParameterError, match=f"^optimizer_options=.* of {optimizer}: {words}"):
        made(torch.nn.Linear(2, 2), chosen)
