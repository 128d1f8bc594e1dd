"""Optimizers by name, and the learning rate's course over a fit."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.allowed import offer
from isthmus.errors import ParameterError
from isthmus.plan import Plan
from isthmus.train.rmsprop_tf import RMSpropTF

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "rmsprop-tf": RMSpropTF,
    "adadelta": torch.optim.Adadelta,
    "sgd": torch.optim.SGD,
}

OPTIONS = ("alpha", "betas", "dampening", "eps", "momentum", "nesterov", "rho", "start")
"""Settings that `optimizer_options` may hold, where the optimizer has them."""
PAIRS = ("betas",)
"""Those that are two numbers."""


def check_options(optimizer: str, options: Any) -> None:
    """Raise `ParameterError` unless ``options`` are settings of the optimizer, with numbers as values."""
    signature = inspect.signature(OPTIMIZERS[optimizer]).parameters
    known = [name for name in OPTIONS if name in signature]
    if options is None:
        return
    if not isinstance(options, Mapping):
        raise ParameterError(f"optimizer_options must be a dict of settings of {optimizer}; got {options!r}.")
    for name, value in options.items():
        if name not in known:
            raise ParameterError(
                f"optimizer_options names {name!r}, which {optimizer} does not have. {offer(str(name), known)}"
            )
        pair = name in PAIRS
        numbers = value if pair and isinstance(value, (tuple, list)) else (value,)
        right = len(numbers) == 1 + pair and all(
            isinstance(number, (bool, int, float)) and math.isfinite(number) for number in numbers
        )
        if not right:
            what = "a pair of numbers such as (0.9, 0.999)" if pair else "a number"
            raise ParameterError(f"optimizer_options[{name!r}] must be {what}; got {value!r}.")


@dataclass(frozen=True)
class Group:
    """Weights that are trained alike: ``share`` of the learning rate, ``decay`` of their size."""

    weights: list[nn.Parameter]
    share: float
    decay: float


def groups_of(network: nn.Module, plan: Plan) -> list[Group]:
    """The linear path at ``linear_share`` of the rate and without decay, and everything else."""
    anchor = getattr(network, "linear", None)
    path = set() if anchor is None else {id(weight) for weight in anchor.parameters()}
    linear = [weight for weight in network.parameters() if id(weight) in path]
    others = [weight for weight in network.parameters() if id(weight) not in path]
    groups = Group(linear, plan.linear_share, 0.0), Group(others, 1.0, plan.weight_decay)
    return [group for group in groups if group.weights]


def make_optimizer(groups: list[Group], plan: Plan) -> torch.optim.Optimizer:
    """The plan's optimizer over ``groups``; each of its own groups holds its ``share``."""
    parameters = [{"params": group.weights, "share": group.share, "weight_decay": group.decay} for group in groups]
    options: dict[str, Any] = {"lr": plan.learning_rate}
    if plan.optimizer in ("adam", "adamw"):
        options |= {"betas": plan.betas, "fused": True}
    try:
        return OPTIMIZERS[plan.optimizer](parameters, **options | plan.optimizer_options)
    except ValueError as error:  # torch's own words: "Invalid alpha value: -1"
        raise ParameterError(f"optimizer_options={plan.optimizer_options!r} of {plan.optimizer}: {error}.") from error


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group of ``optimizer`` its share of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["share"] * rate


def kept_by(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors that ``optimizer`` keeps from step to step, by the number of the weight and their name."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value)
        for number, kept in state.items()
        for name, value in kept.items()
        if value is not None
    }


def give_back(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Let ``optimizer`` go on from what `kept_by` gave."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        weight = weights[int(number)]
        # Laid out in memory like the weight, as the optimizer would have made it.
        like = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
        state.setdefault(int(number), {})[key] = like
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def learning_rate_at(step: int, total_steps: int, plan: Plan) -> float:
    """Learning rate of a step: a linear rise to the peak, then a linear fall to zero (Smith 2018); or always the same."""
    if plan.schedule == "constant":
        return plan.learning_rate
    done = (step + 0.5) / max(1, total_steps)
    if done < plan.warmup:
        return plan.learning_rate * done / plan.warmup
    return plan.learning_rate * (1 - done) / (1 - plan.warmup)
