"""Optimizers by name, and the learning rate's course over a fit."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from isthmus.plan import Plan

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "adadelta": torch.optim.Adadelta,
    "sgd": torch.optim.SGD,
}


PARTIAL_SHARE = 10
"""A constant rate is this much below the schedule's peak, which nothing anneals."""


def make_optimizer(network: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """The plan's optimizer over two groups: the linear path at ``linear_share`` of the rate, everything else at all of it."""
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, weight in network.named_parameters():
        groups[name.startswith("linear.")].append(weight)
    parameters = [
        {
            "params": group,
            "share": plan.linear_share if is_linear else 1.0,
            "weight_decay": 0.0 if is_linear else plan.weight_decay,
        }
        for is_linear, group in groups.items()
        if group
    ]
    options: dict[str, Any] = {"lr": plan.learning_rate}
    if plan.optimizer in ("adam", "adamw"):
        options |= {"betas": plan.betas, "fused": True}
    return OPTIMIZERS[plan.optimizer](parameters, **options)


def learning_rate_at(step: int, total_steps: int, plan: Plan) -> float:
    """Learning rate of a step: a linear rise to the peak, then a linear fall to zero (Smith 2018)."""
    if plan.constant_rate:
        return plan.learning_rate / PARTIAL_SHARE
    done = (step + 0.5) / max(1, total_steps)
    if done < plan.warmup:
        return plan.learning_rate * done / plan.warmup
    return plan.learning_rate * (1 - done) / (1 - plan.warmup)
